//! A store on PostgreSQL, as applications meet it: many processes that begin at once, promises, and counted at the wire.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/proxy.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod proxy;
#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod servers;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::mpsc;

use proxy::Proxy;
use servers::{Server, url};
use sessile::{Code, Keyring, Options, Session, Store};

/// Set, it turns [`worker`] from a test into one of many processes: `URL KEYRING`.
const WORK: &str = "SESSILE_TEST_POSTGRES_WORK";
const PROCESSES: usize = 10;
const INCREMENTS: usize = 30;

/// With time for a machine that starts ten processes at once.
fn open(url: &str, keyring: &Path) -> Store {
    let options = format!(r#"{{"url": "{url}", "limits": {{"deadline": 60000, "connect": 60000, "connections": 2}}}}"#);
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
    let (url, keyring) = work.split_once(' ').unwrap();
    let shared = session(&open(url, Path::new(keyring)));
    for n in 0..INCREMENTS {
        shared.increment("n", "1").wait().unwrap();
        shared.put(&format!(r#"{{"f{}_{n}": {n}}}"#, std::process::id()), None).wait().unwrap();
    }
}

#[test]
fn many_begin_at_once_on_an_empty_database_and_lose_nothing() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let work = format!("{} {}", server.url(), keyring.display());
    let start = |_| {
        let mut worker = Command::new(std::env::current_exe().unwrap());
        worker.args(["--exact", "worker", "--quiet"]).env(WORK, &work).spawn().unwrap()
    };
    let workers: Vec<Child> = (0..PROCESSES).map(start).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    assert_eq!(server.ask("SELECT string_agg(version::text, ',') FROM sessile.format"), "1", "made once");
    let store = open(&server.url(), &keyring);
    let shared = session(&store);
    assert_eq!(shared.get("n").wait().unwrap().unwrap().as_str(), (PROCESSES * INCREMENTS).to_string());
    assert_eq!(shared.keys().wait().unwrap().len(), 1 + PROCESSES * INCREMENTS);

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

    // One round trip a Put and a GET step, for who has met the session.
    let proxy = Proxy::before(server.port);
    let store = open(&url(proxy.port), &keyring);
    let shared = session(&store);
    let met = || {
        shared.put(r#"{"x": 1}"#, None).wait().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
    };
    met();
    assert_eq!(proxy.count(|| shared.put(r#"{"x": 2}"#, None).wait().unwrap()).1, 1);
    assert_eq!(proxy.count(|| shared.get("x").wait().unwrap()).1, 1);
}
