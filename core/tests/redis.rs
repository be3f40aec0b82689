//! A store on Redis, as an application meets it: opened, lazily opened and promised.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod servers;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use servers::{Server, free_port};
use sessile::{Code, Error, Execution, Keyring, Options, Store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Keyring::generate(folder.path().join("keyring.json")).unwrap();
        Place(folder)
    }

    fn options(&self, json: &str) -> Options {
        Options::from_json(json).unwrap().keyring_file(self.0.path().join("keyring.json"))
    }

    fn open(&self, url: &str) -> Result<Store, Error> {
        Store::open(self.options(&format!(r#"{{"url": "{url}"}}"#))).wait()
    }

    fn lazily(&self, url: &str) -> Store {
        Store::open(self.options(&format!(r#"{{"url": "{url}", "lazy": true}}"#))).wait().unwrap()
    }
}

fn user(store: &Store, subject: &str) -> Execution {
    let token = store.tokens().issue(&format!(r#"{{"sub": "{subject}"}}"#), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap()
}

#[test]
fn nobody_there_is_an_error_at_once_and_lazily_at_the_first_call() {
    let url = format!("redis://127.0.0.1:{}", free_port());
    let place = Place::new();
    let started = Instant::now();
    let error = place.open(&url).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(started.elapsed() < Duration::from_secs(1));

    let store = place.lazily(&url);
    let run = user(&store, "ada");
    assert_eq!(run.global(None).put(r#"{"x": 1}"#, None).wait().unwrap_err().code(), Code::Unavailable);
    let port = url.rsplit(':').next().unwrap().parse().unwrap();
    let server = Server::start_in(tempfile::tempdir().unwrap(), port, &[]);
    run.global(None).put(r#"{"x": 1}"#, None).wait().unwrap();

    // Lazily or not, another keyring is told so instead of finding nothing.
    drop(server);
    let mut server = Server::start_in(tempfile::tempdir().unwrap(), port, &[]);
    Place::new().open(&url).unwrap();
    assert_eq!(place.open(&url).unwrap_err().code(), Code::KeyUnavailable);
    server.stop();
    let late = place.lazily(&url);
    server.restart();
    Place::new().open(&url).unwrap();
    let met = user(&late, "ada").global(None).get("x").wait();
    assert_eq!(met.unwrap_err().code(), Code::KeyUnavailable);
}

#[test]
fn a_password_comes_through_its_door() {
    let server = Server::start(&["--requirepass", "swordfish"]);
    let place = Place::new();
    let url = server.url();
    let with = place.options(&format!(r#"{{"url": "{url}"}}"#)).backend_password("swordfish");
    Store::open(with).wait().unwrap();
    assert_eq!(place.open(&url).unwrap_err().code(), Code::Unavailable);

    let missing = place.options(&format!(r#"{{"url": "{url}", "passwordEnv": "SESSILE_TEST_NO_SUCH"}}"#));
    let error = Store::open(missing).wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["argument"]), (Code::InvalidArgument, &"passwordEnv".into()));
    let error = place.open("redis://:swordfish@127.0.0.1").unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("passwordEnv") && !error.message().contains("swordfish"));
    // A variable that is there, whatever it holds: this process's environment is not changed by a test.
    let from_env = place.options(&format!(r#"{{"url": "{url}", "passwordEnv": "PATH"}}"#));
    assert_eq!(Store::open(from_env).wait().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn many_promises_share_one_connection_and_are_all_kept() {
    let server = Server::start(&[]);
    let store = Place::new().open(&server.url()).unwrap();
    let run = user(&store, "ada");
    run.global(None).put(r#"{"n": 0}"#, None).wait().unwrap();
    let (sender, receiver) = mpsc::channel();
    for n in 0..200 {
        let later = sender.clone();
        let put = run.global(None).put(&format!(r#"{{"f{n}": {n}}}"#), None);
        if let Some(done) = put.start(move |done| later.send(done).unwrap()) {
            sender.send(done).unwrap();
        }
    }
    drop(sender);
    assert_eq!(receiver.iter().map(Result::unwrap).count(), 200);
    assert_eq!(run.global(None).keys().wait().unwrap().len(), 201);
    // Besides the one that asks.
    assert_eq!(server.ask(&["CLIENT", "LIST"]).lines().count(), 2);
    store.close().wait().unwrap();
    assert_eq!(run.global(None).get("n").wait().unwrap_err().code(), Code::Closed);
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
    assert_eq!((&before["kind"], &before["failed"]), (&"redis".into(), &0.into()));
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
