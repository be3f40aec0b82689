//! A process that forks: what parent and children seal with the same keys has no nonce and no id in common.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use sessile::{Code, Execution, Options, Store};

const NONCE: std::ops::Range<usize> = 5..29;

/// Seals and issues a few things, and writes down what was drawn for them.
fn draw(store: &Store, run: &Execution, to: &Path) {
    let mut drawn = Vec::new();
    for _ in 0..8 {
        drawn.push(hex(&run.checkpoint().wait().unwrap()[NONCE]));
        // The token's id and signature are its only parts that are not the same in all.
        drawn.push(store.tokens().issue(r#"{"sub": "u1"}"#, 60).wait().unwrap());
    }
    fs::write(to, drawn.join("\n")).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn forked_processes_draw_apart() {
    const CHILDREN: usize = 4;
    let folder = tempfile::tempdir().unwrap();
    let file = |number: usize| folder.path().join(number.to_string());
    let store = Store::open(Options::new("memory:")).wait().unwrap();
    let run = store.execution(None, None).unwrap();
    run.local().put(r#"{"a": 1}"#, None).wait().unwrap();
    // Whatever is drawn ahead is drawn by now.
    draw(&store, &run, &file(CHILDREN));

    let mut children = Vec::new();
    for number in 0..CHILDREN {
        // SAFETY: the child seals, writes a file and leaves; it takes no lock that a thread of the parent may hold, for
        // none of them uses the store.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0);
        if pid == 0 {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                draw(&store, &run, &file(number));
                // The store itself is the parent's.
                let error = store.key_usage().wait().unwrap_err();
                assert_eq!(error.code(), Code::Forked);
            }));
            // SAFETY: as wanted of a forked child: nothing of the parent's is torn down.
            unsafe { libc::_exit(i32::from(done.is_err())) };
        }
        children.push(pid);
    }
    let mut drawn: Vec<String> = Vec::new();
    let mut take = |number: usize| drawn.extend(fs::read_to_string(file(number)).unwrap().lines().map(str::to_owned));
    take(CHILDREN);
    draw(&store, &run, &file(CHILDREN));
    take(CHILDREN);
    for (number, pid) in children.into_iter().enumerate() {
        let mut status = 0;
        // SAFETY: it waits for a child of this process.
        assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
        assert_eq!(status, 0, "child {number}");
        take(number);
    }
    assert_eq!(drawn.len(), (CHILDREN + 2) * 16);
    assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len(), "something was drawn twice");
}
