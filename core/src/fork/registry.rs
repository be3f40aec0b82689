//! The open stores of the process, so that a fork finds them.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Result, fail};
use crate::store::Inner;

/// A lock of std's, which knows its waiters only by number: in a child those are not there.
static STORES: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

struct Entry {
    number: u64,
    /// The process whose store it is.
    pid: u32,
    store: Weak<Inner>,
}

/// A store's place in the registry; the last thing that a store lets go of.
pub(crate) struct Registered(u64);

impl Registered {
    /// Called in a call under way, so that no fork comes between opening and entering.
    pub(crate) fn new(store: Weak<Inner>) -> Registered {
        let mut stores = stores();
        let number = stores.last().map_or(1, |last| last.number + 1);
        stores.push(Entry { number, pid: process::id(), store });
        Registered(number)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // In a child that was forked without the hooks the lock may be held by a thread that is not there.
        if let Some(mut stores) = patiently(Instant::now() + Duration::from_secs(1)) {
            stores.retain(|entry| entry.number != self.0);
        }
    }
}

/// Closes the connections of all stores of this process.
pub(super) fn suspend(until: Instant) -> Result<()> {
    let me = process::id();
    loop {
        let Some(stores) = patiently(until) else {
            return Err(fail!(Busy, "this process was forked in the middle of opening a store: it cannot fork again"));
        };
        let own: Vec<Option<Arc<Inner>>> =
            stores.iter().filter(|entry| entry.pid == me).map(|entry| entry.store.upgrade()).collect();
        drop(stores);
        let all = own.len();
        let there: Vec<_> = own.into_iter().flatten().collect();
        there.iter().for_each(|store| store.suspend());
        // One that nobody has any more is being closed by whoever had it last: its connections are not closed yet.
        if there.len() == all {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(fail!(Busy, "a store is being closed and does not end: forked now, it could lose writes"));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// In a child of `parent`, whose stores were suspended: they are the child's own from now on, where they can be.
pub(super) fn adopt(parent: u32) {
    let Some(mut stores) = patiently(Instant::now() + Duration::from_secs(1)) else { return };
    for entry in stores.iter_mut().filter(|entry| entry.pid == parent) {
        if entry.store.upgrade().is_some_and(|store| store.adopt()) {
            entry.pid = process::id();
        }
    }
}

fn stores() -> MutexGuard<'static, Vec<Entry>> {
    STORES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn patiently(until: Instant) -> Option<MutexGuard<'static, Vec<Entry>>> {
    loop {
        match STORES.try_lock() {
            Ok(stores) => return Some(stores),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if Instant::now() > until => return None,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(50)),
        }
    }
}
