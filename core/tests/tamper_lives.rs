//! Somebody edits tokens, configurations, users' records and the columns that a sweep goes by: nothing opens that should
//! not, nothing lives longer, and nobody else suffers.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use sessile::{Clock, Code, Keyring, Options, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const START: i64 = 1_767_225_600;

struct Place {
    folder: tempfile::TempDir,
    clock: Clock,
}

fn config(tag: &str) -> String {
    json!({"name": tag, "tag": tag, "expiry": 1, "period": "hour", "idle": {"value": 10, "period": "mins"},
           "schema": {"userId": "string", "n": "any"}, "selector": "userId"})
    .to_string()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap(), clock: Clock::manual(Time::from_secs(START)) };
        Keyring::generate(place.path("keyring.json")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self, product: &str, env: &str) -> Store {
        let url = format!("sqlite:{}", self.path("sessions.db").display());
        let options = Options::from_json(&json!({"url": url, "product": product, "env": env}).to_string()).unwrap();
        Store::open(options.keyring_file(self.path("keyring.json")).clock(self.clock.clone())).wait().unwrap()
    }

    /// A store with the configurations `shop` and `club`.
    fn furnished(&self) -> Store {
        let store = self.store("shop", "dev");
        for tag in ["shop", "club"] {
            store.configs().create(&config(tag)).wait().unwrap();
        }
        store
    }

    fn edit<T>(&self, edit: impl Fn(&Connection) -> T) -> T {
        edit(&Connection::open(self.path("sessions.db")).unwrap())
    }

    fn at(&self, seconds: i64) {
        self.clock.set(Time::from_secs(START + seconds)).unwrap();
    }
}

fn start(store: &Store, tag: &str, user: &str) -> Value {
    parsed(&store.sessions().start(tag, &json!({"userId": user, "n": 1}).to_string(), None).wait().unwrap())
}

fn text<'a>(started: &'a Value, name: &str) -> &'a str {
    started[name].as_str().unwrap()
}

fn verified(store: &Store, token: &str) -> Value {
    parsed(&store.sessions().verify(token).wait().unwrap())
}

fn refresh_code(store: &Store, token: &str) -> Option<Code> {
    store.sessions().refresh(token).wait().err().map(|error| error.code())
}

#[test]
fn every_bit_of_a_refresh_token() {
    let place = Place::new();
    let store = place.furnished();
    let started = start(&store, "shop", "u1");
    let (tag, body) = text(&started, "refreshToken").split_once(':').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
    let printed = |bytes: &[u8]| format!("{tag}:{}", URL_SAFE_NO_PAD.encode(bytes));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refresh_code(&store, &printed(&flipped)), Some(Code::TokenSignature), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert_eq!(refresh_code(&store, &printed(&bytes[..length])), Some(Code::TokenMalformed), "{length} bytes");
    }
    assert_eq!(refresh_code(&store, &printed(&[&bytes[..], &[0]].concat())), Some(Code::TokenMalformed));
    // No attempt cost the session anything, and the token is still good for its one use.
    assert_eq!(verified(&store, text(&started, "token"))["valid"], true);
    store.sessions().refresh(text(&started, "refreshToken")).wait().unwrap();
}

