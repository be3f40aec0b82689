//! Configurations deleted while others change them, begin sessions under them, or delete them too.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use sessile::{Code, Keyring, Options, Store};

const DEFINITION: &str = r#"{"name": "user", "schema": {"id": "string"}, "selector": "id"}"#;

/// Operations have a tenth of a second, so a deletion takes little more than one.
fn store(folder: &Path) -> Store {
    let keyring = folder.join("keyring.json");
    if !keyring.exists() {
        Keyring::generate(&keyring).unwrap();
    }
    let url = format!("sqlite:{}", folder.join("sessions.db").display());
    let options = serde_json::json!({"url": url, "limits": {"deadline": 100}}).to_string();
    Store::open(Options::from_json(&options).unwrap().keyring_file(keyring)).wait().unwrap()
}

fn get(store: &Store) -> Value {
    serde_json::from_str(&store.configs().get("user").wait().unwrap()).unwrap()
}

#[test]
fn a_deletion_that_gives_up_leaves_what_was_changed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (store(folder.path()), store(folder.path()));
    here.configs().create(DEFINITION).wait().unwrap();
    // It goes by this for a second, and begins a session that the deletion finds in the end.
    get(&there);
    thread::scope(|scope| {
        let deletes = scope.spawn(|| here.configs().delete("user", false).wait());
        thread::sleep(Duration::from_millis(300));
        there.sessions().start("user", r#"{"id": "ada"}"#, None).wait().unwrap();
        there.configs().update("user", r#"{"description": "kept"}"#).wait().unwrap();
        assert_eq!(deletes.join().unwrap().unwrap_err().code(), Code::Conflict);
    });
    assert_eq!((&get(&here)["description"], &get(&here)["version"]), (&"kept".into(), &2.into()));
    here.sessions().start("user", r#"{"id": "bob"}"#, None).wait().unwrap();
}

#[test]
fn a_deletion_that_was_undone_is_not_told_as_done() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (store(folder.path()), store(folder.path()));
    here.configs().create(DEFINITION).wait().unwrap();
    get(&there);
    thread::scope(|scope| {
        let gentle = scope.spawn(|| here.configs().delete("user", false).wait());
        thread::sleep(Duration::from_millis(300));
        there.sessions().start("user", r#"{"id": "ada"}"#, None).wait().unwrap();
        let forced = scope.spawn(|| there.configs().delete("user", true).wait());
        assert_eq!(gentle.join().unwrap().unwrap_err().code(), Code::Conflict);
        assert_eq!(forced.join().unwrap().unwrap_err().code(), Code::Conflict);
    });
    assert_eq!(get(&here)["version"], 1);
    there.configs().delete("user", true).wait().unwrap();
    assert_eq!(here.configs().get("user").wait().unwrap_err().code(), Code::NotFound);
}

#[test]
fn a_sweep_goes_on_where_a_configuration_was_just_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    for name in 0..8 {
        store.configs().create(&format!(r#"{{"name": "c{name}"}}"#)).wait().unwrap();
    }
    thread::scope(|scope| {
        for name in 0..8 {
            let store = &store;
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(20 * name));
                store.configs().delete(&format!("c{name}"), true).wait().unwrap();
            });
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(2) {
            store.sweep(10).wait().unwrap();
        }
    });
}
