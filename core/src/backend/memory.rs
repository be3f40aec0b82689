//! `memory:`: everything in this process, gone with it. For tests, and for one process that needs no more.
//!
//! Shards are picked by space and bucket, so a session, its user's record and its index entry lie under one lock, and
//! an atomic step never takes two.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::change::{Next, Standing, TooLarge, asked};
use super::{
    BlindUser, CellId, Cells, Change, MetaKey, Outcome, Record, SealedField, Space, StorageId, Touch, UserRecord,
};
use crate::clock::Time;
use crate::error::{Result, fail};

/// Enough that sixteen busy threads seldom meet.
const SHARDS: usize = 64;

pub(crate) struct Memory {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    meta: Mutex<HashMap<MetaKey, Box<[u8]>>>,
    closed: AtomicBool,
}

#[derive(Default)]
struct Shard {
    rows: HashMap<(Space, StorageId), Row>,
    users: HashMap<(Space, BlindUser), UserRecord>,
    index: BTreeSet<(Space, BlindUser, StorageId)>,
    /// The index the other way round, for the sweep.
    owners: BTreeSet<(Space, StorageId, BlindUser)>,
    /// The rows that have an expiry hint, soonest first.
    expiries: BTreeSet<(Time, Space, StorageId)>,
}

#[derive(Default)]
struct Row {
    head: Option<Box<[u8]>>,
    touch: Option<Touch>,
    version: u64,
    updated: Option<Time>,
    size: u64,
    expires: Option<Time>,
    /// In the order of their ids.
    cells: Vec<(CellId, SealedField)>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
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
        Ok(self.lock(space, id[0])?.record(space, id, cells, user))
    }

    pub(super) fn apply(&self, change: &Change) -> Result<Outcome> {
        Ok(self.lock(&change.space, change.id[0])?.apply(change))
    }

    pub(super) fn page(
        &self,
        space: &Space,
        user: Option<&BlindUser>,
        after: Option<(BlindUser, StorageId)>,
        limit: usize,
    ) -> Result<Vec<(BlindUser, StorageId)>> {
        let first = after.unwrap_or_default().0.max(user.copied().unwrap_or_default());
        let last = user.map_or(u8::MAX, |user| user[0]);
        let mut found = Vec::new();
        for bucket in first[0]..=last {
            let shard = self.lock(space, bucket)?;
            let mut from = (*space, [0; 16], [0; 17]);
            from.1[0] = bucket;
            if bucket == first[0] {
                from.1 = first;
            }
            if let Some((user, id)) = after.filter(|(user, _)| *user == from.1) {
                from = (*space, user, id);
            }
            // A shard holds other buckets too: theirs come in their own turn.
            let bucket_entries =
                shard.index.range(from..).take_while(|(of, owner, _)| of == space && owner[0] == bucket);
            let wanted = bucket_entries
                .map(|&(_, owner, id)| (owner, id))
                .filter(|entry| user.is_none_or(|user| *user == entry.0) && Some(*entry) != after);
            found.extend(wanted.take(limit - found.len()));
        }
        Ok(found)
    }

    pub(super) fn sweep(&self, now: Time, budget: usize) -> Result<u64> {
        self.open()?;
        let mut dropped = 0;
        for shard in &self.shards {
            let mut shard = shard.lock();
            while dropped < budget
                && let Some(&(expires, space, id)) = shard.expiries.first()
                && expires <= now
            {
                shard.drop_row(space, id, expires);
                dropped += 1;
            }
        }
        Ok(dropped as u64)
    }

    pub(super) fn read_meta(&self, key: &MetaKey) -> Result<Option<Box<[u8]>>> {
        let meta = self.meta.lock();
        self.open()?;
        Ok(meta.get(key).cloned())
    }

    pub(super) fn apply_meta(
        &self,
        key: &MetaKey,
        expected: Option<&[u8]>,
        new: &[u8],
    ) -> Result<Result<(), Option<Box<[u8]>>>> {
        let mut meta = self.meta.lock();
        self.open()?;
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

    fn open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(fail!(Closed, "the store is closed")) } else { Ok(()) }
    }

    /// The shard of a bucket. `CLOSED` is decided once it is held: closing empties it, and closed must not look like empty.
    fn lock(&self, space: &Space, bucket: u8) -> Result<MutexGuard<'_, Shard>> {
        let hash = self.hasher.hash_one((space, bucket));
        let shard = self.shards[hash as usize % SHARDS].lock();
        self.open()?;
        Ok(shard)
    }
}

