//! Users' secrets through the life of a store: keys rotate, records are put back, checks and backups are made, and somebody
//! forgets a user whom another process knows.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod shredded;

use std::fs;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use sessile::{Code, Keyring, Options, Store};
use shredded::{JWT, Place, code, parsed, sqlite, start, user};

/// Heads, fields, users and secrets that are sealed with a key.
fn usage(store: &Store, id: u64) -> [u64; 4] {
    let usage = parsed(store.key_usage().wait());
    let key = usage["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap().clone();
    ["heads", "fields", "users", "secrets"].map(|kind| key[kind].as_u64().unwrap())
}

/// 1 retired, 2 primary, both made long ago.
fn rotate(place: &Place) {
    let path = place.file("keyring.json");
    let id = Keyring::add(&path, "data").unwrap();
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let keys = file["data"].as_array_mut().unwrap();
    keys.iter_mut().for_each(|key| key["created"] = "2026-01-01T00:00:00Z".into());
    fs::write(&path, file.to_string()).unwrap();
    Keyring::promote(&path, &id).unwrap();
}

fn is_valid(store: &Store, started: &Value) -> bool {
    parsed(store.sessions().verify(started["token"].as_str().unwrap()).wait())["valid"] == true
}

#[test]
fn a_key_that_seals_a_secret_stays_until_the_secrets_are_rewrapped() {
    let place = Place::new();
    let store = place.with_config();
    let started: Vec<Value> = ["ann", "bob", "cy"].iter().map(|who| start(&store, who)).collect();
    assert_eq!(usage(&store, 1), [3, 6, 3, 3]);
    rotate(&place);
    drop(store);
    let store = place.open(true);
    // Only the records, as by a process that has no secrets: none of the fields, and none of the secrets.
    let without = place.open(false);
    let rewrapped = parsed(without.rewrap(Some(r#"{"limit": 1000}"#)).wait());
    assert_eq!((&rewrapped["done"], &rewrapped["skipped"]), (&json!(true), &json!(6)));
    assert_eq!(usage(&store, 1), [0, 6, 0, 3]);
    assert_eq!(parsed(without.key_usage().wait())["unreadable"], 1);
    assert_eq!(code(without.drop_key("1").wait()), Code::KeyUnavailable, "nobody knows what it would lose");
    without.close().wait().unwrap();

    let error = store.drop_key("1").wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["secrets"]), (Code::Conflict, &json!(3)));
    let mut cursor = Value::Null;
    loop {
        let options = json!({"limit": 2, "cursor": cursor}).to_string();
        let result = parsed(store.rewrap(Some(&options)).wait());
        assert_eq!(result["skipped"], 0, "{result}");
        cursor = result["cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((usage(&store, 1), usage(&store, 2)), ([0; 4], [3, 6, 3, 3]));
    store.drop_key("1").wait().unwrap();
    drop(store);
    let store = place.open(true);
    assert!(started.iter().all(|started| is_valid(&store, started)));
    let found = parsed(store.check().wait());
    assert_eq!((&found["ok"], &found["secrets"]), (&json!(true), &json!(3)), "{found}");
}

#[test]
fn a_secret_is_sealed_anew_as_its_user_begins_a_session() {
    let place = Place::new();
    let store = place.with_config();
    let first = start(&store, "ann");
    rotate(&place);
    drop(store);
    let store = place.open(true);
    assert_eq!(usage(&store, 2)[3], 0);
    let second = start(&store, "ann");
    assert_eq!((usage(&store, 1)[3], usage(&store, 2)[3]), (0, 1));
    assert!(is_valid(&store, &first) && is_valid(&store, &second), "it is the same secret");
}

#[test]
fn a_key_that_comes_while_a_store_is_open_seals_under_secrets_too() {
    let place = Place::new();
    let store = place.with_config();
    let started = start(&store, "ann");
    let run = store.execution(Some(JWT), started["token"].as_str()).unwrap();
    run.global(None).put(r#"{"note": "before"}"#, None).wait().unwrap();
    rotate(&place);
    let other = place.open(true);
    other.sessions().update(started["sessionId"].as_str().unwrap(), r#"{"note": "newer key"}"#).wait().unwrap();
    assert!(usage(&other, 2)[1] > 0);
    // This process has not looked at its keyring yet, and the user's keys are known to it.
    let read = run.global(None).get("note").wait().unwrap().unwrap();
    assert_eq!(read.as_str(), r#""newer key""#);
}

/// What a process saw it holds against who puts back what was there before, under a secret or not.
#[test]
fn an_older_field_or_head_is_stale() {
    let place = Place::new();
    let store = place.with_config();
    let started = start(&store, "ann");
    let run = store.execution(Some(JWT), started["token"].as_str()).unwrap();
    let session = run.global(None);
    let file = Connection::open(place.file("sessions.db")).unwrap();
    let saved = |column: &str| -> Vec<u8> {
        let sql = format!("SELECT {column} FROM session WHERE touch IS NOT NULL");
        file.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let put_back = |column: &str, bytes: &[u8]| {
        let sql = format!("UPDATE session SET {column} = ?1 WHERE touch IS NOT NULL");
        assert_eq!(file.execute(&sql, [bytes]).unwrap(), 1);
    };
    session.put(r#"{"note": "old"}"#, None).wait().unwrap();
    let (head, cells) = (saved("head"), saved("cells"));
    session.put(r#"{"note": "new"}"#, None).wait().unwrap();
    put_back("cells", &cells);
    assert_eq!(code(session.get("note").wait()), Code::Stale);
    session.put(r#"{"note": "newest"}"#, None).wait().unwrap();

    store.sessions().refresh(started["refreshToken"].as_str().unwrap()).wait().unwrap();
    put_back("head", &head);
    assert_eq!(code(session.get("note").wait()), Code::Stale);
    let stranger = place.open(true);
    assert!(is_valid(&stranger, &started), "who saw neither has nothing to compare");
}

#[test]
fn who_is_forgotten_here_and_comes_back_there_at_once_is_not_lost() {
    let place = Place::new();
    let (here, there) = (place.with_config(), place.open(true));
    for round in 0..3 {
        // The secret is known there.
        let before = start(&there, "ann");
        assert!(is_valid(&there, &before));
        here.sessions().forget("cart", r#""ann""#).wait().unwrap();
        let after = start(&there, "ann");
        let standing = user(&there, "bob");
        standing.global(Some("cart")).put(r#"{"note": "x"}"#, None).wait().unwrap();
        if round == 2 {
            thread::sleep(Duration::from_millis(1_100));
        }
        for store in [&here, &there] {
            assert!(is_valid(store, &after), "round {round}");
            assert!(!is_valid(store, &before), "round {round}");
        }
        let known = parsed(there.sessions().user("cart", r#""ann""#).wait());
        assert_eq!(known["identifier"], "ann", "{known}");
    }
}

#[test]
fn a_backup_has_no_secret_and_a_check_says_what_is_lost() {
    let place = Place::new();
    let store = place.with_config();
    let [ann, bob] = ["ann", "bob"].map(|who| start(&store, who));
    store.flush().wait().unwrap();
    store.backup(place.file("backup.db").to_str().unwrap()).wait().unwrap();
    store.sessions().forget("cart", r#""ann""#).wait().unwrap();
    let options = |secrets: Option<&str>| {
        let mut options = json!({"url": sqlite(&place.file("backup.db")), "keyring": place.file("keyring.json")});
        if let Some(secrets) = secrets {
            options["secrets"] = sqlite(&place.file(secrets)).into();
        }
        Options::from_json(&options.to_string()).unwrap()
    };
    store.close().wait().unwrap();

    let restored = Store::open(options(Some("secrets.db"))).wait().unwrap();
    let found = parsed(restored.check().wait());
    let lost: Vec<_> = found["problems"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["code"])).collect();
    let lost_code = json!("KEY_UNAVAILABLE");
    assert_eq!(lost, [(&json!("session"), &lost_code), (&json!("user"), &lost_code)], "{found}");
    assert_eq!((&found["secrets"], &found["users"]), (&json!(1), &json!(2)));
    assert!(is_valid(&restored, &bob));
    assert_eq!(code(restored.sessions().verify(ann["token"].as_str().unwrap()).wait()), Code::KeyUnavailable);
    restored.close().wait().unwrap();

    // Without the secrets nobody can be read, and nobody overwritten.
    let without = Store::open(options(None)).wait().unwrap();
    let error = without.sessions().verify(bob["token"].as_str().unwrap()).wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["reason"]), (Code::KeyUnavailable, &json!("secrets")));
    assert_eq!(
        code(without.sessions().start("cart", r#"{"userId": "cy", "note": ""}"#, None).wait()),
        Code::KeyUnavailable
    );
    assert_eq!(code(without.sessions().forget("cart", r#""bob""#).wait()), Code::KeyUnavailable);
    without.sessions().revoke(bob["sessionId"].as_str().unwrap()).wait().unwrap();
    assert_eq!(parsed(without.check().wait())["secrets"], Value::Null);
}

#[test]
fn a_damaged_secret_is_found_and_its_user_can_be_forgotten() {
    let place = Place::new();
    let store = place.with_config();
    let started = start(&store, "ann");
    store.close().wait().unwrap();
    let file = Connection::open(place.file("secrets.db")).unwrap();
    file.execute("UPDATE user SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00'", []).unwrap();
    drop(file);
    let store = place.open(true);
    assert_eq!(code(store.sessions().verify(started["token"].as_str().unwrap()).wait()), Code::Corrupt);
    let found = parsed(store.check().wait());
    assert!(found["problems"].as_array().unwrap().iter().any(|one| one["kind"] == "secret"), "{found}");
    assert_eq!(store.sessions().forget("cart", r#""ann""#).wait().unwrap(), 1);
    let again = start(&store, "ann");
    assert!(is_valid(&store, &again));
    assert_eq!(parsed(store.check().wait())["ok"], true);
}

#[test]
fn secrets_in_memory_are_for_a_store_in_memory() {
    let place = Place::new();
    let options = json!({"url": sqlite(&place.file("sessions.db")), "secrets": "memory:"}).to_string();
    let options = Options::from_json(&options).unwrap().keyring_file(place.file("keyring.json"));
    assert_eq!(code(Store::open(options).wait()), Code::InvalidArgument);
    // Two spellings of one file, which is not there yet.
    let other = format!("sqlite:{}/./sessions.db", place.file("").display());
    let options = json!({"url": sqlite(&place.file("sessions.db")), "secrets": other}).to_string();
    let options = Options::from_json(&options).unwrap().keyring_file(place.file("keyring.json"));
    assert_eq!(code(Store::open(options).wait()), Code::InvalidArgument);
    assert!(!place.file("sessions.db").exists());
}
