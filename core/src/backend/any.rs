//! Whichever backend a store was opened on.
//!
//! A call of a server is boxed: what it keeps while it waits is large, would be a part of every call of every store, and is
//! copied whenever one moves.

use std::collections::HashSet;
use std::path::Path;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::memory::Memory;
use super::postgres::Postgres;
use super::redis::Redis;
use super::sqlite::Sqlite;
use super::{
    Access, BlindUser, Cells, Change, Listed, Location, MetaKey, Outcome, Record, Replacement, Settings, Space,
    StorageId, UserRecord, UserSessions,
};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::task::{self, Pool, Task};

/// A backend. Every call may be made from any thread; calls that may wait pass [`crate::task::may_block`] first.
pub(crate) enum Backend {
    Memory(Memory),
    Postgres(Postgres),
    Redis(Redis),
    /// With the pool of whoever opened it, for what nobody waits for.
    Sqlite(Arc<Sqlite>, Pool),
}

impl Backend {
    /// Opens the backend at `location`; one behind a network connects when it is first called. May block: pass
    /// [`crate::task::may_block`] first.
    pub(crate) fn open(location: Location<'_>, settings: Settings, access: Access, pool: &Pool) -> Result<Backend> {
        Ok(match location {
            Location::Memory if settings.read_only => {
                return Err(fail!(InvalidArgument, "readOnly is for a file: a store in memory begins empty")
                    .with("member", "readOnly"));
            }
            Location::Memory => Backend::Memory(Memory::new()),
            Location::Postgres(address) => Backend::Postgres(Postgres::new(address, settings, access)?),
            Location::Redis(address) => Backend::Redis(Redis::new(address, settings, access)?),
            Location::Sqlite(path) => Backend::Sqlite(Arc::new(Sqlite::open(path, settings)?), pool.clone()),
        })
    }

