//! The write-ahead log: kept short by checkpoints, which neither a caller nor an event loop waits for.
//!
//! Its pages are counted as they are committed. A checkpoint beside readers and writers is due at 4 MiB: the writer that
//! comes next begins the log anew, if all of it is in the file then and no reader in it. Where writers and readers never
//! pause that may never be: at 8 MiB the rest is brought in under the write lock, which waits for readers a little.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Attempt, Sqlite};
use crate::error::Result;
use crate::task::may_block;

/// Pages at which a checkpoint is worth its work.
const DUE: u32 = 1000;
/// Pages at which readers are waited for.
const TOO_LONG: u32 = 2 * DUE;
/// How long at most; ours are in a snapshot for a read, and whoever writes waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(50);

/// What is known of the log.
pub(super) struct Log {
    /// Pages in it after the last commit of this process, whoever wrote them.
    pages: Arc<AtomicU32>,
    /// Pages at which something is to be done.
    next: AtomicU32,
}

impl Default for Log {
    fn default() -> Log {
        Log { pages: Arc::default(), next: AtomicU32::new(DUE) }
    }
}

/// What a checkpoint came to: pages in the log, and whether all of them are in the file.
struct Checkpointed {
    pages: u32,
    all: bool,
}

impl Log {
    /// The bytes to which a log that grew larger is cut when it begins anew.
    pub(super) const KEPT: u32 = 4 * TOO_LONG * 4096;

    /// Counts what `writer` commits.
    pub(super) fn watch(&self, writer: &mut Connection) -> rusqlite::Result<()> {
        let counted = self.pages.clone();
        writer.wal_hook(Some(move |_: &mut _, pages| {
            counted.store(u32::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
    }

    #[cfg(test)]
    pub(super) fn pages(&self) -> u32 {
        self.pages.load(Ordering::Relaxed)
    }

    /// Whether a checkpoint is due; answered with yes once, and again when the log is twice as long.
    fn is_due(&self) -> bool {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < DUE {
            self.next.store(DUE, Ordering::Relaxed);
            return false;
        }
        let next = self.next.load(Ordering::Relaxed);
        let twice = pages.saturating_mul(2);
        pages >= next && self.next.compare_exchange(next, twice, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Sqlite {
    /// Whether [`checkpoint`](Sqlite::checkpoint) should be called, where nobody waits for it.
    pub(in super::super) fn checkpoint_is_due(&self) -> bool {
        self.log.is_due()
    }

    /// Brings the log into the file as far as readers allow, and begins it anew if it is too long. Blocks.
    pub(in super::super) fn checkpoint(&self) -> Result<()> {
        self.own()?;
        // Closed for a fork, there is no log.
        if self.suspended.load(Ordering::Acquire) {
            return Ok(());
        }
        let doing = "shorten the log";
        let passive = |connection: &Connection| checkpoint(connection, "PASSIVE");
        // No reader free: later.
        let Some(done) = self.try_read(doing, None, &passive)? else { return Ok(()) };
        let now = self.log.pages.load(Ordering::Relaxed);
        if done.pages.max(now) < TOO_LONG {
            return Ok(());
        }
        self.truncate(doing)
    }

    /// Brings all of the log into the file, where deleting overwrites, and cuts it to nothing, unless a reader is in it
    /// for longer than a moment.
    pub(in super::super) async fn erase_deleted(&self) -> Result<()> {
        self.usable().await?;
        may_block().await;
        self.truncate("empty the log")
    }

    fn truncate(&self, doing: &str) -> Result<()> {
        self.with_writer(doing, Some(Instant::now() + self.settings.deadline), |connection| {
            connection.busy_timeout(PATIENCE)?;
            let done = checkpoint(connection, "TRUNCATE");
            connection.busy_timeout(Duration::ZERO)?;
            if done?.all {
                self.log.pages.store(0, Ordering::Relaxed);
            }
            Ok(Some(()))
        })
        .map(|_| ())
    }
}

fn checkpoint(connection: &Connection, how: &str) -> Attempt<Checkpointed> {
    let (busy, pages, done) = connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
        Ok((row.get::<_, bool>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    Ok(Checkpointed { pages: u32::try_from(pages).unwrap_or(0), all: !busy && pages == done })
}