#[test]
fn a_refresh_token_is_of_one_session_config_product_and_env() {
    let place = Place::new();
    let store = place.furnished();
    let (one, two) = (start(&store, "shop", "u1"), start(&store, "shop", "u2"));
    let token = text(&one, "refreshToken");
    let body = token.split_once(':').unwrap().1;
    assert_eq!(refresh_code(&store, &format!("club:{body}")), Some(Code::TokenSignature), "another tag");
    assert_eq!(refresh_code(&store, &format!("global:{body}")), Some(Code::TokenSignature), "the built-in one");
    assert_eq!(refresh_code(&store, &format!("none:{body}")), Some(Code::TokenSignature), "a tag of nothing");
    let mut bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
    let other = URL_SAFE_NO_PAD.decode(text(&two, "refreshToken").split_once(':').unwrap().1).unwrap();
    bytes[..17].copy_from_slice(&other[..17]);
    let mixed = format!("shop:{}", URL_SAFE_NO_PAD.encode(bytes));
    assert_eq!(refresh_code(&store, &mixed), Some(Code::TokenSignature), "another session");
    for (product, env) in [("other", "dev"), ("shop", "prd")] {
        let elsewhere = place.store(product, env);
        elsewhere.configs().create(&config("shop")).wait().unwrap();
        assert_eq!(refresh_code(&elsewhere, token), Some(Code::TokenSignature), "{product} {env}");
        assert_eq!(verified(&elsewhere, text(&one, "token")), json!({"valid": false, "reason": "untrusted"}));
    }
    // A tag that was made again is another config: its old tokens open nothing.
    store.configs().delete("shop", true).wait().unwrap();
    store.configs().create(&config("shop")).wait().unwrap();
    assert_eq!(refresh_code(&store, token), Some(Code::TokenSignature));
    assert_eq!(verified(&store, text(&two, "token"))["valid"], false);
}

#[test]
fn every_bit_of_a_session_token() {
    let place = Place::new();
    let store = place.furnished();
    let started = start(&store, "shop", "u1");
    let (tag, jwt) = text(&started, "token").split_once(':').unwrap();
    let segments: Vec<&str> = jwt.split('.').collect();
    for (number, segment) in segments.iter().enumerate() {
        let bytes = URL_SAFE_NO_PAD.decode(segment).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut edited: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
            edited[number] = URL_SAFE_NO_PAD.encode(flipped);
            let token = format!("{tag}:{}", edited.join("."));
            assert_eq!(verified(&store, &token), json!({"valid": false, "reason": "untrusted"}), "{number}, bit {bit}");
        }
    }
    for length in 0..jwt.len() {
        assert_eq!(verified(&store, &jwt[..length])["valid"], false, "{length} bytes");
    }
    assert_eq!(verified(&store, &format!("{jwt}A"))["valid"], false);
    // A session's token is no refresh token, and the reverse.
    assert_eq!(refresh_code(&store, text(&started, "token")), Some(Code::TokenMalformed));
    assert_eq!(verified(&store, text(&started, "refreshToken"))["valid"], false);
    assert_eq!(verified(&store, text(&started, "token"))["valid"], true);
}

/// The head's own row under another config's, user's or env's session: bound to where it was sealed.
#[test]
fn a_record_moved_under_another_config_or_session() {
    for (what, from, to) in [
        ("another config's", ("shop", "u1"), ("club", "u1")),
        ("another user's", ("shop", "u1"), ("shop", "u2")),
        ("another session of the user's", ("shop", "u1"), ("shop", "u1")),
    ] {
        let place = Place::new();
        let store = place.furnished();
        let started = [start(&store, from.0, from.1), start(&store, to.0, to.1)];
        let keys = started.each_ref().map(|started| {
            let id = text(started, "sessionId").rsplit_once('.').unwrap().1;
            let bucket = u8::from_str_radix(&id[..2], 16).unwrap();
            [&[bucket][..], &URL_SAFE_NO_PAD.decode(&id[2..]).unwrap()].concat()
        });
        place.edit(|file| {
            let sql = "UPDATE session SET (head, cells, size, count, touch) = (SELECT head, cells, size, count, touch \
                       FROM session AS f WHERE substr(f.key, 17) = ?1) WHERE substr(key, 17) = ?2";
            assert_eq!(file.execute(sql, params![keys[0], keys[1]]).unwrap(), 1);
        });
        let stranger = place.store("shop", "dev");
        for store in [&store, &stranger] {
            let error = store.sessions().verify(text(&started[1], "token")).wait().unwrap_err();
            assert_eq!(error.code(), Code::Corrupt, "{what}");
            assert_eq!(refresh_code(store, text(&started[1], "refreshToken")), Some(Code::Corrupt), "{what}");
            assert_eq!(verified(store, text(&started[0], "token"))["valid"], true, "{what}: the original is as it was");
        }
    }
}

