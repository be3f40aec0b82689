//! What the vectors cannot say of Global: races, files on disk, and what a store tells nobody.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use sessile::{Clock, Code, Execution, Keyring, Options, Session, Step, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;

fn keyring(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("keyring.json");
    if !path.exists() {
        Keyring::generate(&path).unwrap();
    }
    path
}

fn sqlite(folder: &Path) -> Store {
    let url = format!("sqlite:{}", folder.join("sessions.db").display());
    Store::open(Options::new(&url).keyring_file(keyring(folder))).wait().unwrap()
}

fn memory() -> Store {
    Store::open(Options::new("memory:")).wait().unwrap()
}

fn token(store: &Store, subject: &str) -> String {
    store.tokens().issue(&format!(r#"{{"sub": "{subject}"}}"#), 600).wait().unwrap()
}

fn user(store: &Store, subject: &str) -> Execution {
    store.execution(Some(JWT), Some(&token(store, subject))).unwrap()
}

fn text(session: &Session, name: &str) -> Option<String> {
    session.get(name).wait().unwrap().map(|value| value.as_str().to_owned())
}

/// Both stores that there are.
fn each_store(test: impl Fn(Store)) {
    test(memory());
    let folder = tempfile::tempdir().unwrap();
    test(sqlite(folder.path()));
}

#[test]
fn sixty_four_threads_lose_no_field_and_count_exactly() {
    each_store(|store| {
        let run = user(&store, "ada");
        let start = Barrier::new(64);
        thread::scope(|scope| {
            for t in 0..64 {
                let (run, start) = (&run, &start);
                scope.spawn(move || {
                    let session = run.global(None);
                    start.wait();
                    for i in 0..10 {
                        session.increment("count", "1").wait().unwrap();
                        session.put(&format!(r#"{{"a": {t}, "b": {t}, "own{t}": {i}}}"#), None).wait().unwrap();
                        let both = session.get_many(&["a", "b"]).wait().unwrap();
                        let values: Vec<_> = both.iter().map(|(_, value)| value.as_str().to_owned()).collect();
                        assert_eq!(values[0], values[1], "a torn put");
                    }
                });
            }
        });
        let session = run.global(None);
        assert_eq!(text(&session, "count").unwrap(), "640");
        for t in 0..64 {
            assert_eq!(text(&session, &format!("own{t}")).unwrap(), "9");
        }
    });
}

#[test]
fn sixteen_first_puts_begin_one_life() {
    each_store(|store| {
        for round in 0..20 {
            let subject = format!("user{round}");
            let start = Barrier::new(16);
            thread::scope(|scope| {
                for t in 0..16 {
                    let (store, subject, start) = (&store, &subject, &start);
                    scope.spawn(move || {
                        let session = user(store, subject).global(None);
                        start.wait();
                        session.put_one(&format!("f{t}"), "1", None).wait().unwrap();
                    });
                }
            });
            assert_eq!(user(&store, &subject).global(None).keys().wait().unwrap().len(), 16, "round {round}");
        }
    });
}

#[test]
fn two_stores_on_one_file_share_everything_and_two_products_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (sqlite(folder.path()), sqlite(folder.path()));
    let token = token(&one, "ada");
    let put = one.execution(Some(JWT), Some(&token)).unwrap().global(None);
    put.put(r#"{"cart": [1]}"#, None).wait().unwrap();
    let get = two.execution(Some(JWT), Some(&token)).unwrap().global(None);
    assert_eq!(text(&get, "cart").unwrap(), "[1]");
    for i in 0..100 {
        let (writer, reader) = if i % 2 == 0 { (&put, &get) } else { (&get, &put) };
        writer.increment("n", "1").wait().unwrap();
        assert_eq!(text(reader, "n").unwrap(), (i + 1).to_string());
    }

    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    let options = format!(r#"{{"url": "{url}", "product": "other"}}"#);
    let other = Store::open(Options::from_json(&options).unwrap().keyring_file(keyring(folder.path()))).wait().unwrap();
    let refused = other.execution(Some(JWT), Some(&token)).unwrap().global(None).get("cart").wait().unwrap_err();
    assert_eq!(refused.code(), Code::TokenUntrusted);
    assert_eq!(text(&user(&other, "ada").global(None), "cart"), None);
}

#[test]
fn nothing_on_disk_is_plain() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path());
    let token = token(&store, "planted-user@example.com");
    let run = store.execution(Some(JWT), Some(&token)).unwrap();
    let step =
        Step::parse(r#"{"operation":"PUT","sessionType":"GLOBAL","fields":"plantedname, plantedlarge"}"#).unwrap();
    let large = "planted-large-value ".repeat(1000);
    let message = format!(r#"{{"plantedname": "planted-value", "plantedlarge": "{large}"}}"#);
    run.step(&step, Some(&message)).wait().unwrap();
    run.local().put(r#"{"plantedlocal": "planted-local"}"#, None).wait().unwrap();
    let checkpoint = run.checkpoint().wait().unwrap();

    let mut haystacks = vec![("checkpoint".to_owned(), checkpoint)];
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() != "keyring.json" {
            haystacks.push((path.display().to_string(), fs::read(path).unwrap()));
        }
    }
    assert!(
        haystacks.iter().any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty()),
        "the WAL is looked at, too"
    );
    for (place, bytes) in &haystacks {
        for planted in ["planted", token.as_str(), "global", "sessile:default"] {
            let found = bytes.windows(planted.len()).any(|window| window == planted.as_bytes());
            assert!(!found, "{place} holds {planted:?}");
        }
    }
}

#[test]
fn another_keyring_is_known_at_open() {
    let folder = tempfile::tempdir().unwrap();
    drop(sqlite(folder.path()));
    let other = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    let error = Store::open(Options::new(&url).keyring_file(keyring(other.path()))).wait().unwrap_err();
    assert_eq!(error.code(), Code::KeyUnavailable);

    // The same index key, other bytes for data key 1.
    let text = fs::read_to_string(keyring(folder.path())).unwrap();
    let mut mixed: serde_json::Value = serde_json::from_str(&text).unwrap();
    let foreign: serde_json::Value = serde_json::from_str(&fs::read_to_string(keyring(other.path())).unwrap()).unwrap();
    mixed["data"][0]["key"] = foreign["data"][0]["key"].clone();
    let error = Store::open(Options::new(&url).keyring_bytes(mixed.to_string().as_bytes())).wait().unwrap_err();
    assert_eq!(error.code(), Code::KeyMismatch);

    let error = Store::open(Options::new(&url)).wait().unwrap_err();
    assert_eq!(error.code(), Code::KeyRequired);
}

#[test]
fn keys_can_be_rotated_by_hand_and_old_records_still_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path());
    user(&store, "ada").global(None).put(r#"{"old": 1}"#, None).wait().unwrap();
    store.close().wait().unwrap();

    let mut file: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(keyring(folder.path())).unwrap()).unwrap();
    let fresh: serde_json::Value = serde_json::from_str(&Keyring::generate_json().unwrap()).unwrap();
    file["data"][0]["state"] = "retired".into();
    let mut added = fresh["data"][0].clone();
    added["id"] = 2.into();
    file["data"].as_array_mut().unwrap().push(added);
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    let open =
        |file: &serde_json::Value| Store::open(Options::new(&url).keyring_bytes(file.to_string().as_bytes())).wait();

    let store = open(&file).unwrap();
    let session = user(&store, "ada").global(None);
    assert_eq!(text(&session, "old").unwrap(), "1");
    session.put(r#"{"new": 2}"#, None).wait().unwrap();
    drop(store);

    file["data"][0]["state"] = "revoked".into();
    let store = open(&file).unwrap();
    assert_eq!(user(&store, "ada").global(None).get("new").wait().unwrap_err().code(), Code::KeyRevoked);
    drop(store);

    file["data"].as_array_mut().unwrap().remove(0);
    let store = open(&file).unwrap();
    let error = user(&store, "ada").global(None).put(r#"{"lost": 1}"#, None).wait().unwrap_err();
    assert_eq!(error.code(), Code::KeyUnavailable);
    assert_eq!(error.details()["keyId"], 1);
}

#[test]
fn a_life_that_was_swept_or_ended_is_told_apart() {
    let start = Time::parse("2026-01-01T00:00:00Z").unwrap();
    let clock = Clock::manual(start);
    let store = Store::open(Options::new("memory:").clock(clock.clone())).wait().unwrap();
    let held = user(&store, "ada");
    held.global(None).put(r#"{"a": 1}"#, None).wait().unwrap();
    let other = user(&store, "ada");
    other.global(None).end().wait().unwrap();
    assert_eq!(held.global(None).get("a").wait().unwrap_err().code(), Code::SessionRevoked);
    assert_eq!(held.global(None).put(r#"{"a": 2}"#, None).wait().unwrap_err().code(), Code::SessionRevoked);
    let fresh = user(&store, "ada");
    assert_eq!(text(&fresh.global(None), "a"), None);
    fresh.global(None).put(r#"{"a": 3}"#, None).wait().unwrap();

    clock.advance(31 * 24 * 3600 * 1000).unwrap();
    fresh.renew(&token(&store, "ada")).wait().unwrap();
    assert_eq!(fresh.global(None).get("a").wait().unwrap_err().code(), Code::SessionExpired);
    assert_eq!(text(&user(&store, "ada").global(None), "a"), None);
}

#[test]
fn no_public_type_prints_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite(folder.path());
    let token = token(&store, "planted-user");
    let run = store.execution(Some(JWT), Some(&token)).unwrap();
    run.global(None).put(r#"{"plantedname": "planted-value"}"#, None).wait().unwrap();
    let keys: serde_json::Value = serde_json::from_str(&fs::read_to_string(keyring(folder.path())).unwrap()).unwrap();
    let step = Step::parse(r#"{"fields":"plantedname"}"#).unwrap();
    let global = run.global(None);
    let printed = [
        format!("{store:?} {:?} {run:?} {global:?} {:?}", store.tokens(), run.local()),
        format!("{:?}", store.verify(&token).wait().unwrap()),
        format!("{:?}", global.all().wait().unwrap()),
        format!("{:?}", global.get("plantedname").wait().unwrap()),
        format!("{:?}", global.get_versioned("plantedname").wait().unwrap()),
        format!("{:?}", global.info().wait().unwrap()),
        format!("{:?}", global.update("plantedname")),
        format!("{:?}", run.step(&step, Some(r#"{"plantedname": "planted-value"}"#)).wait().unwrap()),
        format!(
            "{:?}",
            store.execution(Some(JWT), Some(&format!("{token}x"))).unwrap().global(None).all().wait().unwrap_err()
        ),
        format!("{:?}", Options::new("sqlite:x").issuer_secret("i", b"planted-secret").keyring_bytes(b"planted-key")),
        format!("{:?}", run.checkpoint()),
    ];
    for text in printed {
        for planted in ["planted-", token.as_str(), keys["data"][0]["key"].as_str().unwrap()] {
            assert!(!text.contains(planted), "{text}");
        }
    }
}