    /// Whether it lies behind a network: a call is a round trip, dearer than a guard that fails.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self, Backend::Postgres(_) | Backend::Redis(_))
    }

    /// Whether anybody but this process can change what is stored.
    pub(crate) fn is_shared(&self) -> bool {
        !matches!(self, Backend::Memory(_))
    }

    /// Reads one session (and, when named, its user's record) as of one instant.
    pub(crate) async fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        match self {
            Backend::Memory(memory) => memory.read(space, id, cells, user),
            Backend::Postgres(postgres) => Box::pin(postgres.read(space, id, cells, user)).await,
            Backend::Redis(redis) => Box::pin(redis.read(space, id, cells, user)).await,
            Backend::Sqlite(sqlite, _) => sqlite.read(space, id, cells, user).await,
        }
    }

    /// Head and touch of a session; and where that saves a round trip, a user who has it in the index, with all there is of
    /// them. All of one instant.
    pub(crate) async fn find(
        &self,
        space: &Space,
        id: &StorageId,
    ) -> Result<(Record, Option<(BlindUser, UserSessions)>)> {
        match self {
            Backend::Postgres(postgres) => Box::pin(postgres.find(space, id)).await,
            Backend::Redis(redis) => Box::pin(redis.find(space, id)).await,
            Backend::Memory(_) | Backend::Sqlite(..) => Ok((self.read(space, id, &Cells::None, None).await?, None)),
        }
    }

    /// Applies a change if its guards hold.
    pub(crate) async fn apply(&self, change: &Change) -> Result<Outcome> {
        self.apply_all(slice::from_ref(change)).await
    }

    /// Applies changes of different sessions, all in one space and one bucket: all of them, or nothing. Every guard is
    /// checked against what stood before any of them; the outcome is that of the first, in the order given, whose guard
    /// fails or which is too large. Durable if one of them is. No change at all is applied, to version 0.
    pub(crate) async fn apply_all(&self, changes: &[Change]) -> Result<Outcome> {
        let Some(first) = changes.first() else {
            return Ok(Outcome::Applied { version: 0, deleted: 0 });
        };
        debug_assert!(changes.iter().all(|change| change.space == first.space), "one space");
        debug_assert!(changes.iter().flat_map(Change::buckets).all(|bucket| bucket == first.id[0]), "one bucket");
        debug_assert!(
            changes.iter().map(|change| change.id).collect::<HashSet<_>>().len() == changes.len(),
            "one change a session"
        );
        match self {
            Backend::Memory(memory) => memory.apply(&first.space, first.id[0], changes),
            Backend::Postgres(postgres) => Box::pin(postgres.apply(changes)).await,
            Backend::Redis(redis) => Box::pin(redis.apply(changes)).await,
            Backend::Sqlite(sqlite, pool) => {
                let outcome = sqlite.apply(changes).await;
                keep_log_short(sqlite, pool);
                outcome
            }
        }
    }

    /// Replaces each cell whose bytes are still `old`; which were, in their order. Each is on its own: they need not lie in
    /// one bucket, nor be of one instant. On the disk before the call returns.
    pub(crate) async fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        if replacements.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Backend::Memory(memory) => memory.replace(space, replacements),
            Backend::Postgres(postgres) => Box::pin(postgres.replace(space, replacements)).await,
            Backend::Redis(redis) => Box::pin(redis.replace(space, replacements)).await,
            Backend::Sqlite(sqlite, pool) => {
                let replaced = sqlite.replace(space, replacements).await;
                keep_log_short(sqlite, pool);
                replaced
            }
        }
    }

    /// The sessions of a space by user: entries after `after`, at most `limit`, ordered; within one user when named.
    /// Those of one bucket are of one instant, each with its head and touch; a page over several need not be.
    pub(crate) async fn page(
        &self,
        space: &Space,
        user: Option<&BlindUser>,
        after: Option<(BlindUser, StorageId)>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        match self {
            Backend::Memory(memory) => memory.page(space, user, after, limit),
            Backend::Postgres(postgres) => Box::pin(postgres.page(space, user, after, limit)).await,
            Backend::Redis(redis) => Box::pin(redis.page(space, user, after, limit)).await,
            Backend::Sqlite(sqlite, _) => sqlite.page(space, user, after, limit).await,
        }
    }

    /// The ids of everything that is stored in a space, indexed or not, after `after`, at most `limit`, ordered.
    pub(crate) async fn ids(&self, space: &Space, after: Option<&StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        match self {
            Backend::Memory(memory) => memory.ids(space, after, limit),
            Backend::Postgres(postgres) => Box::pin(postgres.ids(space, after, limit)).await,
            Backend::Redis(redis) => Box::pin(redis.ids(space, after, limit)).await,
            Backend::Sqlite(sqlite, _) => sqlite.ids(space, after, limit).await,
        }
    }

    /// What is wrong with what lies beneath the records, in its own words, at most `limit` of it. It names no record.
    pub(crate) async fn integrity(&self, limit: usize) -> Result<Vec<String>> {
        match self {
            Backend::Memory(memory) => memory.check_open().map(|()| Vec::new()),
            // What lies beneath is the server's business.
            Backend::Postgres(postgres) => postgres.remote().check_open().map(|()| Vec::new()),
            Backend::Redis(redis) => redis.remote().check_open().map(|()| Vec::new()),
            Backend::Sqlite(sqlite, _) => sqlite.integrity(limit).await,
        }
    }

    /// Copies all that is stored, as of one instant, to a file that is not there yet.
    pub(crate) async fn backup(&self, path: &Path) -> Result<()> {
        match self {
            Backend::Memory(_) => Err(fail!(Unsupported, "a store in memory has no backup: it ends with its process")),
            Backend::Postgres(_) => {
                Err(fail!(Unsupported, "a store on PostgreSQL is backed up by the server's own means: see pg_dump"))
            }
            Backend::Redis(_) => Err(fail!(Unsupported, "a store on Redis is backed up by the server: see BGSAVE")),
            Backend::Sqlite(sqlite, _) => sqlite.backup(path).await,
        }
    }

    /// A user's record and all sessions of theirs that are indexed, as of one instant.
    pub(crate) async fn user(&self, space: &Space, user: &BlindUser) -> Result<UserSessions> {
        match self {
            Backend::Memory(memory) => memory.user(space, user),
            Backend::Postgres(postgres) => Box::pin(postgres.user(space, user)).await,
            Backend::Redis(redis) => Box::pin(redis.user(space, user)).await,
            Backend::Sqlite(sqlite, _) => sqlite.user(space, user).await,
        }
    }

    /// The users' records of a space after `after`, at most `limit`, in the order of their blind ids. Of one instant as
    /// far as those of a [`page`](Backend::page) are.
    pub(crate) async fn page_users(
        &self,
        space: &Space,
        after: Option<BlindUser>,
        limit: usize,
    ) -> Result<Vec<(BlindUser, UserRecord)>> {
        match self {
            Backend::Memory(memory) => memory.page_users(space, after, limit),
            Backend::Postgres(postgres) => Box::pin(postgres.page_users(space, after, limit)).await,
            Backend::Redis(redis) => Box::pin(redis.page_users(space, after, limit)).await,
            Backend::Sqlite(sqlite, _) => sqlite.page_users(space, after, limit).await,
        }
    }

    /// Drops up to `budget` sessions whose expiry hint is at or before `now`, and gives their space back; how many.
    /// With `time`, it is over soon after that.
    pub(crate) async fn sweep(&self, now: Time, budget: usize, time: Option<Duration>) -> Result<u64> {
        match self {
            Backend::Memory(memory) => memory.sweep(now, budget),
            Backend::Postgres(postgres) => Box::pin(postgres.sweep(now, budget)).await,
            Backend::Redis(redis) => Box::pin(redis.sweep(now, budget)).await,
            Backend::Sqlite(sqlite, pool) => {
                let swept = sqlite.sweep(now, budget, time).await;
                keep_log_short(sqlite, pool);
                swept
            }
        }
    }

    /// What was acknowledged before is on the disk.
    pub(crate) async fn flush(&self) -> Result<()> {
        match self {
            Backend::Memory(memory) => memory.check_open(),
            // When a server writes to its disk is its own affair.
            Backend::Postgres(postgres) => postgres.remote().check_open(),
            Backend::Redis(redis) => redis.remote().check_open(),
            Backend::Sqlite(sqlite, _) => sqlite.flush().await,
        }
    }

    /// A meta record.
    pub(crate) async fn read_meta(&self, key: &MetaKey) -> Result<Option<Box<[u8]>>> {
        match self {
            Backend::Memory(memory) => memory.read_meta(key),
            Backend::Postgres(postgres) => Box::pin(postgres.read_meta(key)).await,
            Backend::Redis(redis) => Box::pin(redis.read_meta(key)).await,
            Backend::Sqlite(sqlite, _) => sqlite.read_meta(key).await,
        }
    }

    /// Writes a meta record if what stands there is `expected`; else what stands there.
    pub(crate) async fn apply_meta(
        &self,
        key: &MetaKey,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<Result<(), Option<Box<[u8]>>>> {
        match self {
            Backend::Memory(memory) => memory.apply_meta(key, expected, new),
            Backend::Postgres(postgres) => Box::pin(postgres.apply_meta(key, expected, new)).await,
            Backend::Redis(redis) => Box::pin(redis.apply_meta(key, expected, new)).await,
            Backend::Sqlite(sqlite, _) => sqlite.apply_meta(key, expected, new).await,
        }
    }

    /// Makes what was deleted unreadable to whoever looks at the bytes of the backend's files, as far as nobody is reading
    /// them just now.
    pub(crate) async fn erase_deleted(&self) -> Result<()> {
        match self {
            Backend::Memory(_) | Backend::Postgres(_) | Backend::Redis(_) => Ok(()),
            Backend::Sqlite(sqlite, _) => sqlite.erase_deleted().await,
        }
    }

    /// What it is, and what calls of this process came to where it is a server.
    pub(crate) fn stats(&self) -> Value {
        match self {
            Backend::Memory(_) => json!({"kind": "memory"}),
            Backend::Postgres(postgres) => postgres.stats(),
            Backend::Redis(redis) => redis.remote().stats("redis", |_| None),
            Backend::Sqlite(..) => json!({"kind": "sqlite"}),
        }
    }

    /// Closes connections and files; later calls are `CLOSED`, a second close does nothing.
    pub(crate) async fn close(&self) -> Result<()> {
        match self {
            Backend::Memory(memory) => {
                memory.close();
                Ok(())
            }
            Backend::Postgres(postgres) => {
                postgres.remote().close().await;
                Ok(())
            }
            Backend::Redis(redis) => {
                redis.remote().close().await;
                Ok(())
            }
            Backend::Sqlite(sqlite, _) => sqlite.close().await,
        }
    }
}

