//! Somebody puts back what was there before: refused by a process that saw the later state, and elsewhere bounded by what is
//! sealed in it.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::{Value, json};
use sessile::{Clock, Code, Error, Keyring, Options, Session, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const CONFIG: &str = r#"{"name": "Shop", "tag": "shop", "expiry": 1, "period": "hour", "schema": {"userId": "string", "n": "any"}, "selector": "userId"}"#;
const START: i64 = 1_767_225_600;

struct Place {
    folder: tempfile::TempDir,
    clock: Clock,
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

    /// A process of its own, as far as what it saw is concerned.
    fn process(&self) -> Store {
        let options = Options::new(&format!("sqlite:{}", self.path("sessions.db").display()));
        let options = options.keyring_file(self.path("keyring.json")).clock(self.clock.clone());
        Store::open(options).wait().unwrap()
    }

    fn file(&self) -> Connection {
        Connection::open(self.path("sessions.db")).unwrap()
    }

    /// All rows as they stand now.
    fn save(&self) {
        let copy = self.path("copy.db");
        let _ = std::fs::remove_file(&copy);
        self.file().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    }

    /// These columns of every session as they were saved.
    fn put_back(&self, columns: &str) {
        let file = self.file();
        file.execute("ATTACH ?1 AS saved", [self.path("copy.db").to_str().unwrap()]).unwrap();
        let sql = format!(
            "UPDATE session SET ({columns}) = (SELECT {columns} FROM saved.session AS old WHERE old.key = session.key) \
             WHERE key IN (SELECT key FROM saved.session)"
        );
        assert!(file.execute(&sql, []).unwrap() > 0);
    }
}

const WHOLE: &str = "head, touch, version, updated, size, count, cells, expires";
const FIELDS: &str = "version, updated, size, count, cells";

fn global(store: &Store) -> Session {
    let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap().global(None)
}

fn is_stale<T>(result: Result<T, Error>, what: &str) {
    match result {
        Ok(_) => panic!("{what}: an older state was believed"),
        Err(error) => assert_eq!((error.code(), &error.details()["what"]), (Code::Stale, &json!(what)), "{error}"),
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn an_older_field_of_the_same_life() {
    let place = Place::new();
    let (writer, reader, stranger) = (place.process(), place.process(), place.process());
    global(&writer).put(r#"{"cart": "old", "other": 1}"#, None).wait().unwrap();
    assert_eq!(global(&reader).all().wait().unwrap().iter().count(), 2);
    place.save();
    global(&writer).put(r#"{"cart": "new"}"#, None).wait().unwrap();
    assert_eq!(global(&reader).get("cart").wait().unwrap().unwrap().as_str(), r#""new""#);
    place.put_back(FIELDS);

    for (who, store) in [("wrote it", &writer), ("read both", &reader)] {
        println!("who {who}");
        is_stale(global(store).get("cart").wait(), "field");
        is_stale(global(store).all().wait(), "field");
        is_stale(global(store).append("cart", "1").wait(), "field");
        // The others were never changed.
        assert_eq!(global(store).get("other").wait().unwrap().unwrap().as_str(), "1");
    }
    // Who saw neither has nothing to compare: the field is of this life, and sealed by us.
    assert_eq!(global(&stranger).get("cart").wait().unwrap().unwrap().as_str(), r#""old""#);
    // Written anew it is good again.
    global(&writer).put(r#"{"cart": "newest"}"#, None).wait().unwrap();
    for store in [&writer, &reader, &stranger] {
        assert_eq!(global(store).get("cart").wait().unwrap().unwrap().as_str(), r#""newest""#);
    }
}

/// What it is now, the process has never seen; that there had been more changes, it has.
#[test]
fn a_field_as_it_was_between_two_looks() {
    let place = Place::new();
    let (writer, reader, half) = (place.process(), place.process(), place.process());
    global(&writer).put(r#"{"cart": 1, "other": 1}"#, None).wait().unwrap();
    assert_eq!(global(&reader).all().wait().unwrap().to_json(), r#"{"cart":1,"other":1}"#);
    global(&writer).put(r#"{"cart": 2}"#, None).wait().unwrap();
    place.save();
    for n in 3..=5 {
        global(&writer).put(&json!({"cart": n}).to_string(), None).wait().unwrap();
    }
    for store in [&reader, &half] {
        assert_eq!(global(store).get("cart").wait().unwrap().unwrap().as_str(), "5");
    }
    place.put_back(FIELDS);

    is_stale(global(&reader).get("cart").wait(), "field");
    is_stale(global(&reader).all().wait(), "field");
    is_stale(global(&reader).info().wait(), "session");
    // The one that was seen last is no older state; of one that was never seen nobody can tell.
    assert_eq!(global(&reader).get("other").wait().unwrap().unwrap().as_str(), "1");
    is_stale(global(&half).get("other").wait(), "field");
    // Once others have made as many changes, nothing tells them apart.
    for n in 6..=8 {
        is_stale(global(&reader).get("cart").wait(), "field");
        global(&writer).put(&json!({"cart": n}).to_string(), None).wait().unwrap();
    }
    assert_eq!(global(&reader).get("cart").wait().unwrap().unwrap().as_str(), "8");
    assert_eq!(global(&reader).info().wait().unwrap().unwrap().version, 5);
}

#[test]
fn a_deleted_field() {
    let place = Place::new();
    let (writer, reader) = (place.process(), place.process());
    global(&writer).put(r#"{"cart": "old", "other": 1}"#, None).wait().unwrap();
    global(&reader).all().wait().unwrap();
    place.save();
    global(&writer).delete(&["cart"]).wait().unwrap();
    assert_eq!(global(&reader).keys().wait().unwrap(), ["other"]);
    place.put_back(FIELDS);
    is_stale(global(&writer).get("cart").wait(), "field");
    is_stale(global(&reader).all().wait(), "field");

    global(&writer).clear().wait().unwrap();
    place.put_back(FIELDS);
    is_stale(global(&writer).get("other").wait(), "field");
}

/// "Old fields put back under a newer life": they are bound to theirs, so nobody needs to have seen anything.
#[test]
fn old_fields_under_a_newer_life() {
    let place = Place::new();
    let writer = place.process();
    global(&writer).put(r#"{"cart": "old"}"#, None).wait().unwrap();
    place.save();
    global(&writer).end().wait().unwrap();
    global(&writer).put(r#"{"cart": "new"}"#, None).wait().unwrap();
    place.put_back(FIELDS);
    for store in [&writer, &place.process()] {
        assert_eq!(global(store).get("cart").wait().unwrap_err().code(), Code::Corrupt);
        assert_eq!(global(store).all().wait().unwrap_err().code(), Code::Corrupt);
    }
}

/// "Old head with old fields put back": a session that ended.
#[test]
fn a_whole_record_of_an_ended_life() {
    let place = Place::new();
    let (writer, reader) = (place.process(), place.process());
    global(&writer).put(r#"{"cart": "old"}"#, None).wait().unwrap();
    global(&reader).get("cart").wait().unwrap();
    place.save();
    global(&writer).end().wait().unwrap();
    global(&writer).put(r#"{"cart": "new"}"#, None).wait().unwrap();
    global(&reader).get("cart").wait().unwrap();
    place.put_back(WHOLE);
    for store in [&writer, &reader] {
        is_stale(global(store).get("cart").wait(), "session");
        is_stale(global(store).put(r#"{"a": 1}"#, None).wait(), "session");
        is_stale(global(store).info().wait(), "session");
    }
    // Elsewhere it is a session like any other, until the end that is sealed in it.
    assert_eq!(global(&place.process()).get("cart").wait().unwrap().unwrap().as_str(), r#""old""#);
    place.clock.set(Time::from_secs(START + 31 * 86_400)).unwrap();
    assert_eq!(global(&place.process()).get("cart").wait().unwrap(), None);
}

/// A revocation undone by putting back the whole record as it was before.
#[test]
fn a_revocation_undone() {
    let place = Place::new();
    let store = place.process();
    store.configs().create(CONFIG).wait().unwrap();
    let started = parsed(&store.sessions().start("shop", r#"{"userId": "u1", "n": 1}"#, None).wait().unwrap());
    let text = |name: &str| started[name].as_str().unwrap().to_owned();
    place.save();
    store.sessions().revoke(&text("sessionId")).wait().unwrap();
    place.put_back(WHOLE);

    is_stale(store.sessions().verify(&text("token")).wait(), "session");
    is_stale(store.sessions().refresh(&text("refreshToken")).wait(), "session");
    is_stale(store.sessions().update(&text("sessionId"), r#"{"n": 2}"#).wait(), "session");
    is_stale(store.sessions().extend(&text("sessionId"), 60).wait(), "session");
    let run = store.execution(Some(JWT), Some(&text("token"))).unwrap();
    is_stale(run.global(Some("shop")).get("n").wait(), "session");

    // Elsewhere the session lives again, no longer than its end allows.
    let other = place.process();
    let valid = |store: &Store| parsed(&store.sessions().verify(&text("token")).wait().unwrap());
    assert_eq!(valid(&other)["valid"], true);
    place.clock.set(Time::from_secs(START + 3_601)).unwrap();
    assert_eq!(valid(&other), json!({"valid": false, "reason": "session_expired"}));

    // Revoking never needs to open what stands there, and holds.
    place.clock.set(Time::from_secs(START + 1)).unwrap();
    store.sessions().revoke(&text("sessionId")).wait().unwrap();
    assert_eq!(valid(&store), json!({"valid": false, "reason": "revoked"}));
    assert_eq!(valid(&other), json!({"valid": false, "reason": "revoked"}));
}

/// A process that never saw the session alive, only its tombstone: nothing that began before it opens.
#[test]
fn a_life_from_before_a_revocation() {
    let place = Place::new();
    let writer = place.process();
    global(&writer).put(r#"{"cart": "old"}"#, None).wait().unwrap();
    place.save();
    place.clock.set(Time::from_secs(START + 600)).unwrap();
    writer.sessions().revoke_all("global", r#""ada""#, None).wait().unwrap();
    let reader = place.process();
    place.clock.set(Time::from_secs(START + 700)).unwrap();
    assert_eq!(global(&reader).get("cart").wait().unwrap(), None);
    place.put_back(WHOLE);
    is_stale(global(&reader).get("cart").wait(), "session");
    is_stale(global(&writer).get("cart").wait(), "session");
}

/// The counter of refreshes turned back: a stolen token that was used up would be good again.
#[test]
fn a_refresh_undone() {
    let place = Place::new();
    let (store, other) = (place.process(), place.process());
    store.configs().create(CONFIG).wait().unwrap();
    let first = parsed(&store.sessions().start("shop", r#"{"userId": "u1"}"#, None).wait().unwrap());
    place.save();
    let second = parsed(&store.sessions().refresh(first["refreshToken"].as_str().unwrap()).wait().unwrap());
    other.sessions().verify(second["token"].as_str().unwrap()).wait().unwrap();
    place.put_back(WHOLE);
    for (who, store) in [("turned it", &store), ("saw only the later head", &other)] {
        println!("who {who}");
        is_stale(store.sessions().refresh(first["refreshToken"].as_str().unwrap()).wait(), "session");
        is_stale(store.sessions().verify(second["token"].as_str().unwrap()).wait(), "session");
    }
    // A process that saw nothing is told by the token, which is newer than the head.
    let stranger = place.process();
    let refreshed = stranger.sessions().refresh(second["refreshToken"].as_str().unwrap()).wait();
    assert_eq!(refreshed.unwrap_err().code(), Code::Stale);
}
