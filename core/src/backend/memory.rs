//! `memory:`: everything in this process, gone with it. For tests, and for one process that needs no more.
//!
//! Shards are picked by space and bucket, so a session, its user's record and its index entry lie under one lock, and
//! an atomic step never takes two.

mod replace;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicBool, Ordering};

use foldhash::fast::RandomState;
use parking_lot::{Mutex, MutexGuard};

use super::change::{Next, Plan, Standing, TooLarge, asked};
use super::{
    BlindMap, BlindUser, CellId, Cells, Change, Listed, MetaKey, Outcome, Record, SealedField, Space, StorageId, Touch,
    UserEffect, UserRecord, UserSessions,
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
    rows: BlindMap<(Space, StorageId), Row>,
    users: BTreeMap<(Space, BlindUser), UserRecord>,
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

/// A change whose guards hold and whose result is within the limits.
struct Decided {
    plan: Plan,
    writes_row: bool,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::default(),
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

    /// Applies changes that all lie in this space and bucket.
    pub(super) fn apply(&self, space: &Space, bucket: u8, changes: &[Change]) -> Result<Outcome> {
        Ok(self.lock(space, bucket)?.apply(changes))
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
            found.extend(wanted.take(limit - found.len()).map(|(owner, id)| shard.listed(space, owner, id)));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn ids(&self, space: &Space, after: Option<&StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        let mut found = Vec::new();
        for bucket in after.map_or(0, |after| after[0])..=u8::MAX {
            let shard = self.lock(space, bucket)?;
            let ids = shard.rows.keys().filter(|(of, id)| of == space && id[0] == bucket).map(|(_, id)| *id);
            let mut ids: Vec<_> = ids.filter(|id| after.is_none_or(|after| id > after)).collect();
            ids.sort_unstable();
            found.extend(ids.into_iter().take(limit - found.len()));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn user(&self, space: &Space, user: &BlindUser) -> Result<UserSessions> {
        let shard = self.lock(space, user[0])?;
        let entries =
            shard.index.range((*space, *user, [0; 17])..).take_while(|(of, owner, _)| (of, owner) == (space, user));
        Ok(UserSessions {
            record: shard.users.get(&(*space, *user)).cloned(),
            sessions: entries.map(|&(_, owner, id)| shard.listed(space, owner, id)).collect(),
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
            let shard = self.lock(space, bucket)?;
            let mut start = [0; 16];
            start[0] = bucket;
            let from = match after {
                Some(user) if user[0] == bucket => Bound::Excluded((*space, user)),
                _ => Bound::Included((*space, start)),
            };
            let records = shard.users.range((from, Bound::Unbounded));
            let wanted = records.take_while(|((of, user), _)| of == space && user[0] == bucket);
            found.extend(wanted.take(limit - found.len()).map(|((_, user), record)| (*user, record.clone())));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    pub(super) fn sweep(&self, now: Time, budget: usize) -> Result<u64> {
        self.check_open()?;
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
    fn lock(&self, space: &Space, bucket: u8) -> Result<MutexGuard<'_, Shard>> {
        let hash = self.hasher.hash_one((space, bucket));
        let shard = self.shards[hash as usize % SHARDS].lock();
        self.check_open()?;
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
            ..Record::default()
        }
    }

    fn listed(&self, space: &Space, user: BlindUser, id: StorageId) -> Listed {
        let row = self.rows.get(&(*space, id));
        Listed { user, id, head: row.and_then(|row| row.head.clone()), touch: row.and_then(|row| row.touch) }
    }

    fn apply(&mut self, changes: &[Change]) -> Outcome {
        // All is decided before anything is written.
        let mut decisions = Vec::with_capacity(changes.len());
        for change in changes {
            match self.decide(change) {
                ControlFlow::Continue(decided) => decisions.push(decided),
                ControlFlow::Break(outcome) => return outcome,
            }
        }
        let (mut version, mut deleted) = (0, 0);
        for (change, decided) in changes.iter().zip(decisions) {
            version = decided.plan.version;
            deleted += decided.plan.deleted;
            self.carry_out(change, decided);
        }
        Outcome::Applied { version, deleted }
    }

    /// What the change comes to, or why it may not be.
    fn decide(&self, change: &Change) -> ControlFlow<Outcome, Decided> {
        let Change { space, id, guard, effects, answer } = change;
        let blank = Row::default();
        let row = self.rows.get(&(*space, *id)).unwrap_or(&blank);
        let standing =
            Standing { head: row.head.as_deref(), touch: row.touch, version: row.version, cells: &row.cells };
        let user = guard.generation.as_ref().map(|(user, _)| user);
        let generation = user.and_then(|user| self.users.get(&(*space, *user))).map_or(0, |user| user.generation);
        if !standing.holds(guard, generation, effects.now) {
            return ControlFlow::Break(Outcome::Refused(self.record(space, id, answer, user)));
        }
        match standing.plan(effects) {
            Ok(plan) => ControlFlow::Continue(Decided { writes_row: plan.writes_row(&standing, effects), plan }),
            Err(TooLarge { size, count }) => ControlFlow::Break(Outcome::TooLarge { size, count }),
        }
    }

    fn carry_out(&mut self, change: &Change, Decided { plan, writes_row }: Decided) {
        let Change { space, id, effects, .. } = change;
        if writes_row {
            let row = self.rows.entry((*space, *id)).or_default();
            if let Some(hint) = plan.hint(effects) {
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
        match &effects.user {
            Some((user, UserEffect::Write(sealed))) => {
                let before = self.users.get(&(*space, *user));
                let generation = before.map_or(effects.first_generation(), |user| user.generation + 1);
                self.users.insert((*space, *user), UserRecord { sealed: sealed.clone(), generation });
            }
            Some((user, UserEffect::Remove)) => {
                self.users.remove(&(*space, *user));
            }
            None => {}
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
