//! The users' secrets lie in a second file: it is closed before a fork too, and opened on both sides.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod shredded;

use std::fs;
use std::time::{Duration, Instant};

use sessile::fork;
use shredded::{Place, parsed, start};

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

#[test]
fn both_sides_go_on_with_the_same_secrets() {
    let place = Place::new();
    let store = place.with_config();
    let folder = fs::canonicalize(place.file("")).unwrap();
    let descriptors = || {
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
        open.filter(|open| open.starts_with(&folder)).count()
    };
    let is_valid = |started: &serde_json::Value| {
        parsed(store.sessions().verify(started["token"].as_str().unwrap()).wait())["valid"] == true
    };
    let before = start(&store, "ann");
    fork::before().unwrap();
    assert_eq!(descriptors(), 0);
    // SAFETY: the hooks are called around it; the child works on the store and leaves.
    let pid = unsafe { libc::fork() };
    fork::after();
    if pid == 0 {
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let theirs = start(&store, "bob");
            is_valid(&before) && is_valid(&theirs) && is_valid(&start(&store, "ann"))
        }));
        // SAFETY: as wanted of a forked child: nothing of the parent's is torn down.
        unsafe { libc::_exit(i32::from(!good.unwrap_or(false))) };
    }
    assert!(pid > 0);
    let ours = start(&store, "bob");
    assert_eq!(ended(pid), Some(0));
    assert!(is_valid(&before) && is_valid(&ours));
    let found = parsed(store.check().wait());
    assert_eq!((&found["ok"], &found["secrets"]), (&true.into(), &2.into()), "{found}");
}
