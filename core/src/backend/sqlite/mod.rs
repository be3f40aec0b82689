//! `sqlite:PATH`: the embedded backend, for one process or several on one machine.
//!
//! One connection writes, up to eight read. A write takes three locks in this order: the writer's mutex (threads of
//! this process), `PATH-lock` (processes of ours), SQLite's own (anybody else's); each is tried first without waiting,
//! so that a caller who must not block is served inline whenever all are free.

mod connection;
mod error;
mod file;
mod listing;
mod lock;
mod reader;
mod row;
mod schema;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;

use self::connection::Readers;
use self::error::{busy, is_busy, mapped};
use self::file::{OpenFile, Opening};
use self::lock::{Pause, WriteLock};
use super::{
    BlindUser, Cells, Change, Durability, Listed, MetaKey, Outcome, Record, Space, StorageId, UserRecord, UserSessions,
    forked,
};
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::task::{blocking, may_block};

pub(crate) struct Sqlite {
    durability: Durability,
    deadline: Duration,
    /// The process that opened it: a forked child may not use what it inherited, nor even close it, for SQLite would
    /// drop the parent's locks and lose what it has acknowledged.
    pid: u32,
    /// `None` once closed.
    writer: Mutex<Option<Writer>>,
    readers: Readers,
    file: Mutex<Option<OpenFile>>,
}

struct Writer {
    connection: Connection,
    lock: WriteLock,
}

/// What one try gives; SQLite's errors are kept as they are until it is known whether another try may help.
type Attempt<T> = std::result::Result<T, Trouble>;

enum Trouble {
    Sqlite(rusqlite::Error),
    Other(Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Trouble {
        Trouble::Sqlite(error)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Other(error)
    }
}

impl Trouble {
    fn named(self, doing: &str) -> Error {
        match self {
            Trouble::Sqlite(error) => mapped(doing, &error),
            Trouble::Other(error) => error,
        }
    }
}

impl Sqlite {
    /// Opens the file, making it if need be. Blocks, at most until the deadline where others hold it.
    pub(super) fn open(path: &Path, durability: Durability, deadline: Duration) -> Result<Sqlite> {
        let until = Instant::now() + deadline;
        let mut opening = Opening::new(path, until)?;
        let lock = WriteLock::open(&opening.lock_path())?;
        let connection = {
            let _held = lock.hold("open the store", until)?;
            let empty = opening.prepare()?;
            connection::writer(opening.path(), empty, durability, until)?
        };
        let path: PathBuf = opening.path().to_owned();
        Ok(Sqlite {
            durability,
            deadline,
            pid: process::id(),
            writer: Mutex::new(Some(Writer { connection, lock })),
            readers: Readers::new(path, opening.inode()?),
            file: Mutex::new(Some(opening.done()?)),
        })
    }

    pub(super) async fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        self.reading("read a session", |connection| reader::record(connection, space, id, cells, user)).await
    }

    pub(super) async fn apply(&self, changes: &[Change]) -> Result<Outcome> {
        let durability = match changes.iter().any(|change| change.effects.durable) {
            true => Durability::Commit,
            false => self.durability,
        };
        self.writing("change a session", durability, |connection| writer::apply(connection, changes)).await
    }

    pub(super) async fn page(
        &self,
        space: &Space,
        user: Option<&BlindUser>,
        after: Option<(BlindUser, StorageId)>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        self.reading("list sessions", |connection| listing::page(connection, space, user, after, limit)).await
    }

    pub(super) async fn user(&self, space: &Space, user: &BlindUser) -> Result<UserSessions> {
        self.reading("read a user's sessions", |connection| listing::user(connection, space, user)).await
    }

    pub(super) async fn page_users(
        &self,
        space: &Space,
        after: Option<BlindUser>,
        limit: usize,
    ) -> Result<Vec<(BlindUser, UserRecord)>> {
        self.reading("list users", |connection| listing::page_users(connection, space, after, limit)).await
    }

    pub(super) async fn sweep(&self, now: Time, budget: usize) -> Result<u64> {
        let doing = "sweep expired sessions";
        if !self.reading(doing, |connection| reader::anything_expired(connection, now)).await? {
            return Ok(0);
        }
        self.writing(doing, self.durability, |connection| writer::sweep(connection, now, budget)).await
    }

    pub(super) async fn read_meta(&self, key: &MetaKey) -> Result<Option<Box<[u8]>>> {
        self.reading("read a meta record", |connection| reader::meta(connection, key)).await
    }

    pub(super) async fn apply_meta(
        &self,
        key: &MetaKey,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<Result<(), Option<Box<[u8]>>>> {
        let doing = "change a meta record";
        self.writing(doing, self.durability, |connection| writer::apply_meta(connection, key, expected, new)).await
    }

    /// Brings the log into the file, where deleting overwrites, and cuts it to nothing. A reader under way is no error.
    pub(super) async fn erase_deleted(&self) -> Result<()> {
        let doing = "empty the log";
        self.own()?;
        may_block().await;
        let deadline = Instant::now() + self.deadline;
        let writer = self.writer.try_lock_until(deadline).ok_or_else(|| busy(doing))?;
        let Writer { connection, lock } = writer.as_ref().ok_or_else(closed)?;
        let _held = lock.hold(doing, deadline)?;
        match connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            Err(error) if !is_busy(&error) => Err(mapped(doing, &error)),
            _ => Ok(()),
        }
    }

    pub(super) async fn close(&self) -> Result<()> {
        self.own()?;
        may_block().await;
        self.close_now();
        Ok(())
    }

