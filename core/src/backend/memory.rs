//! `memory:`: everything in this process, gone with it. For tests, and for one process that needs no more.
//!
//! Shards are picked by bucket, so a session, its user's record and its index entry lie under one lock, and an atomic
//! step never takes two. What lies of one space in a shard is a [`Partition`].

mod cells;
mod partition;
mod replace;

use std::collections::HashMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::{Mutex, MutexGuard};

use self::partition::Partition;
use super::{
    BlindMap, BlindUser, Cells, Change, Listed, MetaKey, Outcome, Record, Space, StorageId, UserRecord, UserSessions,
};
use crate::clock::Time;
use crate::error::{Result, fail};

/// Enough that sixteen busy threads seldom meet.
const SHARDS: usize = 64;

pub(crate) struct Memory {
    shards: Box<[Mutex<Shard>]>,
    /// No row's expiry hint is before it, in milliseconds: every change is followed by a sweep, which mostly has nothing to do.
    soonest: AtomicI64,
    meta: Mutex<HashMap<MetaKey, Box<[u8]>>>,
    closed: AtomicBool,
}

/// The space is said once, not in each key.
type Shard = BlindMap<Space, Partition>;

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            soonest: AtomicI64::new(i64::MAX),
            meta: Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn read(
        &self,
        space: &Space,
        id: &StorageId,
        cells: &Cells,
        user: Option<&BlindUser>,
    ) -> Result<Record> {
        let shard = self.lock(id[0])?;
        Ok(shard.get(space).map(|partition| partition.record(id, cells, user)).unwrap_or_default())
    }

    /// Applies changes that all lie in this space and bucket.
    pub(super) fn apply(&self, space: &Space, bucket: u8, changes: &[Change]) -> Result<Outcome> {
        let mut shard = self.lock(bucket)?;
        let partition = shard.entry(*space).or_default();
        let outcome = partition.apply(changes);
        self.await_sweep(partition);
        if partition.is_empty() {
            shard.remove(space);
        }
        Ok(outcome)
    }

    pub(super) fn page(
        &self,
        space: &Space,
        user: Option<&BlindUser>,
        after: Option<(BlindUser, StorageId)>,
        limit: usize,
    ) -> Result<Vec<Listed>> {
        let first = after.unwrap_or_default().0.max(user.copied().unwrap_or_default());
        let last = user.map_or(u8::MAX, |user| user[0]);
        let mut found = Vec::new();
        for bucket in first[0]..=last {
            let shard = self.lock(bucket)?;
            let Some(partition) = shard.get(space) else { continue };
            let mut from = ([0; 16], [0; 17]);
            from.0[0] = bucket;
            if bucket == first[0] {
                from.0 = first;
            }
            if let Some(after) = after.filter(|(user, _)| *user == from.0) {
                from = after;
            }
            // A shard holds other buckets too: theirs come in their own turn.
            let bucket_entries = partition.index.range(from..).take_while(|(owner, _)| owner[0] == bucket);
            let wanted = bucket_entries
                .copied()
                .filter(|entry| user.is_none_or(|user| *user == entry.0) && Some(*entry) != after);
            found.extend(wanted.take(limit - found.len()).map(|(owner, id)| partition.listed(owner, id)));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn ids(&self, space: &Space, after: Option<&StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        let mut found = Vec::new();
        for bucket in after.map_or(0, |after| after[0])..=u8::MAX {
            let shard = self.lock(bucket)?;
            let Some(partition) = shard.get(space) else { continue };
            let ids = partition.rows.keys().filter(|id| id[0] == bucket && after.is_none_or(|after| *id > after));
            let mut ids: Vec<_> = ids.copied().collect();
            ids.sort_unstable();
            found.extend(ids.into_iter().take(limit - found.len()));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn user(&self, space: &Space, user: &BlindUser) -> Result<UserSessions> {
        let shard = self.lock(user[0])?;
        Ok(UserSessions {
            record: shard.get(space).and_then(|partition| partition.users.get(user).cloned()),
            sessions: shard.get(space).into_iter().flat_map(|partition| partition.sessions(*user)).collect(),
        })
    }

    pub(super) fn page_users(
        &self,
        space: &Space,
        after: Option<BlindUser>,
        limit: usize,
    ) -> Result<Vec<(BlindUser, UserRecord)>> {
        let first = after.map_or(0, |user| user[0]);
        let mut found = Vec::new();
        for bucket in first..=u8::MAX {
            let shard = self.lock(bucket)?;
            let Some(partition) = shard.get(space) else { continue };
            let mut start = [0; 16];
            start[0] = bucket;
            let from = match after {
                Some(user) if user[0] == bucket => Bound::Excluded(user),
                _ => Bound::Included(start),
            };
            let records = partition.users.range((from, Bound::Unbounded));
            let wanted = records.take_while(|(user, _)| user[0] == bucket);
            found.extend(wanted.take(limit - found.len()).map(|(user, record)| (*user, record.clone())));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn sweep(&self, now: Time, budget: usize) -> Result<u64> {
        self.check_open()?;
        if self.soonest.load(Ordering::Acquire) > now.millis() {
            return Ok(0);
        }
        // Who brings a sooner one meanwhile, in a shard that was passed, lowers it again. Another sweep may find nothing to do
        // until this one has passed all: it leaves to this one what this one leaves over.
        self.soonest.store(i64::MAX, Ordering::Release);
        let mut dropped = 0;
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.retain(|_, partition| {
                dropped += partition.sweep(now, budget - dropped);
                self.await_sweep(partition);
                !partition.is_empty()
            });
        }
        Ok(dropped as u64)
    }

    /// With that partition's shard held.
    fn await_sweep(&self, partition: &Partition) {
        if let Some(soonest) = partition.soonest().map(Time::millis)
            && soonest < self.soonest.load(Ordering::Acquire)
        {
            self.soonest.fetch_min(soonest, Ordering::AcqRel);
        }
    }

    pub(super) fn read_meta(&self, key: &MetaKey) -> Result<Option<Box<[u8]>>> {
        let meta = self.meta.lock();
        self.check_open()?;
        Ok(meta.get(key).cloned())
    }

    pub(super) fn apply_meta(
        &self,
        key: &MetaKey,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<Result<(), Option<Box<[u8]>>>> {
        let mut meta = self.meta.lock();
        self.check_open()?;
        let standing = meta.get(key);
        if standing.map(|value| &value[..]) != expected {
            return Ok(Err(standing.cloned()));
        }
        meta.insert(*key, new.into());
        Ok(Ok(()))
    }

    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for shard in &self.shards {
            *shard.lock() = Shard::default();
        }
        self.meta.lock().clear();
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(fail!(Closed, "the store is closed")) } else { Ok(()) }
    }

    /// The shard of a bucket. `CLOSED` is decided once it is held: closing empties it, and closed must not look like empty.
    fn lock(&self, bucket: u8) -> Result<MutexGuard<'_, Shard>> {
        let shard = self.shards[usize::from(bucket) % SHARDS].lock();
        self.check_open()?;
        Ok(shard)
    }
}