impl Shard {
    fn record(&self, space: &Space, id: &StorageId, cells: &Cells, user: Option<&BlindUser>) -> Record {
        let user = user.and_then(|user| self.users.get(&(*space, *user)).cloned());
        let Some(row) = self.rows.get(&(*space, *id)) else {
            return Record { user, ..Record::default() };
        };
        Record {
            head: row.head.clone(),
            touch: row.touch,
            version: row.version,
            updated: row.updated,
            size: row.size,
            count: row.cells.len() as u64,
            cells: row.cells.iter().filter(|(cell, _)| asked(cells, cell)).cloned().collect(),
            user,
        }
    }

    fn apply(&mut self, change: &Change) -> Outcome {
        let Change { space, id, guard, effects, answer } = change;
        let blank = Row::default();
        let row = self.rows.get(&(*space, *id)).unwrap_or(&blank);
        let standing =
            Standing { head: row.head.as_deref(), touch: row.touch, version: row.version, cells: &row.cells };
        let user = guard.generation.as_ref().map(|(user, _)| user);
        let generation = user.and_then(|user| self.users.get(&(*space, *user))).map_or(0, |user| user.generation);
        if !standing.holds(guard, generation, effects.now) {
            return Outcome::Refused(self.record(space, id, answer, user));
        }
        let plan = match standing.plan(effects) {
            Ok(plan) => plan,
            Err(TooLarge { size, count }) => return Outcome::TooLarge { size, count },
        };

        if plan.writes_row(&standing, effects) {
            let row = self.rows.entry((*space, *id)).or_default();
            if let Some(hint) = effects.hint() {
                if let Some(old) = row.expires {
                    self.expiries.remove(&(old, *space, *id));
                }
                if let Some(new) = hint {
                    self.expiries.insert((new, *space, *id));
                }
                row.expires = hint;
            }
            let mut before: Vec<_> = std::mem::take(&mut row.cells).into_iter().map(Some).collect();
            let after = plan.cells.iter().filter_map(|next| match *next {
                Next::Kept(at) => before[at].take(),
                Next::Put(at) => Some(effects.put[at].clone()),
            });
            row.cells = after.collect();
            row.size = plan.size;
            if effects.raise_version {
                row.updated = Some(effects.now);
            }
            row.version = plan.version;
            row.touch = plan.touch;
            if let Some(head) = &effects.head {
                row.head = Some(head.clone());
            }
        }
        if let Some((user, sealed)) = &effects.user {
            let generation = self.users.get(&(*space, *user)).map_or(0, |user| user.generation) + 1;
            self.users.insert((*space, *user), UserRecord { sealed: sealed.clone(), generation });
        }
        match effects.index {
            Some((user, true)) => {
                self.index.insert((*space, user, *id));
                self.owners.insert((*space, *id, user));
            }
            Some((user, false)) => {
                self.index.remove(&(*space, user, *id));
                self.owners.remove(&(*space, *id, user));
            }
            None => {}
        }
        Outcome::Applied { version: plan.version, deleted: plan.deleted }
    }

    fn drop_row(&mut self, space: Space, id: StorageId, expires: Time) {
        self.expiries.remove(&(expires, space, id));
        self.rows.remove(&(space, id));
        while let Some(&(owner_space, owner_id, user)) = self.owners.range((space, id, [0; 16])..).next()
            && (owner_space, owner_id) == (space, id)
        {
            self.owners.remove(&(space, id, user));
            self.index.remove(&(space, user, id));
        }
    }
}
