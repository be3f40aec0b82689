//! A forked child has audit events of its own: what its parent has not fetched yet is the parent's alone.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod child;

use child::{ended, forked, forked_with_hooks};
use serde_json::json;
use sessile::{Keyring, Options, Store};

#[test]
fn no_event_of_the_parents_is_told_in_a_child() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
    let options = json!({"url": url, "keyring": keyring, "audit": true, "limits": {"auditEvents": 3}}).to_string();
    let store = Store::open(Options::from_json(&options).unwrap()).wait().unwrap();
    let refuse = |times: usize| (0..times).for_each(|_| drop(store.verify("x").wait().unwrap_err()));
    refuse(5);

    // With the hooks it has a queue of its own, which begins empty, the count of lost ones too.
    let pid = forked_with_hooks(|| {
        let begins_empty = !store.has_events() && store.drain_events(9).is_empty();
        refuse(2);
        begins_empty && store.has_events() && store.drain_events(9).len() == 2
    });
    assert_eq!(ended(pid), Some(0));

    // Without them it has no store, and so no events.
    let pid = forked(|| {
        let _ = store.verify("x").wait();
        !store.has_events() && store.drain_events(9).is_empty()
    });
    assert_eq!(ended(pid), Some(0));

    let told = store.drain_events(9);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told[3].contains(r#""event":"audit.dropped","count":2"#), "{told:?}");
}
