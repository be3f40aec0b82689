//! A store on PostgreSQL, as an application meets it.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod servers;

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use servers::Server;
use sessile::{Code, Keyring, Options, Session, Store};

/// With time for a machine that starts ten processes at once.
fn open(url: &str, keyring: &Path) -> Store {
    let options = format!(r#"{{"url": "{url}", "limits": {{"deadline": 60000, "connect": 60000, "connections": 2}}}}"#);
    Store::open(Options::from_json(&options).unwrap().keyring_file(keyring)).wait().unwrap()
}

fn session(store: &Store) -> Session {
    let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    store.global(&store.verify(&token).wait().unwrap(), None).unwrap()
}

#[test]
fn nobody_there_is_an_error_at_once_and_lazily_at_the_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let mut server = Server::start(&[]);
    let url = server.url();
    let opened = |lazy: bool| {
        let options = format!(r#"{{"url": "{url}", "lazy": {lazy}, "limits": {{"deadline": 5000}}}}"#);
        Store::open(Options::from_json(&options).unwrap().keyring_file(&keyring)).wait()
    };
    server.stop();
    let started = Instant::now();
    let error = opened(false).unwrap_err();
    assert_eq!((error.code(), &error.details()["reason"]), (Code::Unavailable, &"connection".into()));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());

    let store = opened(true).unwrap();
    let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    let shared = store.execution(Some(r#"{"type": "rest", "security": "jwt"}"#), Some(&token)).unwrap().global(None);
    assert_eq!(shared.put(r#"{"x": 1}"#, None).wait().unwrap_err().code(), Code::Unavailable);
    server.restart();
    shared.put(r#"{"x": 1}"#, None).wait().unwrap();
    // Another keyring is told so instead of finding nothing.
    let other = folder.path().join("other.json");
    Keyring::generate(&other).unwrap();
    let options = format!(r#"{{"url": "{url}", "lazy": true}}"#);
    let strange = Store::open(Options::from_json(&options).unwrap().keyring_file(&other)).wait();
    assert_eq!(strange.unwrap_err().code(), Code::KeyUnavailable);
}

#[test]
fn a_store_and_its_promises() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let store = open(&server.url(), &keyring);
    let shared = session(&store);
    shared.put(r#"{"n": 1}"#, None).wait().unwrap();

    // Promises, many at once on two connections.
    let (sender, receiver) = mpsc::channel();
    for n in 0..100 {
        let later = sender.clone();
        let put = shared.put(&format!(r#"{{"p{n}": {n}}}"#), None);
        if let Some(done) = put.start(move |done| later.send(done).unwrap()) {
            sender.send(done).unwrap();
        }
    }
    drop(sender);
    assert_eq!(receiver.iter().map(Result::unwrap).count(), 100);
    let ours = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sessile'";
    assert_eq!(server.ask(ours), "2");

    // Another keyring is told so instead of finding nothing; another schema is another store.
    let other = folder.path().join("other.json");
    Keyring::generate(&other).unwrap();
    let with = |more: &str| {
        let options = format!(r#"{{"url": "{}"{more}}}"#, server.url());
        Store::open(Options::from_json(&options).unwrap().keyring_file(&other)).wait()
    };
    assert_eq!(with("").unwrap_err().code(), Code::KeyUnavailable);
    let elsewhere = with(r#", "schema": "other""#).unwrap();
    assert!(session(&elsewhere).get("n").wait().unwrap().is_none());
    store.close().wait().unwrap();
    assert_eq!(shared.get("n").wait().unwrap_err().code(), Code::Closed);
}

#[test]
fn health_and_stats_tell_of_a_server_that_comes_and_goes() {
    let mut server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let options = format!(r#"{{"url": "{}", "limits": {{"deadline": 20000}}}}"#, server.url());
    let store = Store::open(Options::from_json(&options).unwrap().keyring_file(&keyring)).wait().unwrap();
    let health = || -> serde_json::Value { serde_json::from_str(&store.health().wait().unwrap()).unwrap() };
    let stats = || -> serde_json::Value { serde_json::from_str(&store.stats()).unwrap() };
    let good = health();
    assert!(good["ok"] == true && good["micros"].as_u64().is_some_and(|micros| micros > 0), "{good}");
    let before = stats()["backend"].clone();
    assert_eq!((&before["kind"], &before["failed"]), (&"postgresql".into(), &0.into()));
    assert!(before["calls"].as_u64() >= Some(2) && before["connects"].as_u64() >= Some(1), "{before}");
    assert!(before["meanMicros"].as_u64().is_some_and(|micros| micros > 0), "{before}");

    server.stop();
    let bad = health();
    assert_eq!((&bad["ok"], &bad["error"]["code"]), (&false.into(), &"UNAVAILABLE".into()), "{bad}");
    assert_eq!(bad["error"]["reason"], "connection", "{bad}");
    server.restart();
    assert_eq!(health()["ok"], true);
    let after = stats()["backend"].clone();
    assert_eq!(after["failed"], 1, "{after}");
    assert!(after["connects"].as_u64() > before["connects"].as_u64(), "{before} {after}");
    store.close().wait().unwrap();
    assert_eq!(store.health().wait().unwrap_err().code(), Code::Closed);
}
