//! `sqlite:PATH`: the embedded backend, for one process or several on one machine.
//!
//! One connection writes, up to eight read. A write takes three locks in this order: the writer's mutex (threads of
//! this process), `PATH-lock` (processes of ours), SQLite's own (anybody else's); each is tried first without waiting,
//! so that a caller who must not block is served inline whenever all are free.

mod backup;
mod company;
mod connection;
mod error;
mod file;
mod filesystem;
mod group;
mod listing;
mod lock;
mod log;
mod open;
mod reader;
mod readers;
mod replace;
mod row;
mod schema;
#[cfg(test)]
mod tests;
mod transaction;
mod writer;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;

use self::error::{busy, is_busy, mapped};
use self::file::OpenFile;
use self::group::{Group, Leading};
use self::lock::{Pause, WriteLock};
use self::log::Log;
use self::readers::Readers;
use self::schema::Schema;
use self::transaction::{Synchronous, Transaction};
use self::writer::Statements;
use super::{
    BlindUser, Cells, Change, Durability, Listed, MetaKey, Outcome, Record, Settings, Space, StorageId, UserRecord,
    UserSessions,
};
use crate::clock::Time;
use crate::error::{Code, Error, Result, fail};
use crate::task::{blocking, may_block};

/// Sessions that one transaction sweeps.
const SWEPT_AT_ONCE: usize = 256;

