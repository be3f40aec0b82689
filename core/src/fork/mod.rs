//! Forking a process that has stores open.
//!
//! A fork with SQLite connections open loses acknowledged writes: the child inherits them without their locks, and so
//! has none for connections of its own either. So calls under way finish, the connections of every open store are
//! closed, and both sides open theirs again when they need them. Python registers these hooks itself; a C program
//! calls them by way of `sessile_before_fork` and `sessile_after_fork`; a program that never forks, or only to `exec`,
//! needs none.

mod gate;
mod registry;

use std::cell::Cell;
use std::process;
use std::time::{Duration, Instant};

pub(crate) use self::gate::{count_own, pass, passed};
pub(crate) use self::registry::Registered;
use crate::error::Result;

/// How long a fork waits for the calls under way, and a call for the fork.
const PATIENCE: Duration = Duration::from_secs(30);

thread_local! {
    /// The process in which this thread called [`before`]; 0 when it did not, or [`after`] was called since.
    static FORKING: Cell<u32> = const { Cell::new(0) };
}

/// To be called right before the fork, on the thread that forks: waits until the calls under way are finished, holds
/// up new ones, and closes the connections of all open stores.
///
/// `BUSY` when a call has not finished within 30 s: then nothing is held up and nothing closed, and a child forked all
/// the same is answered `FORKED` by the stores that it inherited.
pub fn before() -> Result<()> {
    let until = Instant::now() + PATIENCE;
    gate::shut(until)?;
    if let Err(error) = registry::suspend(until) {
        gate::open();
        return Err(error);
    }
    FORKING.set(process::id());
    Ok(())
}

/// To be called right after the fork, on both sides, by the thread that called [`before`]: calls go on, and stores open
/// their connections when they need them. In a child, `sqlite:` stores are its own from now on; a `memory:` store
/// stays its parent's, and answers `FORKED`: what the child put into its copy, nobody would see. Without a `before`
/// that succeeded it does nothing.
pub fn after() {
    let forked = FORKING.replace(0);
    if forked == 0 {
        return;
    }
    if forked != process::id() {
        registry::adopt(forked);
        gate::count_own();
    }
    gate::open();
}

/// Runs `call`, of a binding, as one call under way: a fork waits for its end. `BUSY` while one is under way.
pub fn within<T>(call: impl FnOnce() -> T) -> Result<T> {
    let _pass = pass()?;
    Ok(passed(call))
}
