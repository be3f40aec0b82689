//! Forked children: what they run, and how they ended.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use sessile::fork;

/// Runs `child` in a child; it leaves with 0 if that is true.
pub fn forked(child: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child works on its stores and leaves.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let good = catch_unwind(AssertUnwindSafe(child)).unwrap_or(false);
        // SAFETY: as wanted of a forked child: nothing of the parent's is torn down.
        unsafe { libc::_exit(i32::from(!good)) };
    }
    assert!(pid > 0);
    pid
}

/// The same between the hooks, in whose part of a child it runs after the second.
pub fn forked_with_hooks(child: impl FnOnce() -> bool) -> libc::pid_t {
    fork::before().unwrap();
    let pid = forked(|| {
        fork::after();
        child()
    });
    fork::after();
    pid
}

/// How a child ended; `None` for one that had to be killed after a minute.
pub fn ended(pid: libc::pid_t) -> Option<i32> {
    let until = Instant::now() + Duration::from_secs(60);
    let mut status = 0;
    while Instant::now() < until {
        // SAFETY: it asks for a child of this process.
        if unsafe { libc::waitpid(pid, &mut status, libc::WNOHANG) } == pid {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    // SAFETY: a child of this process, which nobody has waited for yet.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    None
}
