//! What the fork hooks do in the process that forks; what they do for a child is in `tests/c/fork.c` and in Python's
//! `test_fork.py`. In one test, for the hooks concern all of a process.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sessile::{Code, Keyring, Options, Session, Store, fork};

fn open(folder: &Path) -> Store {
    let url = format!("sqlite:{}", folder.join("sessions.db").display());
    Store::open(Options::new(&url).keyring_file(folder.join("keyring.json"))).wait().unwrap()
}

fn session(store: &Store) -> Session {
    let token = store.tokens().issue(r#"{"sub": "u"}"#, 60).wait().unwrap();
    store.global(&store.verify(&token).wait().unwrap(), None).unwrap()
}

/// How many descriptors of this process are open in the folder.
fn descriptors(folder: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
    open.filter(|open| open.starts_with(folder)).count()
}

#[test]
fn the_hooks_close_and_hold_up_and_let_go_on() {
    let place = tempfile::tempdir().unwrap();
    let folder = &fs::canonicalize(place.path()).unwrap();
    Keyring::generate(folder.join("keyring.json")).unwrap();
    // Without a `before`, `after` does nothing.
    fork::after();
    let store = open(folder);
    let counted = session(&store);
    counted.increment("n", "1").wait().unwrap();
    assert!(descriptors(folder) > 0);

    // Nothing stays open, and what is called meanwhile waits, in whichever way it is called.
    fork::before().unwrap();
    assert_eq!(descriptors(folder), 0);
    let (sender, receiver) = mpsc::channel();
    let waiting = {
        let (counted, other, sender) = (counted.clone(), counted.clone(), sender.clone());
        let waits = thread::spawn(move || counted.increment("n", "1").wait().map(|_| ()));
        let started = thread::spawn(move || {
            let later = sender.clone();
            if let Some(result) = other.increment("n", "1").start(move |result| later.send(result).unwrap()) {
                sender.send(result).unwrap();
            }
        });
        // Another thread that forks waits too.
        let forks = thread::spawn(|| {
            fork::before().unwrap();
            fork::after();
        });
        [thread::spawn(move || waits.join().unwrap().unwrap()), started, forks]
    };
    thread::sleep(Duration::from_millis(100));
    assert!(waiting.iter().all(|waiting| !waiting.is_finished()));
    // Local is nobody else's: it goes on.
    store.execution(None, None).unwrap().local().put(r#"{"a": 1}"#, None).wait().unwrap();
    fork::after();
    waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
    receiver.recv().unwrap().unwrap();
    assert_eq!(counted.get("n").wait().unwrap().unwrap().as_str(), "3");

    // Calls under way finish first.
    let busy = thread::spawn({
        let counted = counted.clone();
        move || (0..500).for_each(|_| counted.increment("busy", "1").wait().map(|_| ()).unwrap())
    });
    for _ in 0..50 {
        fork::before().unwrap();
        assert_eq!(descriptors(folder), 0);
        fork::after();
    }
    busy.join().unwrap();
    assert_eq!(counted.get("busy").wait().unwrap().unwrap().as_str(), "500");

    // The store that is opened again is the same file or none: an empty one would look as if all were lost.
    fork::before().unwrap();
    let aside = folder.join("aside.db");
    fs::rename(folder.join("sessions.db"), &aside).unwrap();
    fork::after();
    assert_eq!(counted.get("n").wait().unwrap_err().code(), Code::Io);
    assert!(!folder.join("sessions.db").exists());
    fs::rename(&aside, folder.join("sessions.db")).unwrap();
    assert_eq!(counted.get("n").wait().unwrap().unwrap().as_str(), "3");

    // Closed is closed, before a fork or in the midst of one.
    fork::before().unwrap();
    fork::after();
    store.close().wait().unwrap();
    assert_eq!(counted.get("n").wait().unwrap_err().code(), Code::Closed);
    assert_eq!(descriptors(folder), 0);
}