#[test]
fn a_definition_is_of_one_tag_product_and_env() {
    let place = Place::new();
    let store = place.furnished();
    start(&store, "shop", "u1");
    let other = place.store("shop", "prd");
    other.configs().create(&config("shop")).wait().unwrap();
    // The catalog's rows are those without fields that nobody touches: shop, club, and the other env's shop.
    let rows: Vec<(i64, Vec<u8>)> = place.edit(|file| {
        let mut select =
            file.prepare("SELECT rowid, head FROM session WHERE count = 0 AND touch IS NULL ORDER BY rowid").unwrap();
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    });
    assert_eq!(rows.len(), 3);
    let set = |rowid: i64, head: &[u8]| {
        place.edit(|file| file.execute("UPDATE session SET head = ?2 WHERE rowid = ?1", params![rowid, head]).unwrap());
    };
    let refused = |what: &str| {
        let fresh = place.store("shop", "dev");
        assert_eq!(fresh.configs().get("shop").wait().unwrap_err().code(), Code::Corrupt, "{what}");
        let run = fresh.sessions().start("shop", r#"{"userId": "u1"}"#, None).wait();
        assert_eq!(run.unwrap_err().code(), Code::Corrupt, "{what}");
        fresh.configs().get("club").wait().unwrap();
    };
    set(rows[0].0, &rows[1].1);
    refused("another tag's");
    set(rows[0].0, &rows[2].1);
    refused("another env's");
    for at in (5..rows[0].1.len()).step_by(11) {
        let mut bad = rows[0].1.clone();
        bad[at] ^= 0x10;
        set(rows[0].0, &bad);
        refused("a flipped bit");
    }
    set(rows[0].0, &rows[0].1[..rows[0].1.len() - 1]);
    refused("cut");
    set(rows[0].0, &rows[0].1);
    place.store("shop", "dev").configs().get("shop").wait().unwrap();
}

#[test]
fn an_older_definition_put_back_is_stale_where_a_newer_one_was_seen() {
    let place = Place::new();
    let store = place.furnished();
    let head = || -> Vec<u8> {
        place.edit(|file| {
            file.query_row("SELECT head FROM session ORDER BY rowid LIMIT 1", [], |row| row.get(0)).unwrap()
        })
    };
    let old = head();
    store.configs().update("shop", r#"{"maxSessionsPerUser": 1}"#).wait().unwrap();
    assert!(head() != old);
    place.edit(|file| {
        file.execute("UPDATE session SET head = ?1 WHERE rowid = (SELECT min(rowid) FROM session)", [&old]).unwrap()
    });
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(store.configs().get("shop").wait().unwrap_err().code(), Code::Stale);
    let started = store.sessions().start("shop", r#"{"userId": "u1"}"#, None).wait();
    assert_eq!(started.unwrap_err().code(), Code::Stale, "no session begins by rules that were replaced");
    assert_eq!(parsed(&place.store("shop", "dev").configs().get("shop").wait().unwrap())["version"], 1);
}

#[test]
fn users_records_are_of_one_user() {
    let place = Place::new();
    let store = place.furnished();
    let (one, two) = (start(&store, "shop", "u1"), start(&store, "shop", "u2"));
    let rows: Vec<(i64, Vec<u8>)> = place.edit(|file| {
        let mut select = file.prepare("SELECT rowid, sealed FROM user ORDER BY rowid").unwrap();
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
    });
    place.edit(|file| {
        file.execute("UPDATE user SET sealed = ?2 WHERE rowid = ?1", params![rows[0].0, rows[1].1]).unwrap()
    });
    assert_eq!(store.sessions().user("shop", r#""u1""#).wait().unwrap_err().code(), Code::Corrupt);
    let users = parsed(&store.sessions().users("shop", None).wait().unwrap());
    let shown = users["users"].as_array().unwrap();
    assert_eq!(shown.iter().filter(|user| user["unreadable"] == "CORRUPT").count(), 1);
    assert_eq!(shown.iter().filter(|user| user["identifier"] == "u2").count(), 1, "nobody is shown twice");
    // Their sessions do not depend on it, and can be revoked.
    assert_eq!(verified(&store, text(&one, "token"))["valid"], true);
    store.sessions().revoke_all("shop", r#""u1""#, None).wait().unwrap();
    assert_eq!(verified(&store, text(&one, "token"))["reason"], "revoked");
    assert_eq!(verified(&store, text(&two, "token"))["valid"], true);
}

#[test]
fn columns_that_tell_when_to_sweep_prolong_nothing() {
    for expires in ["NULL", "9223372036854775807", "32503680000000"] {
        let place = Place::new();
        let store = place.furnished();
        let started = start(&store, "shop", "u1");
        let token = store.tokens().issue(r#"{"sub": "ada"}"#, 7_200).wait().unwrap();
        let run = store.execution(Some(JWT), Some(&token)).unwrap();
        run.global(Some("shop")).put(r#"{"userId": "ada"}"#, None).wait().unwrap();
        place.edit(|file| {
            file.execute(&format!("UPDATE session SET expires = {expires} WHERE touch IS NOT NULL"), []).unwrap()
        });
        place.at(599);
        assert_eq!(verified(&store, text(&started, "token"))["valid"], true);
        place.at(3_601);
        for store in [&store, &place.store("shop", "dev")] {
            assert_eq!(verified(store, text(&started, "token"))["reason"], "session_expired", "{expires}");
            let run = store.execution(Some(JWT), Some(&token)).unwrap();
            assert_eq!(run.global(Some("shop")).get("userId").wait().unwrap(), None, "{expires}");
        }
    }
}

#[test]
fn a_forged_touch_keeps_nothing_alive() {
    let place = Place::new();
    let store = place.furnished();
    let (one, two) = (start(&store, "shop", "u1"), start(&store, "shop", "u2"));
    place.at(550);
    // A use of one session is no use of another, and a time without its MAC is no use at all.
    assert_eq!(verified(&store, text(&two, "token"))["valid"], true);
    place.edit(|file| {
        let rows: Vec<(i64, Vec<u8>)> = {
            let mut select =
                file.prepare("SELECT rowid, touch FROM session WHERE touch IS NOT NULL ORDER BY rowid").unwrap();
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(rows.len(), 2);
        file.execute("UPDATE session SET touch = ?2 WHERE rowid = ?1", params![rows[0].0, rows[1].1]).unwrap();
    });
    place.at(601);
    for store in [&store, &place.store("shop", "dev")] {
        assert_eq!(verified(store, text(&one, "token"))["reason"], "session_expired");
        assert_eq!(verified(store, text(&two, "token"))["valid"], true);
    }
    let place = Place::new();
    let store = place.furnished();
    let one = start(&store, "shop", "u1");
    place.edit(|file| {
        let sql = "UPDATE session SET touch = ?1 WHERE touch IS NOT NULL";
        let forged = [&(START * 1000 + 600_000).to_be_bytes()[..], &[0; 16]].concat();
        file.execute(sql, [forged]).unwrap()
    });
    place.at(601);
    assert_eq!(verified(&store, text(&one, "token"))["reason"], "session_expired");
}

#[test]
fn a_head_that_was_removed() {
    let place = Place::new();
    let store = place.furnished();
    let one = start(&store, "shop", "u1");
    place.edit(|file| file.execute("UPDATE session SET head = NULL WHERE count > 0", []).unwrap());
    for store in [&store, &place.store("shop", "dev")] {
        assert_eq!(verified(store, text(&one, "token")), json!({"valid": false, "reason": "revoked"}));
        assert_eq!(refresh_code(store, text(&one, "refreshToken")), Some(Code::SessionRevoked));
        let updated = store.sessions().update(text(&one, "sessionId"), r#"{"n": 2}"#).wait();
        assert_eq!(updated.unwrap_err().code(), Code::NotFound);
    }
}
