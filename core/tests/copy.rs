//! What is stored moves from one backend to another, and everybody goes on as if nothing had been.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod copied;
#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;

use copied::{Place, copy_all, is_sound, login, make_configs, parsed, seen, standing, start, text, with_another_key};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sessile::{Clock, Code, Error, Keyring, Options, Store};

/// What a product's users hold in their hands.
struct Users {
    ann: [Value; 2],
    bob: Value,
    /// Revoked.
    carl: Value,
    /// Of the config that shreds.
    eve: Value,
    /// Login tokens: good, revoked by itself, and of a user who was revoked.
    logins: [String; 3],
}

impl Users {
    fn of(store: &Store, clock: &Clock) -> Users {
        let sessions = store.sessions();
        let first = start(store, "shop", "ann");
        clock.advance(1000).unwrap();
        let ann = [first, start(store, "shop", "ann")];
        let (bob, carl, eve) = (start(store, "shop", "bob"), start(store, "shop", "carl"), start(store, "cart", "eve"));
        sessions.update(text(&ann[0], "sessionId"), r#"{"note": [1.0, "two"]}"#).wait().unwrap();
        sessions.revoke(text(&carl, "sessionId")).wait().unwrap();
        let logins = ["dora", "fay", "gus"].map(|subject| login(store, subject));
        let dora = standing(store, &logins[0], None);
        dora.put(r#"{"n": 1, "gone": 2}"#, None).wait().unwrap();
        dora.put(r#"{"short": true}"#, Some(3600)).wait().unwrap();
        dora.increment("n", "41").wait().unwrap();
        dora.delete(&["gone"]).wait().unwrap();
        standing(store, &logins[1], None).put(r#"{"x": 1}"#, None).wait().unwrap();
        store.revoke_token(&logins[1]).wait().unwrap();
        sessions.revoke_all("global", r#""gus""#, None).wait().unwrap();
        Users { ann, bob, carl, eve, logins }
    }

    fn tokens(&self) -> Vec<String> {
        let all = [&self.ann[0], &self.ann[1], &self.bob, &self.carl, &self.eve];
        all.iter().map(|started| text(started, "token").to_owned()).collect()
    }

    /// What is true wherever they are now; then they go on, so that each store has something of its own to hand over.
    fn go_on(&mut self, store: &Store, clock: &Clock, round: u64) {
        let sessions = store.sessions();
        let verified: Vec<Value> =
            self.tokens().iter().map(|token| parsed(&sessions.verify(token).wait().unwrap())).collect();
        let valid: Vec<bool> = verified.iter().map(|verdict| verdict["valid"].as_bool().unwrap()).collect();
        assert_eq!(valid, [true, true, true, false, true], "{verified:?}");
        assert_eq!(verified[0]["data"]["note"], json!([1.0, "two"]));
        assert_eq!(verified[4]["data"]["note"], "of eve");

        let dora = standing(store, &self.logins[0], None);
        let version = dora.info().wait().unwrap().unwrap().version;
        // Begun, given a field that ends, counted, and one field less; then once a round.
        assert_eq!(version, 4 + round, "a version goes on from where it was");
        assert_eq!(dora.keys().wait().unwrap().len(), 2);
        assert!(dora.expires_at("short").wait().unwrap().unwrap().is_some());
        assert_eq!(dora.increment("n", "1").wait().unwrap().as_str(), (43 + round).to_string());
        for (token, code) in [(1, Code::TokenRevoked), (2, Code::TokenRevoked)] {
            let refused = standing(store, &self.logins[token], None).put(r#"{"y": 1}"#, None).wait().unwrap_err();
            assert_eq!(refused.code(), code, "{refused}");
        }

        // The refresh token in force gives the next one; the one before it, late, would be a theft.
        for started in [&mut self.bob, &mut self.eve] {
            let next = parsed(&sessions.refresh(text(started, "refreshToken")).wait().unwrap());
            assert_eq!(next["sessionId"], started["sessionId"]);
            *started = next;
        }
        assert_eq!(sessions.refresh(text(&self.carl, "refreshToken")).wait().unwrap_err().code(), Code::SessionRevoked);

        // A quota of two: the third evicts the one that was started first.
        clock.advance(1000).unwrap();
        let third = start(store, "shop", "ann");
        let [first, second] = std::mem::replace(&mut self.ann, [Value::Null, Value::Null]);
        assert_eq!(parsed(&sessions.verify(text(&first, "token")).wait().unwrap())["valid"], false);
        sessions.update(text(&second, "sessionId"), r#"{"note": [1.0, "two"]}"#).wait().unwrap();
        self.ann = [second, third];
    }
}

#[test]
fn everybody_goes_on_from_backend_to_backend() {
    let place = Place::new();
    let on_redis = redis::Server::start(&[]);
    let on_postgres = postgres::Server::start(&[]);
    let stores = [
        place.with_secrets("memory:", "memory:"),
        place.with_secrets(&place.sqlite("one.db"), &place.sqlite("secrets-1.db")),
        place.with_secrets(&on_redis.url(), &place.sqlite("secrets-2.db")),
        place.with_secrets(&on_postgres.url(), &place.sqlite("secrets-3.db")),
        place.with_secrets(&place.sqlite("two.db"), &place.sqlite("secrets-4.db")),
    ];
    make_configs(&stores[0]);
    let mut users = Users::of(&stores[0], &place.clock);
    for (round, pair) in stores.windows(2).enumerate() {
        let [from, to] = pair else { unreachable!("two") };
        place.clock.advance(60_000).unwrap();
        let before = seen(from, &place.clock, &users.tokens());
        let [copied, unchanged, skipped] = copy_all(from, to, 3);
        assert!(copied >= 15 && unchanged == 0 && skipped == 0, "{copied} {unchanged} {skipped}");
        let after = seen(to, &place.clock, &users.tokens());
        assert_eq!(after, before, "round {round}");
        let (here, there) = (is_sound(from), is_sound(to));
        assert_eq!(there, here);
        assert_eq!(copy_all(from, to, 1000), [0, copied, 0], "a second time there is nothing to do");
        users.go_on(to, &place.clock, round as u64);
    }

    // And back, to a server that stands where it was left.
    let [_, _, back, _, last] = &stores;
    let before = seen(last, &place.clock, &users.tokens());
    let [copied, unchanged, skipped] = copy_all(last, back, 7);
    assert!(copied > 0 && unchanged > 0 && skipped == 0, "{copied} {unchanged} {skipped}");
    assert_eq!(seen(back, &place.clock, &users.tokens()), before);
    assert_eq!(is_sound(back), is_sound(last));
    users.go_on(back, &place.clock, 4);
}

#[test]
fn what_was_changed_at_the_destination_is_never_made_older() {
    let place = Place::new();
    let secrets = place.sqlite("secrets.db");
    // Both go by one file of secrets: it need not move.
    let from = place.with_secrets(&place.sqlite("from.db"), &secrets);
    let to = place.with_secrets(&place.sqlite("to.db"), &secrets);
    make_configs(&from);
    let users = Users::of(&from, &place.clock);
    let token = &users.logins[0];
    let all: u64 = copy_all(&from, &to, 100).iter().sum();
    // The same file once more is where all of it is.
    let same = place.with_secrets(&place.sqlite("from.db"), &secrets);
    assert_eq!(copy_all(&from, &same, 100), [0, all, 0]);

    // The destination goes on.
    place.clock.advance(5000).unwrap();
    to.sessions().revoke(text(&users.ann[0], "sessionId")).wait().unwrap();
    to.sessions().update(text(&users.ann[1], "sessionId"), r#"{"note": "there"}"#).wait().unwrap();
    let refreshed = parsed(&to.sessions().refresh(text(&users.bob, "refreshToken")).wait().unwrap());
    to.configs().update("shop", r#"{"description": "newer"}"#).wait().unwrap();
    standing(&to, token, None).end().wait().unwrap();
    let before = seen(&to, &place.clock, &users.tokens());
    let [copied, unchanged, skipped] = copy_all(&from, &to, 100);
    assert_eq!((copied, unchanged + skipped), (0, all), "{unchanged} {skipped}");
    assert_eq!(skipped, 5, "three sessions, a configuration, and a session that was ended");
    assert_eq!(seen(&to, &place.clock, &users.tokens()), before);
    assert_eq!(standing(&to, token, None).keys().wait().unwrap().len(), 0);
    to.sessions().refresh(text(&refreshed, "refreshToken")).wait().unwrap();
    is_sound(&to);
}

#[test]
fn what_was_changed_at_the_source_since_is_brought_by_the_next_copy() {
    let place = Place::new();
    let from = place.with_secrets("memory:", "memory:");
    let to = place.with_secrets(&place.sqlite("to.db"), &place.sqlite("secrets.db"));
    make_configs(&from);
    let users = Users::of(&from, &place.clock);
    let token = &users.logins[0];
    let [all, _, _] = copy_all(&from, &to, 100);

    place.clock.advance(90_000).unwrap();
    let sessions = from.sessions();
    standing(&from, token, None).put(r#"{"late": 1}"#, None).wait().unwrap();
    sessions.revoke(text(&users.ann[0], "sessionId")).wait().unwrap();
    sessions.refresh(text(&users.bob, "refreshToken")).wait().unwrap();
    sessions.extend(text(&users.eve, "sessionId"), 40_000_000).wait().unwrap();
    from.configs().update("cart", r#"{"description": "newer"}"#).wait().unwrap();
    start(&from, "shop", "hal");
    from.revoke_token(&login(&from, "ida")).wait().unwrap();
    standing(&from, &users.logins[1], None).get("x").wait().unwrap_err();
    // One that was used and nothing else.
    standing(&from, text(&users.ann[1], "token"), None).get("note").wait().unwrap();

    let before = seen(&from, &place.clock, &users.tokens());
    let [copied, unchanged, skipped] = copy_all(&from, &to, 4);
    assert!(copied >= 9 && copied < all && unchanged > 0 && skipped == 0, "{copied} {unchanged} {skipped}");
    assert_eq!(seen(&to, &place.clock, &users.tokens()), before);
    assert_eq!(is_sound(&to), is_sound(&from));
    let [copied, _, skipped] = copy_all(&from, &to, 4);
    assert_eq!((copied, skipped), (0, 0));
}

/// A put leaves the head as it is, so the copies of one session differ in nothing but its fields; and who reads at the
/// destination all the while sees each of them.
#[test]
fn a_session_that_is_brought_again_and_again_is_read_after_each() {
    let place = Place::new();
    let (from, to) = (place.open("memory:"), place.open(&place.sqlite("to.db")));
    let elsewhere = place.open(&place.sqlite("to.db"));
    let token = login(&from, "ann");
    for n in 0..5 {
        standing(&from, &token, None).put(&json!({"n": n}).to_string(), None).wait().unwrap();
        copy_all(&from, &to, 100);
        for store in [&to, &elsewhere] {
            let met = standing(store, &token, None).get("n").wait().unwrap().unwrap();
            assert_eq!(met.as_str(), n.to_string());
        }
        place.clock.advance(1000).unwrap();
    }
}

/// The destination has a newer key, and all that lies there is sealed with it: it is known again all the same.
#[test]
fn what_was_sealed_anew_at_the_destination_gives_way_and_stays_as_before() {
    let (place, mut newer) = (Place::new(), Place::new());
    (newer.keyring, newer.clock) = (with_another_key(&place.keyring), place.clock.clone());
    let from = place.with_secrets(&place.sqlite("from.db"), &place.sqlite("from-secrets.db"));
    let to = newer.with_secrets(&newer.sqlite("to.db"), &newer.sqlite("to-secrets.db"));
    make_configs(&from);
    let users = Users::of(&from, &place.clock);
    let all: u64 = copy_all(&from, &to, 100).iter().sum();
    assert_eq!(parsed(&to.rewrap(Some(r#"{"limit": 1000}"#)).wait().unwrap())["done"], true);
    assert_eq!(copy_all(&from, &to, 100), [0, all, 0], "sealed with another key it is the same");
    place.clock.advance(5000).unwrap();
    standing(&from, &users.logins[0], None).put(r#"{"late": 1}"#, None).wait().unwrap();
    let [copied, _, skipped] = copy_all(&from, &to, 100);
    assert!(copied >= 1 && skipped == 0, "{copied} {skipped}");
    is_sound(&to);
}

/// Who was forgotten and comes back has another secret: their sessions would open at a destination that forgot nobody as
/// little as anywhere.
#[test]
fn who_was_forgotten_here_is_to_be_forgotten_there_before_they_come_back() {
    let place = Place::new();
    let from = place.with_secrets("memory:", "memory:");
    let to = place.with_secrets(&place.sqlite("to.db"), &place.sqlite("secrets.db"));
    make_configs(&from);
    start(&from, "cart", "eve");
    copy_all(&from, &to, 100);
    from.sessions().forget("cart", r#""eve""#).wait().unwrap();
    place.clock.advance(1000).unwrap();
    let back = start(&from, "cart", "eve");
    let [_, _, skipped] = copy_all(&from, &to, 100);
    assert_eq!(skipped, 3, "the secret, the session that it seals, and who the record says it is of");
    to.sessions().forget("cart", r#""eve""#).wait().unwrap();
    copy_all(&from, &to, 100);
    let verdict = parsed(&to.sessions().verify(text(&back, "token")).wait().unwrap());
    assert_eq!((&verdict["valid"], &verdict["data"]["note"]), (&json!(true), &json!("of eve")));
    is_sound(&to);
}

#[test]
fn other_things_at_the_destination_stay() {
    let place = Place::new();
    // The deletion of a configuration waits for as long as a call may take.
    let open = |url: &str| Store::open(place.options(url, json!({"limits": {"deadline": 2000}}))).wait().unwrap();
    let (from, to) = (open("memory:"), open(&place.sqlite("to.db")));
    let config =
        |tag: &str| json!({"name": tag, "tag": tag, "schema": {"userId": "string"}, "selector": "userId"}).to_string();
    from.configs().create(&config("one")).wait().unwrap();
    to.configs().create(&config("two")).wait().unwrap();
    let begin = |store: &Store, tag: &str, user: &str| {
        parsed(&store.sessions().start(tag, &json!({"userId": user}).to_string(), None).wait().unwrap())
    };
    let (brought, there) = (begin(&from, "one", "ann"), begin(&to, "two", "bob"));
    let tokens = ["ann", "bob"].map(|subject| login(&from, subject));
    standing(&from, &tokens[0], None).put(r#"{"x": 1}"#, None).wait().unwrap();
    standing(&to, &tokens[1], None).put(r#"{"x": 2}"#, None).wait().unwrap();
    let [_, unchanged, skipped] = copy_all(&from, &to, 100);
    assert_eq!((unchanged, skipped), (0, 0));
    for started in [&brought, &there] {
        assert_eq!(parsed(&to.sessions().verify(text(started, "token")).wait().unwrap())["valid"], true);
    }
    for (token, value) in tokens.iter().zip(["1", "2"]) {
        assert_eq!(standing(&to, token, None).get("x").wait().unwrap().unwrap().as_str(), value);
    }
    is_sound(&to);

    // A tag that means something else there.
    from.configs().create(&config("two")).wait().unwrap();
    let refused = from.copy_to(&to, None).wait().unwrap_err();
    assert_eq!((refused.code(), &refused.details()["tag"]), (Code::Conflict, &"two".into()));
    // A configuration that was deleted there does not come back, nor does what lay under it.
    from.configs().delete("two", true).wait().unwrap();
    to.configs().delete("one", true).wait().unwrap();
    let [copied, ..] = copy_all(&from, &to, 100);
    assert_eq!(copied, 0);
    assert_eq!(to.configs().get("one").wait().unwrap_err().code(), Code::NotFound);
    is_sound(&to);
}

#[test]
fn what_could_not_be_opened_there_is_refused_before_anything_is_written() {
    let place = Place::new();
    let from = place.with_secrets("memory:", "memory:");
    make_configs(&from);
    Users::of(&from, &place.clock);
    let refused = |to: &Store, code: Code, detail: &str, value: Value| {
        let error: Error = from.copy_to(to, None).wait().unwrap_err();
        let found = error.details().get(detail).unwrap_or(&Value::Null);
        assert_eq!((error.code(), found), (code, &value), "{error}");
    };
    refused(&from, Code::InvalidArgument, "argument", "other".into());
    let strange = Place::new();
    refused(&strange.with_secrets("memory:", "memory:"), Code::KeyUnavailable, "keyId", Value::Null);
    let env = Store::open(place.options("memory:", json!({"env": "prd", "secrets": "memory:"}))).wait().unwrap();
    refused(&env, Code::InvalidArgument, "argument", "other".into());
    let plain = place.open(&place.sqlite("plain.db"));
    refused(&plain, Code::KeyUnavailable, "reason", "secrets".into());
    assert_eq!(parsed(&plain.configs().list(None).wait().unwrap())["configs"].as_array().map(Vec::len), Some(1));

    // A keyring that lacks the newer key of the source's.
    let mut rotated = Place::new();
    rotated.keyring = with_another_key(&place.keyring);
    let newer = rotated.with_secrets("memory:", "memory:");
    make_configs(&newer);
    let error = newer.copy_to(&plain, None).wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["keyId"]), (Code::KeyUnavailable, &2.into()));
    // The other way round every key is there.
    let to = rotated.with_secrets(&rotated.sqlite("to.db"), &rotated.sqlite("secrets.db"));
    let [copied, ..] = copy_all(&from, &to, 100);
    assert!(copied > 0);
    is_sound(&to);

    for options in [r#"{"limit": 0}"#, r#"{"cursor": "?"}"#, r#"{"limt": 1}"#] {
        assert_eq!(from.copy_to(&to, Some(options)).wait().unwrap_err().code(), Code::InvalidArgument);
    }
    to.close().wait().unwrap();
    refused(&to, Code::Closed, "argument", Value::Null);
    let (path, secrets) = (place.sqlite("empty.db"), place.sqlite("no-secrets.db"));
    place.with_secrets(&path, &secrets).close().wait().unwrap();
    let reading = Store::open(place.options(&path, json!({"readOnly": true, "secrets": secrets}))).wait().unwrap();
    assert_eq!(from.copy_to(&reading, None).wait().unwrap_err().code(), Code::ReadOnly);
}

/// The folder of a copy that a child makes, a record for each line that it is sent, until it is killed.
const HALF: &str = "SESSILE_TEST_COPY";

#[test]
fn a_copy_that_is_killed_is_taken_up_again() {
    let open = |folder: &str| {
        let options = |name: &str| {
            let url = format!("sqlite:{folder}/{name}.db");
            Options::from_json(&json!({"url": url, "limits": {"deadline": 60000}}).to_string()).unwrap()
        };
        let keyring = format!("{folder}/keyring.json");
        ["from", "to"].map(|name| Store::open(options(name).keyring_file(&keyring)).wait().unwrap())
    };
    if let Ok(folder) = std::env::var(HALF) {
        let [from, to] = open(&folder);
        let mut cursor = Value::Null;
        for _ in std::io::stdin().lines() {
            let options = json!({"limit": 1, "cursor": cursor}).to_string();
            cursor = parsed(&from.copy_to(&to, Some(&options)).wait().unwrap())["cursor"].clone();
            println!("one more");
        }
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    Keyring::generate(folder.path().join("keyring.json")).unwrap();
    let [from, to] = open(&path);
    let tokens: Vec<String> = (0..40).map(|user| login(&from, &format!("u{user}"))).collect();
    for (number, token) in tokens.iter().enumerate() {
        standing(&from, token, None).put(&json!({"n": number}).to_string(), None).wait().unwrap();
    }
    from.close().wait().unwrap();
    to.close().wait().unwrap();
    for lines in [10, 25, 40] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_copy_that_is_killed_is_taken_up_again", "--nocapture"])
            .env(HALF, &path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // One more than is waited for: it is killed in the midst of that, and comes no further on any machine.
        let mut asked = child.stdin.take().unwrap();
        asked.write_all("\n".repeat(lines + 1).as_bytes()).unwrap();
        let met = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert_eq!(met.filter(|line| line.contains("one more")).take(lines).count(), lines);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let [from, to] = open(&path);
    let [copied, unchanged, skipped] = copy_all(&from, &to, 7);
    assert!(
        copied > 0 && unchanged >= 30 && copied + unchanged == 80 && skipped == 0,
        "{copied} {unchanged} {skipped}"
    );
    for (number, token) in tokens.iter().enumerate() {
        let met = standing(&to, token, None).get("n").wait().unwrap().unwrap();
        assert_eq!(met.as_str(), number.to_string());
    }
    is_sound(&to);
}
