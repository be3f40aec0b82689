//! Many processes at once on one store, which is empty as they begin: exact sums, nothing lost, on every backend.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;

use std::path::Path;
use std::process::{Child, Command, Stdio};

use sessile::{Keyring, Options, Session, Store};

/// Set, it turns [`worker`] from a test into one of many processes: how many times, the URL, the keyring.
const WORK: &str = "SESSILE_TEST_PROCESS";
const PROCESSES: usize = 16;

/// With time for a machine that starts them all at once.
fn open(url: &str, keyring: &Path) -> Store {
    let limits = r#"{"deadline": 60000, "connect": 60000, "connections": 2}"#;
    let options = format!(r#"{{"url": "{url}", "limits": {limits}}}"#);
    Store::open(Options::from_json(&options).unwrap().keyring_file(keyring)).wait().unwrap()
}

fn session(store: &Store) -> Session {
    let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    store.global(&store.verify(&token).wait().unwrap(), None).unwrap()
}

/// What one of the processes does.
#[test]
fn worker() {
    let Ok(work) = std::env::var(WORK) else { return };
    let [times, url, keyring] = work.split(' ').collect::<Vec<_>>()[..] else { panic!("{work}") };
    let shared = session(&open(url, Path::new(keyring)));
    let own = format!("p{}", std::process::id());
    for n in 1..=times.parse::<usize>().unwrap() {
        shared.increment("n", "1").wait().unwrap();
        shared.put(&format!(r#"{{"{own}": {n}}}"#), None).wait().unwrap();
    }
}

fn lose_nothing(url: &str) {
    // Of as many as there are with SESSILE_TORTURE, the test runs a few.
    let times = if std::env::var_os("SESSILE_TORTURE").is_some() { 1000 } else { 30 };
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let work = format!("{times} {url} {}", keyring.display());
    let start = |_| {
        let mut worker = Command::new(std::env::current_exe().unwrap());
        worker.args(["--exact", "worker", "--quiet"]).env(WORK, &work).stdout(Stdio::null()).spawn().unwrap()
    };
    let workers: Vec<Child> = (0..PROCESSES).map(start).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success(), "{url}");
    }
    let all = session(&open(url, &keyring)).all().wait().unwrap().to_json();
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&all).unwrap();
    assert_eq!(all["n"], PROCESSES * times);
    assert_eq!(all.len(), 1 + PROCESSES);
    assert_eq!(all.values().filter(|value| **value == times).count(), PROCESSES);
}

#[test]
fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    lose_nothing(&format!("sqlite:{}", folder.path().join("sessions.db").display()));
}

#[test]
fn on_redis() {
    lose_nothing(&redis::Server::start(&[]).url());
}

#[test]
fn on_postgresql() {
    let server = postgres::Server::start(&[]);
    lose_nothing(&server.url());
    assert_eq!(server.ask("SELECT string_agg(version::text, ',') FROM sessile.format"), "1", "made once");
}