impl Backend {
    /// Before a fork, when no call is under way: closes connections and files; the next call opens them again.
    pub(crate) fn suspend(&self) {
        match self {
            Backend::Memory(_) => {}
            Backend::Postgres(postgres) => postgres.remote().suspend(),
            Backend::Redis(redis) => redis.remote().suspend(),
            Backend::Sqlite(sqlite, _) => sqlite.suspend(),
        }
    }

    /// In a child, after [`suspend`](Backend::suspend) in its parent: whether the child may use it as its own.
    pub(crate) fn adopt(&self) -> bool {
        match self {
            Backend::Memory(_) => false,
            Backend::Postgres(_) | Backend::Redis(_) => true,
            Backend::Sqlite(sqlite, _) => sqlite.adopt(),
        }
    }
}

/// Has a checkpoint made, if one is due: aside, for it waits for the disk.
fn keep_log_short(sqlite: &Arc<Sqlite>, pool: &Pool) {
    if !sqlite.checkpoint_is_due() {
        return;
    }
    let sqlite = Arc::downgrade(sqlite);
    let work = async move || {
        task::may_block().await;
        // What fails is tried again when the log has grown; a store that was closed has none.
        sqlite.upgrade().map_or(Ok(()), |sqlite| sqlite.checkpoint())
    };
    let _ = Task::new(pool, work).start(|_| ());
}