    async fn reading<T>(&self, doing: &str, work: impl Fn(&Connection) -> Attempt<T>) -> Result<T> {
        self.own()?;
        let deadline = Instant::now() + self.deadline;
        let mut pause = Pause::until(deadline);
        loop {
            if let Some(done) = self.try_read(doing, blocking().then_some(deadline), &work)? {
                return Ok(done);
            }
            if blocking() {
                pause.sleep(doing)?;
            } else {
                may_block().await;
            }
        }
    }

    /// `durability`: of this write, at least the store's.
    async fn writing<T>(
        &self,
        doing: &str,
        durability: Durability,
        work: impl Fn(&Connection) -> Attempt<T>,
    ) -> Result<T> {
        self.own()?;
        if durability == Durability::Commit {
            // The commit waits for the disk, whoever holds the locks.
            may_block().await;
        }
        let deadline = Instant::now() + self.deadline;
        if let Some(done) = self.try_write(doing, durability, blocking().then_some(deadline), &work)? {
            return Ok(done);
        }
        may_block().await;
        self.try_write(doing, durability, Some(deadline), &work)?.ok_or_else(|| busy(doing))
    }

    /// `None`: no reader was free, or SQLite was busy.
    fn try_read<T>(
        &self,
        doing: &str,
        wait: Option<Instant>,
        work: &impl Fn(&Connection) -> Attempt<T>,
    ) -> Result<Option<T>> {
        match self.readers.lend(wait, work)? {
            Some(Ok(done)) => Ok(Some(done)),
            None => Ok(None),
            Some(Err(Trouble::Sqlite(error))) if is_busy(&error) => Ok(None),
            Some(Err(trouble)) => Err(trouble.named(doing)),
        }
    }

    /// One transaction, under all three locks. `None` when one of them is held and there is no `wait`.
    fn try_write<T>(
        &self,
        doing: &str,
        durability: Durability,
        wait: Option<Instant>,
        work: &impl Fn(&Connection) -> Attempt<T>,
    ) -> Result<Option<T>> {
        let writer = match wait {
            None => self.writer.try_lock(),
            Some(deadline) => Some(self.writer.try_lock_until(deadline).ok_or_else(|| busy(doing))?),
        };
        let Some(writer) = writer else { return Ok(None) };
        let Writer { connection, lock } = writer.as_ref().ok_or_else(closed)?;
        let held = match wait {
            None => lock.try_hold()?,
            Some(deadline) => Some(lock.hold(doing, deadline)?),
        };
        let Some(_held) = held else { return Ok(None) };
        self.readers.check_in_place()?;
        let _sync = Sync::raised(connection, self.durability, durability).map_err(|error| mapped(doing, &error))?;
        let Some(transaction) = Transaction::begin(connection, doing, wait)? else { return Ok(None) };
        let done = work(connection).map_err(|trouble| trouble.named(doing))?;
        transaction.commit().map_err(|error| mapped(doing, &error))?;
        Ok(Some(done))
    }

    /// `FORKED` in a child of the process that opened the store. Looks at nothing else: in a child any lock may be
    /// held by a thread that is not there.
    fn own(&self) -> Result<()> {
        if self.pid == process::id() { Ok(()) } else { Err(forked()) }
    }

    /// Readers first, so that the writer is the last connection: SQLite then brings the log into the file, if no other
    /// process has it open, and removes it.
    fn close_now(&self) {
        let mut writer = self.writer.lock();
        self.readers.close();
        *writer = None;
        // Last of all: what is not entered as open must have no descriptor left.
        if let Some(file) = self.file.lock().take() {
            file.release();
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        if self.own().is_ok() {
            self.close_now();
        } else {
            std::mem::forget(self.writer.get_mut().take());
            self.readers.forget();
        }
    }
}

/// How the writer waits for the disk: raised for one write, outside its transaction, for SQLite changes it in none.
struct Sync<'a> {
    connection: &'a Connection,
    /// What it is set back to; `None` when it was not raised.
    back: Option<Durability>,
}

impl<'a> Sync<'a> {
    fn raised(connection: &'a Connection, from: Durability, to: Durability) -> rusqlite::Result<Sync<'a>> {
        let sync = Sync { connection, back: (from != to).then_some(from) };
        if sync.back.is_some() {
            connection::set_sync(connection, to)?;
        }
        Ok(sync)
    }
}

impl Drop for Sync<'_> {
    fn drop(&mut self) {
        if let Some(durability) = self.back {
            // Should it fail, the next writes wait for the disk without need: they are slower, not less safe.
            let _ = connection::set_sync(self.connection, durability);
        }
    }
}

/// A write transaction; rolled back unless committed.
struct Transaction<'a>(&'a Connection);

impl<'a> Transaction<'a> {
    /// `None` when SQLite's lock is held, by a program that knows nothing of `PATH-lock`, and there is no `wait`.
    fn begin(connection: &'a Connection, doing: &str, wait: Option<Instant>) -> Result<Option<Transaction<'a>>> {
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
    fn commit(self) -> rusqlite::Result<()> {
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

/// The key of a session's row.
fn session_key(space: &Space, id: &StorageId) -> [u8; 33] {
    let mut key = [0; 33];
    key[..16].copy_from_slice(space);
    key[16..].copy_from_slice(id);
    key
}

/// The key of a user's record.
fn user_key(space: &Space, user: &BlindUser) -> [u8; 32] {
    let mut key = [0; 32];
    key[..16].copy_from_slice(space);
    key[16..].copy_from_slice(user);
    key
}

fn damaged() -> Trouble {
    Trouble::Other(fail!(Corrupt, "the stored record of a session is damaged; the others are not concerned"))
}

fn closed() -> Error {
    fail!(Closed, "the store is closed")
}
