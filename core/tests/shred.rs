//! Users with a secret of their own: what is theirs is lost with it, in every copy of the records.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod shredded;

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sessile::{Code, Keyring, Options, Store};
use shredded::{JWT, Place, code, memory, parsed, sqlite, start, user};

#[test]
fn everything_works_as_under_any_other_config() {
    let place = Place::new();
    for store in [memory(), place.with_config()] {
        let started = start(&store, "ann");
        let sessions = store.sessions();
        let text = |member: &str| started[member].as_str().unwrap().to_owned();
        assert_eq!(parsed(sessions.verify(&text("token")).wait())["data"]["note"], "hello");
        sessions.update(&text("sessionId"), r#"{"note": "changed"}"#).wait().unwrap();
        sessions.extend(&text("sessionId"), 10).wait().unwrap();
        let refreshed = parsed(sessions.refresh(&text("refreshToken")).wait());
        let run = store.execution(Some(JWT), refreshed["token"].as_str()).unwrap();
        assert_eq!(run.global(None).get("note").wait().unwrap().unwrap().as_str(), r#""changed""#);
        let standing = user(&store, "ann").global(Some("cart"));
        standing.put(r#"{"note": "standing"}"#, None).wait().unwrap();
        assert_eq!(standing.get("userId").wait().unwrap().unwrap().as_str(), r#""ann""#);
        let listed = parsed(sessions.list("cart", None, None).wait());
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
        assert!(listed["sessions"].as_array().unwrap().iter().all(|entry| entry["identifier"] == "ann"), "{listed}");
        let known = parsed(sessions.user("cart", r#""ann""#).wait());
        assert_eq!((&known["activeSessions"], &known["identifier"]), (&json!(2), &json!("ann")));
        standing.end().wait().unwrap();
        assert_eq!(parsed(sessions.dashboard("cart").wait())["activeSessions"], 1);
        assert_eq!(sessions.revoke_all("cart", r#""ann""#, None).wait().unwrap(), 1);
        assert_eq!(sessions.forget("cart", r#""ann""#).wait().unwrap(), 0);
        start(&store, "ann");
        assert_eq!(parsed(sessions.users("cart", None).wait())["users"][0]["identifier"], "ann");
    }
}

#[test]
fn a_config_says_whether_it_shreds_for_good() {
    let store = memory();
    assert_eq!(parsed(store.configs().get("cart").wait())["shred"], true);
    let exported = store.configs().export(None).wait().unwrap();
    assert!(exported.contains(r#""shred":true"#), "{exported}");
    for changes in [r#"{"shred": false}"#, r#"{"shred": null}"#] {
        let error = store.configs().update("cart", changes).wait().unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &json!("shred")));
    }
    store.configs().update("cart", r#"{"shred": true, "expiry": 3, "period": "days"}"#).wait().unwrap();
    assert_eq!(parsed(store.configs().get("cart").wait())["shred"], true);
    let other = exported.replace(r#""shred":true"#, r#""shred":false"#);
    let error = store.configs().import(&other, true).wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &json!("shred")));
}

#[test]
fn a_store_without_the_secrets_reads_and_writes_nothing_but_revokes() {
    let place = Place::new();
    let store = place.with_config();
    let (one, two) = (start(&store, "ann"), start(&store, "ann"));
    let session = |started: &Value| started["sessionId"].as_str().unwrap().to_owned();
    user(&store, "ann").global(Some("cart")).put(r#"{"note": "standing"}"#, None).wait().unwrap();
    store.close().wait().unwrap();
    let blind = place.open(false);
    let sessions = blind.sessions();
    assert_eq!(code(sessions.verify(one["token"].as_str().unwrap()).wait()), Code::KeyUnavailable);
    assert_eq!(code(sessions.start("cart", r#"{"userId": "bob", "note": ""}"#, None).wait()), Code::KeyUnavailable);
    let cart = user(&blind, "ann").global(Some("cart"));
    assert_eq!(code(cart.get("note").wait()), Code::KeyUnavailable);
    assert_eq!(code(cart.put(r#"{"note": "x"}"#, None).wait()), Code::KeyUnavailable);
    assert_eq!(
        code(user(&blind, "bob").global(Some("cart")).put(r#"{"note": "x"}"#, None).wait()),
        Code::KeyUnavailable
    );
    let listed = parsed(sessions.list("cart", None, None).wait());
    assert!(
        listed["sessions"].as_array().unwrap().iter().all(|entry| entry["unreadable"] == "KEY_UNAVAILABLE"),
        "{listed}"
    );
    assert_eq!(code(sessions.forget("cart", r#""ann""#).wait()), Code::KeyUnavailable, "a promise it could not keep");
    sessions.revoke(&session(&one)).wait().unwrap();
    assert_eq!(parsed(sessions.list("cart", None, None).wait())["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(sessions.revoke_all("cart", r#""ann""#, None).wait().unwrap(), 2);
    blind.close().wait().unwrap();
    let store = place.open(true);
    for started in [&one, &two] {
        let verified = parsed(store.sessions().verify(started["token"].as_str().unwrap()).wait());
        assert_eq!(verified["reason"], "revoked");
    }
    let create = place.open(false).configs().create(r#"{"name": "Other", "shred": true}"#).wait();
    assert_eq!(code(create), Code::ConfigInvalid);
}

/// What a backup would hold: everything that SQLite keeps of a store, copied while nobody has it open.
#[test]
fn an_old_copy_of_the_records_gives_nothing_of_who_was_forgotten() {
    let place = Place::new();
    let store = place.with_config();
    let (ann, bob) = (start(&store, "ann-the-first"), start(&store, "bob"));
    user(&store, "ann-the-first").global(Some("cart")).put(r#"{"note": "standing"}"#, None).wait().unwrap();
    store.close().wait().unwrap();
    fs::copy(place.file("sessions.db"), place.file("backup.db")).unwrap();

    let store = place.open(true);
    assert_eq!(store.sessions().forget("cart", r#""ann-the-first""#).wait().unwrap(), 2);
    store.close().wait().unwrap();
    for name in ["sessions.db", "sessions.db-wal", "sessions.db-shm"] {
        let _ = fs::remove_file(place.file(name));
    }
    fs::copy(place.file("backup.db"), place.file("sessions.db")).unwrap();

    for again in [false, true] {
        let store = place.open(true);
        let sessions = store.sessions();
        if again {
            // She came back in the meantime: with a new secret the old copy is as dead.
            start(&store, "ann-the-first");
        }
        let error = sessions.verify(ann["token"].as_str().unwrap()).wait().unwrap_err();
        assert_eq!((error.code(), error.message().contains("ann")), (Code::KeyUnavailable, false));
        let cart = user(&store, "ann-the-first").global(Some("cart"));
        assert_eq!(code(cart.all().wait()), Code::KeyUnavailable);
        assert_eq!(code(cart.put(r#"{"note": "x"}"#, None).wait()), Code::KeyUnavailable, "never overwritten");
        assert_eq!(
            code(sessions.update(ann["sessionId"].as_str().unwrap(), r#"{"note": "x"}"#).wait()),
            Code::KeyUnavailable
        );
        assert_eq!(code(sessions.refresh(ann["refreshToken"].as_str().unwrap()).wait()), Code::KeyUnavailable);
        let listed = sessions.list("cart", None, None).wait().unwrap();
        assert_eq!(listed.matches(r#""unreadable":"KEY_UNAVAILABLE""#).count(), 2, "{listed}");
        let users = sessions.users("cart", None).wait().unwrap();
        if !again {
            assert!(!listed.contains("ann-the") && !users.contains("ann-the"), "{listed} {users}");
            assert_eq!(users.matches(r#"{"unreadable":"KEY_UNAVAILABLE"}"#).count(), 1, "{users}");
            assert_eq!(parsed(sessions.dashboard("cart").wait())["unreadable"], 1);
        }
        assert_eq!(
            parsed(sessions.verify(bob["token"].as_str().unwrap()).wait())["valid"],
            true,
            "others are not touched"
        );
        store.close().wait().unwrap();
    }
    // Who can't be read can be revoked and forgotten.
    let store = place.open(true);
    store.sessions().revoke(ann["sessionId"].as_str().unwrap()).wait().unwrap();
    store.sessions().forget("cart", r#""ann-the-first""#).wait().unwrap();
    let listed = store.sessions().list("cart", None, None).wait().unwrap();
    assert!(!listed.contains("unreadable") && listed.contains("bob"), "{listed}");
    user(&store, "ann-the-first").global(Some("cart")).get("note").wait().unwrap_err();
}

#[test]
fn nothing_of_a_user_is_sealed_under_the_keyring_alone() {
    let place = Place::new();
    let store = place.with_config();
    start(&store, "ann");
    store.close().wait().unwrap();
    // The secrets are gone, whoever took them; the keyring is there.
    fs::remove_file(place.file("secrets.db")).unwrap();
    let _ = fs::remove_file(place.file("secrets.db-wal"));
    let store = place.open(true);
    let listed = store.sessions().list("cart", None, None).wait().unwrap();
    assert!(listed.contains("KEY_UNAVAILABLE") && !listed.contains("ann"), "{listed}");
}

#[test]
fn no_byte_of_a_destroyed_secret_stays_in_its_file() {
    let place = Place::new();
    let store = place.with_config();
    start(&store, "ann");
    let there = |needle: &[u8]| {
        let files = ["secrets.db", "secrets.db-wal"].map(|name| fs::read(place.file(name)).unwrap_or_default());
        files.iter().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    let sealed: Vec<u8> = {
        let file = rusqlite::Connection::open(place.file("secrets.db")).unwrap();
        file.query_row("SELECT sealed FROM user", [], |row| row.get(0)).unwrap()
    };
    assert!(there(&sealed[40..]));
    store.sessions().forget("cart", r#""ann""#).wait().unwrap();
    assert!(!there(&sealed[40..]));
}

/// Two stores on one file stand for two processes: they share no cache.
#[test]
fn a_cached_secret_is_gone_after_a_second() {
    let place = Place::new();
    let (here, there) = (place.with_config(), place.open(true));
    let started = start(&here, "ann");
    let token = started["token"].as_str().unwrap();
    let run = there.execution(Some(JWT), Some(token)).unwrap();
    run.global(None).put(r#"{"note": "cached"}"#, None).wait().unwrap();
    // Only the secret goes, as if the process that forgets had died right after.
    let file = rusqlite::Connection::open(place.file("secrets.db")).unwrap();
    assert_eq!(file.execute("DELETE FROM user", []).unwrap(), 1);
    let gone = Instant::now();
    while run.global(None).put(r#"{"note": "late"}"#, None).wait().is_ok() {
        assert!(gone.elapsed() < Duration::from_secs(3));
        thread::sleep(Duration::from_millis(20));
    }
    assert!(gone.elapsed() < Duration::from_millis(2_000), "{:?}", gone.elapsed());
    assert_eq!(code(run.global(None).get("note").wait()), Code::KeyUnavailable);
    assert_eq!(code(here.sessions().verify(token).wait()), Code::KeyUnavailable);
}

#[test]
fn in_the_process_that_forgets_it_is_gone_at_once() {
    let store = memory();
    let run = user(&store, "ann");
    run.global(Some("cart")).put(r#"{"note": "x"}"#, None).wait().unwrap();
    store.sessions().forget("cart", r#""ann""#).wait().unwrap();
    assert_eq!(code(run.global(Some("cart")).put(r#"{"note": "late"}"#, None).wait()), Code::SessionRevoked);
    assert!(store.sessions().list("cart", None, None).wait().unwrap().starts_with(r#"{"sessions":[]"#));
}

#[test]
fn two_processes_make_one_secret() {
    let place = Place::new();
    let stores: Vec<Store> = std::iter::once(place.with_config()).chain((0..3).map(|_| place.open(true))).collect();
    for round in 0..5 {
        let subject = format!("user-{round}");
        let together = Barrier::new(stores.len());
        let started: Vec<Value> = thread::scope(|scope| {
            let all: Vec<_> = stores
                .iter()
                .map(|store| {
                    scope.spawn(|| {
                        together.wait();
                        start(store, &subject)
                    })
                })
                .collect();
            all.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for store in &stores {
            for started in &started {
                assert_eq!(parsed(store.sessions().verify(started["token"].as_str().unwrap()).wait())["valid"], true);
            }
        }
    }
    let file = rusqlite::Connection::open(place.file("secrets.db")).unwrap();
    assert_eq!(file.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).unwrap(), 5);
}

#[test]
fn the_secrets_lie_in_a_file_of_their_own_sealed_under_the_same_keyring() {
    let place = Place::new();
    let both = json!({"url": sqlite(&place.file("sessions.db")), "secrets": sqlite(&place.file("sessions.db"))});
    let both = Options::from_json(&both.to_string()).unwrap().keyring_file(place.file("keyring.json"));
    assert_eq!(code(Store::open(both).wait()), Code::InvalidArgument);
    place.with_config().close().wait().unwrap();
    fs::remove_file(place.file("sessions.db")).unwrap();
    Keyring::generate(place.file("other.json")).unwrap();
    let other = json!({"url": sqlite(&place.file("sessions.db")), "secrets": sqlite(&place.file("secrets.db"))});
    let other = Options::from_json(&other.to_string()).unwrap().keyring_file(place.file("other.json"));
    assert_eq!(code(Store::open(other).wait()), Code::KeyUnavailable);
    assert_eq!(code(Options::from_json(r#"{"url": "memory:", "secrets": 1}"#).map(drop)), Code::InvalidArgument);
}

#[test]
fn deleting_the_config_destroys_all_secrets() {
    let place = Place::new();
    let store = place.with_config();
    (0..3).for_each(|who| drop(start(&store, &format!("user-{who}"))));
    store.configs().delete("cart", true).wait().unwrap();
    let file = rusqlite::Connection::open(place.file("secrets.db")).unwrap();
    assert_eq!(file.query_row("SELECT count(*) FROM user", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}
