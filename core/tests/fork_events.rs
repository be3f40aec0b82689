//! A forked child has audit events of its own: what its parent has not fetched yet is the parent's alone.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::time::{Duration, Instant};

use serde_json::json;
use sessile::{Keyring, Options, Store, fork};

/// How a child ended, which is killed after a minute.
fn ended(pid: libc::pid_t) -> Option<i32> {
    let until = Instant::now() + Duration::from_secs(60);
    let mut status = 0;
    while Instant::now() < until {
        // SAFETY: it asks for a child of this process.
        if unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) } == pid {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // SAFETY: a child of this process, which nobody has waited for yet.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    None
}

/// Runs `child` in a child; it leaves with 0 if that is true.
fn forked(child: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child works on its stores and leaves.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child)).unwrap_or(false);
        // SAFETY: as wanted of a forked child: nothing of the parent's is torn down.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    assert!(pid > 0);
    pid
}

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
    fork::before().unwrap();
    let pid = forked(|| {
        fork::after();
        let begins_empty = !store.has_events() && store.drain_events(9).is_empty();
        refuse(2);
        begins_empty && store.has_events() && store.drain_events(9).len() == 2
    });
    fork::after();
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
