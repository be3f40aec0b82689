//! A write transaction, and how it waits for the disk.

use std::time::Instant;

use rusqlite::Connection;

use super::super::Durability;
use super::connection;
use super::error::{is_busy, mapped};
use super::lock::Pause;
use crate::error::Result;

/// How the writer waits for the disk: another way for one write, outside its transaction, for SQLite changes it in none.
pub(super) struct Synchronous<'a> {
    connection: &'a Connection,
    /// What it is set back to; `None` when it was not changed.
    back: Option<Durability>,
}

impl<'a> Synchronous<'a> {
    pub(super) fn for_one(
        connection: &'a Connection,
        from: Durability,
        to: Durability,
    ) -> rusqlite::Result<Synchronous<'a>> {
        let sync = Synchronous { connection, back: (from != to).then_some(from) };
        // Not left to what stands: nothing that must wait for the disk may depend on an earlier setting back.
        if sync.back.is_some() || to == Durability::Commit {
            connection::set_sync(connection, to)?;
        }
        Ok(sync)
    }
}

impl Drop for Synchronous<'_> {
    fn drop(&mut self) {
        if let Some(durability) = self.back {
            // Should it fail, what need not wait for the disk does; what must, sets it anew.
            let _ = connection::set_sync(self.connection, durability);
        }
    }
}

/// A write transaction; rolled back unless committed.
pub(super) struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// `None` when SQLite's lock is held, by a program that knows nothing of `PATH-lock`, and there is no `wait`.
    pub(super) fn begin(
        connection: &'a Connection,
        doing: &str,
        wait: Option<Instant>,
    ) -> Result<Option<Transaction<'a>>> {
        let begin = || connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]);
        let mut pause = wait.map(Pause::until);
        loop {
            match begin() {
                Ok(_) => return Ok(Some(Transaction(connection))),
                Err(error) if is_busy(&error) => match &mut pause {
                    None => return Ok(None),
                    Some(pause) => pause.sleep(doing)?,
                },
                Err(error) => return Err(mapped(doing, &error)),
            }
        }
    }

    /// A failed commit applies nothing: what is left of it is rolled back on drop.
    pub(super) fn commit(self) -> rusqlite::Result<()> {
        self.0.prepare_cached("COMMIT")?.execute([]).map(|_| ())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Some errors have rolled back already, and so has a commit that went well.
        if !self.0.is_autocommit() {
            let _ = self.0.execute_batch("ROLLBACK");
        }
    }
}
