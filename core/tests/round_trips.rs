//! How many round trips a call takes, counted at the wire by a proxy before a server.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/proxy.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod proxy;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;

use std::time::Duration;

use proxy::Proxy;
use sessile::{Execution, Keyring, Options, Store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;

fn user(store: &Store, subject: &str) -> Execution {
    let token = store.tokens().issue(&format!(r#"{{"sub": "{subject}"}}"#), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap()
}

/// How often each call speaks to the server and waits for it.
#[test]
fn round_trips_are_few_on_redis() {
    let server = redis::Server::start(&[]);
    few_round_trips(&|port| format!("redis://127.0.0.1:{port}"), &Proxy::before(server.port));
}

#[test]
fn round_trips_are_few_on_postgresql() {
    let server = postgres::Server::start(&[]);
    few_round_trips(&postgres::url, &Proxy::before(server.port));
}

fn few_round_trips(url: &dyn Fn(u16) -> String, proxy: &Proxy) {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    // One connection: another one would have to log in meanwhile. And time for a machine that is busy.
    let limits = r#"{"connections": 1, "deadline": 20000, "connect": 20000}"#;
    let options = format!(r#"{{"url": "{}", "limits": {limits}}}"#, url(proxy.port));
    let open = || Store::open(Options::from_json(&options).unwrap().keyring_file(&keyring)).wait().unwrap();
    let store = open();
    let config = |tag: &str, more: &str| {
        let definition = format!(
            r#"{{"name": "{tag}", "tag": "{tag}", "schema": {{"userId": "string"}}, "selector": "userId"{more}}}"#
        );
        store.configs().create(&definition).wait().unwrap();
    };
    config("free", "");
    config("bounded", r#", "maxSessionsPerUser": 3"#);
    let sessions = store.sessions();
    let start = |tag: &str, user: &str| {
        let started = sessions.start(tag, &format!(r#"{{"userId": "{user}"}}"#), None).wait().unwrap();
        let started: serde_json::Value = serde_json::from_str(&started).unwrap();
        (started["token"].as_str().unwrap().to_owned(), started["sessionId"].as_str().unwrap().to_owned())
    };
    let run = user(&store, "ada");
    let step = sessile::Step::parse(r#"{"sessionType": "GLOBAL", "fields": ["x", "y"]}"#).unwrap();
    // Once through, so that the server knows every script, and nothing is left to be done aside.
    run.global(None).put(r#"{"x": 0}"#, None).wait().unwrap();
    let mut met = start("free", "u0");
    sessions.revoke(&start("bounded", "u0").1).wait().unwrap();
    std::thread::sleep(Duration::from_millis(200));

    let mut table: Vec<(&str, usize, usize)> = Vec::new();
    let mut count = |what, wanted, work: &mut dyn FnMut()| {
        // A configuration is read again after a second: that is not counted.
        for tag in ["free", "bounded"] {
            let data = format!(r#"{{"userId": "warm {}"}}"#, table.len());
            sessions.start(tag, &data, None).wait().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
        let ((), trips) = proxy.count(work);
        table.push((what, wanted, trips));
    };
    count("a Put", 1, &mut || run.global(None).put(r#"{"x": 1}"#, None).wait().unwrap());
    count("a GET step", 1, &mut || drop(run.step(&step, Some("{}")).wait().unwrap()));
    count("start, of a new user", 1, &mut || met = start("free", "u1"));
    count("verify", 1, &mut || drop(sessions.verify(&met.0).wait().unwrap()));
    count("start, of a user who is known", 2, &mut || drop(start("free", "u1")));
    count("start, with a quota", 2, &mut || drop(start("bounded", "u1")));
    count("revoke, met before", 2, &mut || sessions.revoke(&met.1).wait().unwrap());
    count("revoke all", 2, &mut || _ = sessions.revoke_all("free", r#""u1""#, None).wait().unwrap());
    let second = open();
    let other = user(&second, "ada");
    count("a Put, where the session was not met before", 2, &mut || {
        other.global(None).put(r#"{"x": 2}"#, None).wait().unwrap();
    });
    let foreign = start("free", "u2").1;
    second.sessions().list("free", None, None).wait().unwrap();
    count("revoke, not met before", 2, &mut || second.sessions().revoke(&foreign).wait().unwrap());
    for (what, wanted, trips) in &table {
        // A sweep may come along, once a second, and nobody waits for it.
        assert!((*wanted..=wanted + 1).contains(trips), "{what}: {trips}, wanted {wanted}");
    }
    let extra: usize = table.iter().map(|(_, wanted, trips)| trips - wanted).sum();
    assert!(extra <= 2, "{table:?}");
}