pub(crate) struct Sqlite {
    settings: Settings,
    schema: &'static Schema,
    /// The process that opened it: a forked child may not use what it inherited, nor even close it, for SQLite would
    /// drop the parent's locks and lose what it has acknowledged.
    pid: AtomicU32,
    /// `None` once closed, while suspended, and where nothing is to be written.
    writer: Mutex<Option<Writer>>,
    /// How many wait for it: a lock that is let go and taken at once, read after read, would be kept from them.
    writers_waiting: AtomicU32,
    /// Everything is closed for a fork; the next call opens it again. Set and reset under the writer's lock.
    suspended: AtomicBool,
    readers: Readers,
    group: Group,
    log: Log,
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
    pub(super) async fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        self.usable().await?;
        let work = |connection: &Connection| reader::record(connection, space, id, cells, user);
        if let Some(record) = self.read_by_writer(work) {
            return Ok(record);
        }
        self.reading("read a session", work).await
    }

    /// What a process has just written lies in its writer's cache, and in no other: each of its commits empties those of
    /// the readers. `None` where the writer has something else to do; a reader says what is wrong, if anything is. The first
    /// read is a reader's, for who opens one looks whether the file is still in place.
    fn read_by_writer<T>(&self, work: impl FnOnce(&Connection) -> Attempt<T>) -> Option<T> {
        if self.writers_waiting.load(Ordering::Relaxed) > 0 || !self.readers.is_any_open() {
            return None;
        }
        let writer = self.writer.try_lock()?;
        let Writer { connection, .. } = writer.as_ref()?;
        // A transaction that could not be rolled back was not promised to anybody.
        if !connection.is_autocommit() {
            return None;
        }
        work(connection).ok()
    }

    pub(super) async fn apply(&self, changes: &[Change]) -> Result<Outcome> {
        let durable =
            self.settings.durability == Durability::Commit || changes.iter().any(|change| change.effects.durable);
        if durable {
            return self.in_a_group(changes).await;
        }
        self.writing(group::DOING, Durability::Interval, |connection| {
            writer::apply(&mut Statements::of(connection)?, changes)
        })
        .await
    }

    /// Applies changes together with those of other callers, to be on the disk before any of them is answered.
    async fn in_a_group(&self, changes: &[Change]) -> Result<Outcome> {
        self.usable().await?;
        let deadline = Instant::now() + self.settings.deadline;
        let place = self.group.join(changes.to_vec(), deadline);
        if let Some(answer) = place.answer().await {
            return answer;
        }
        // The commit waits for the disk, whoever holds the locks.
        may_block().await;
        self.lead(place.lead(), deadline);
        place.answer().await.unwrap_or_else(|| Err(busy(group::DOING)))
    }

    fn lead(&self, leading: Leading<'_>, deadline: Instant) {
        let apply = |connection: &Connection| leading.apply(connection);
        let write = || self.try_write(group::DOING, Durability::Commit, Some(deadline), &apply);
        let mut written = write();
        if written.is_err() && leading.takes_care() {
            written = write();
        }
        leading.answer(written.and_then(|written| written.ok_or_else(|| busy(group::DOING))));
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

    pub(super) async fn ids(&self, space: &Space, after: Option<&StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        self.reading("list records", |connection| listing::ids(connection, space, after, limit)).await
    }

    /// It takes as long as the file is large.
    pub(super) async fn integrity(&self, limit: usize) -> Result<Vec<String>> {
        may_block().await;
        self.reading("check the file", |connection| reader::integrity(connection, limit)).await
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

    pub(super) async fn sweep(&self, now: Time, budget: usize, time: Option<Duration>) -> Result<u64> {
        let doing = "sweep expired sessions";
        let until = time.map(|time| Instant::now() + time);
        let mut swept = 0;
        while swept < budget {
            if !self.reading(doing, |connection| reader::anything_to_sweep(connection, now)).await? {
                break;
            }
            // In pieces, so that nobody waits long for the locks. Lost to a power cut, it is done again.
            let piece = SWEPT_AT_ONCE.min(budget - swept);
            let work = |connection: &Connection| writer::sweep(connection, now, piece, until);
            let dropped = self.writing(doing, Durability::Interval, work).await?;
            swept += usize::try_from(dropped).unwrap_or(piece);
            if time.is_some() || (dropped as usize) < piece {
                break;
            }
        }
        Ok(swept as u64)
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
        self.writing(doing, self.settings.durability, |connection| writer::apply_meta(connection, key, expected, new))
            .await
    }

    /// What was acknowledged before is on the disk.
    pub(super) async fn flush(&self) -> Result<()> {
        self.usable().await?;
        may_block().await;
        self.readers.check_usable()?;
        file::sync_log(self.readers.path())
    }

    async fn reading<T>(&self, doing: &str, work: impl Fn(&Connection) -> Attempt<T>) -> Result<T> {
        self.usable().await?;
        let deadline = Instant::now() + self.settings.deadline;
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

    /// `durability`: of this write.
    async fn writing<T>(
        &self,
        doing: &str,
        durability: Durability,
        work: impl Fn(&Connection) -> Attempt<T>,
    ) -> Result<T> {
        self.usable().await?;
        if durability == Durability::Commit {
            // The commit waits for the disk, whoever holds the locks.
            may_block().await;
        }
        let deadline = Instant::now() + self.settings.deadline;
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
        self.with_writer(doing, wait, |connection| {
            let _waits = Synchronous::for_one(connection, self.settings.durability, durability)?;
            let Some(transaction) = Transaction::begin(connection, doing, wait)? else { return Ok(None) };
            self.schema.check_version(connection)?;
            let done = work(connection)?;
            transaction.commit()?;
            Ok(Some(done))
        })
    }

    fn lock_writer(&self, deadline: Instant) -> Option<MutexGuard<'_, Option<Writer>>> {
        self.writer.try_lock().or_else(|| {
            self.writers_waiting.fetch_add(1, Ordering::Relaxed);
            let writer = self.writer.try_lock_until(deadline);
            self.writers_waiting.fetch_sub(1, Ordering::Relaxed);
            writer
        })
    }

    /// The writer, under its mutex and the lock file. `None` when one of them is held, or opening it anew may help, and
    /// there is no `wait`.
    fn with_writer<T>(
        &self,
        doing: &str,
        wait: Option<Instant>,
        work: impl Fn(&Connection) -> Attempt<Option<T>>,
    ) -> Result<Option<T>> {
        if self.settings.read_only {
            return Err(fail!(ReadOnly, "could not {doing}: the store was opened with readOnly"));
        }
        let writer = match wait {
            None => self.writer.try_lock(),
            Some(deadline) => Some(self.lock_writer(deadline).ok_or_else(|| busy(doing))?),
        };
        let Some(mut writer) = writer else { return Ok(None) };
        let Writer { connection, lock } = writer.as_mut().ok_or_else(closed)?;
        let held = match wait {
            None => lock.try_hold()?,
            Some(deadline) => Some(lock.hold(doing, deadline)?),
        };
        let Some(_held) = held else { return Ok(None) };
        self.readers.check_in_place()?;
        let work = |connection: &Connection| work(connection).map_err(|trouble| trouble.named(doing));
        match (work(connection), wait) {
            // SQLite opens a file for reading only when it cannot have it for writing, be it for want of a descriptor at
            // that moment, and stays so.
            (Err(error), Some(deadline)) if error.code() == Code::ReadOnly => {
                let path = self.readers.path();
                *connection =
                    connection::writer(path, false, self.schema, self.settings.durability, &self.log, deadline)?;
                work(connection)
            }
            (Err(error), None) if error.code() == Code::ReadOnly => Ok(None),
            (done, _) => done,
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
