//! The gate that calls pass, and that is shut while the process forks.
//!
//! Nothing but atomics and short sleeps: a lock that a thread held or waited for at the fork would be held, or handed
//! to nobody, in the child for good.

use std::cell::Cell;
use std::process;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, fail};

/// Calls under way, counted in several places: all threads counting in one would wait for each other's caches.
static CALLS: [Count; COUNTS] = [const { Count(AtomicUsize::new(0)) }; COUNTS];
/// The process that shut the gate; 0 while it is open. A child that was forked from it without the hooks is another
/// process, and finds the gate open.
static SHUT_BY: AtomicU32 = AtomicU32::new(0);
/// The process that `CALLS` counts for.
static COUNTED: AtomicU32 = AtomicU32::new(0);

const COUNTS: usize = 16;
const PAUSE: Duration = Duration::from_micros(100);

#[repr(align(128))]
struct Count(AtomicUsize);

thread_local! {
    static COUNT: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % COUNTS
    };
    /// How deep in calls this thread is: what is called within one is not stopped at the gate, which waits for it.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A call under way, until dropped, by whichever thread.
pub(crate) struct Pass(usize);

impl Pass {
    fn new() -> Pass {
        let count = COUNT.with(|count| *count);
        CALLS[count].0.fetch_add(1, Ordering::SeqCst);
        Pass(count)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // Not below nothing: the count may have begun anew meanwhile.
        let _ = CALLS[self.0].0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |calls| calls.checked_sub(1));
    }
}

/// Begins to count, in a process that was forked: its parent's calls are not under way here.
pub(crate) fn count_own() {
    let me = process::id();
    if COUNTED.swap(me, Ordering::SeqCst) == me {
        return;
    }
    let here = COUNT.with(|count| *count);
    for (at, calls) in CALLS.iter().enumerate() {
        calls.0.store(if at == here { DEPTH.get() } else { 0 }, Ordering::SeqCst);
    }
}

/// Passes the gate; while it is shut, waits. `BUSY` when it stays shut.
pub(crate) fn pass() -> Result<Pass> {
    let pass = Pass::new();
    if SHUT_BY.load(Ordering::SeqCst) == 0 || DEPTH.get() > 0 {
        return Ok(pass);
    }
    drop(pass);
    let until = Instant::now() + super::PATIENCE;
    loop {
        let pass = Pass::new();
        let shut_by = SHUT_BY.load(Ordering::SeqCst);
        if shut_by == 0 || shut_by != process::id() {
            return Ok(pass);
        }
        drop(pass);
        if Instant::now() > until {
            return Err(fail!(
                Busy,
                "the process is forking: calls go on when the hook that belongs after the fork was called"
            ));
        }
        thread::sleep(PAUSE);
    }
}

/// Runs `call`, which holds a pass, or is a part of one that does.
pub(crate) fn passed<T>(call: impl FnOnce() -> T) -> T {
    struct Passed;
    impl Drop for Passed {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }
    DEPTH.set(DEPTH.get() + 1);
    let _passed = Passed;
    call()
}

/// Shuts the gate and waits until no call is under way. `BUSY`, the gate open, when one goes on and on.
pub(super) fn shut(until: Instant) -> Result<()> {
    let me = process::id();
    loop {
        let shut_by = SHUT_BY.load(Ordering::SeqCst);
        // Another thread is forking; or this process was forked while one of its parent's was.
        let free = shut_by == 0 || shut_by != me;
        if free && SHUT_BY.compare_exchange(shut_by, me, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            break;
        }
        pause(until)?;
    }
    while CALLS.iter().any(|calls| calls.0.load(Ordering::SeqCst) > 0) {
        if let Err(error) = pause(until) {
            open();
            return Err(error);
        }
    }
    Ok(())
}

/// Opens the gate.
pub(super) fn open() {
    SHUT_BY.store(0, Ordering::SeqCst);
}

fn pause(until: Instant) -> Result<()> {
    if Instant::now() > until {
        return Err(still_calling());
    }
    thread::sleep(PAUSE);
    Ok(())
}

fn still_calling() -> Error {
    fail!(Busy, "a call is under way and does not end: forked now, the child would be refused the stores (FORKED)")
}
