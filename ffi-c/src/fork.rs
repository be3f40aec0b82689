//! The hooks around a fork.

use std::mem::MaybeUninit;

use sessile::fork;

use crate::border::enter_outside;
use crate::error::sessile_error_t;

/// To be called right before fork(), by the thread that forks, in a program whose child uses sessile too: waits until
/// the calls under way in other threads are finished, holds new ones up, and closes the files of all open stores,
/// for SQLite loses acknowledged writes when it is forked with files open. Then sessile_after_fork is to be called on
/// both sides, whether fork() succeeded or not. A fork that only execs needs neither.
///
/// SESSILE_BUSY when a call has not finished within 30 s: nothing is held up, and a child forked all the same is
/// SESSILE_FORKED at the stores it inherited, as is every child forked without this call.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_before_fork(err: Option<&mut MaybeUninit<*mut sessile_error_t>>) -> i32 {
    enter_outside(err, fork::before)
}

/// To be called right after fork(), in the parent and in the child, by the thread that called sessile_before_fork:
/// calls go on, and stores open their files when they need them. In the child, all handles stay good; sqlite: stores
/// are its own from now on, memory: stores stay the parent's (SESSILE_FORKED). Without a sessile_before_fork that
/// succeeded it does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_after_fork() {
    fork::after();
}
