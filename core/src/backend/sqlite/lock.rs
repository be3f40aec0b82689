//! The write lock between processes: `flock` on a side file, taken around each write transaction.
//!
//! SQLite's own lock is polled, and the poll loses: two writing processes starved each other for up to 1.5 s under its
//! busy handler alone, 54 ms with this file before it. The kernel drops the lock with its process, so a killed writer
//! holds nobody up.

use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::busy;
use crate::error::{Result, fail};

/// `PATH-lock`. Never removed: a process that waits on a removed file would share it with nobody.
pub(super) struct WriteLock(File);

/// The lock, held until dropped.
pub(super) struct Held<'a>(&'a File);

impl WriteLock {
    pub(super) fn open(path: &Path) -> Result<WriteLock> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path);
        match file {
            Ok(file) => Ok(WriteLock(file)),
            Err(error) => Err(fail!(Io, "could not open the lock file {}: {error}", path.display())),
        }
    }

    /// The lock if nobody holds it now.
    pub(super) fn try_hold(&self) -> Result<Option<Held<'_>>> {
        match self.0.try_lock() {
            Ok(()) => Ok(Some(Held(&self.0))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(fail!(Io, "could not lock the store's -lock file: {error}")),
        }
    }

    /// The lock, waited for.
    pub(super) fn hold(&self, doing: &str, deadline: Instant) -> Result<Held<'_>> {
        let mut pause = Pause::until(deadline);
        loop {
            if let Some(held) = self.try_hold()? {
                return Ok(held);
            }
            pause.sleep(doing)?;
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Can only fail for a descriptor that is not ours any more; then there is nothing to unlock.
        let _ = self.0.unlock();
    }
}

/// Short sleeps that grow from 50 µs to 5 ms, with jitter so that contenders do not march in step, up to a deadline.
/// (`flock` knows no timeout, and an alarm signal is not a library's to use.)
pub(super) struct Pause {
    next: Duration,
    deadline: Instant,
}

impl Pause {
    const FIRST: Duration = Duration::from_micros(50);
    const LONGEST: Duration = Duration::from_millis(5);

    pub(super) fn until(deadline: Instant) -> Pause {
        Pause { next: Pause::FIRST, deadline }
    }

    /// Sleeps; `BUSY` once the deadline has passed.
    pub(super) fn sleep(&mut self, doing: &str) -> Result<()> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(busy(doing));
        }
        // Between half the pause and all of it.
        let jitter = RandomState::new().hash_one(self.next) % 512;
        thread::sleep((self.next * (512 + jitter as u32) / 1024).min(left));
        self.next = (self.next * 2).min(Pause::LONGEST);
        Ok(())
    }
}
