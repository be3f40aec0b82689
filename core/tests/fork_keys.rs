//! A process that forks with the hooks while its threads verify tokens and its keys change: no lock stays held in the
//! child, which follows the keys on its own.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod child;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use child::{ended, forked_with_hooks};
use serde_json::Value;
use sessile::{Keyring, Options, Store};

const FORKS: usize = 20;

/// In the child: keys read anew, a token of it, and a field. Sealing must not wait for anybody.
fn goes_on(store: &Store, keyring: &Path, number: usize) {
    Keyring::add(keyring, "data").unwrap();
    store.reload_keys(None).wait().unwrap();
    let token = store.tokens().issue(r#"{"sub": "u"}"#, 60).wait().unwrap();
    let session = store.global(&store.verify(&token).wait().unwrap(), None).unwrap();
    session.put(&format!(r#"{{"f{number}": 1}}"#), None).wait().unwrap();
    let found: Value = serde_json::from_str(&store.check().wait().unwrap()).unwrap();
    assert_eq!(found["ok"], true, "{found}");
}

#[test]
fn a_child_follows_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    let store = Store::open(Options::new(&url).keyring_file(&keyring)).wait().unwrap();
    let token = store.tokens().issue(r#"{"sub": "u"}"#, 600).wait().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for changes in [false, false, true] {
            let (store, token, done) = (&store, &token, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    if changes {
                        store.reload_keys(None).wait().unwrap();
                    }
                    store.verify(token).wait().unwrap();
                }
            });
        }
        let statuses: Vec<_> = (0..FORKS)
            .map(|number| {
                let pid = forked_with_hooks(|| {
                    goes_on(&store, &keyring, number);
                    true
                });
                ended(pid)
            })
            .collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(statuses, [Some(0); FORKS]);
    });
    let session = store.global(&store.verify(&token).wait().unwrap(), None).unwrap();
    let all: Value = serde_json::from_str(&session.all().wait().unwrap().to_json()).unwrap();
    assert_eq!(all.as_object().unwrap().len(), FORKS);
}
