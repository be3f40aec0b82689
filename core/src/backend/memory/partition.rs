//! What lies of one space in one shard.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::super::change::{Plan, Standing, TooLarge, asked};
use super::super::{
    BlindMap, BlindUser, Cells, Change, Listed, Outcome, Record, SealedField, SealedHead, StorageId, Touch, UserEffect,
    UserRecord,
};
use super::cells::{Cell, CellList};
use crate::clock::Time;

/// See the module.
#[derive(Default)]
pub(super) struct Partition {
    /// Boxed: a table is up to half empty.
    pub(super) rows: BlindMap<StorageId, Box<Row>>,
    pub(super) users: BTreeMap<BlindUser, UserRecord>,
    pub(super) index: BTreeSet<(BlindUser, StorageId)>,
    /// The entries of the index that no row tells of: those of another user than a row's own, and of sessions that are not
    /// there. The core makes none of either.
    owners: BTreeSet<(StorageId, BlindUser)>,
    /// The rows that have an expiry hint, soonest first.
    expiries: BTreeSet<(Time, StorageId)>,
}

#[derive(Default)]
pub(super) struct Row {
    pub(super) head: Option<SealedHead>,
    touch: Option<Touch>,
    version: u64,
    updated: Option<Time>,
    expires: Option<Time>,
    /// Whose session it is in the index, for the sweep.
    owner: Option<BlindUser>,
    pub(super) cells: CellList,
}

/// A change whose guards hold and whose result is within the limits.
pub(super) struct Decided {
    plan: Plan,
    writes_row: bool,
}

impl Partition {
    pub(super) fn record(&self, id: &StorageId, cells: &Cells, user: Option<&BlindUser>) -> Record {
        let user = user.and_then(|user| self.users.get(user).cloned());
        let Some(row) = self.rows.get(id) else {
            return Record { user, ..Record::default() };
        };
        let all = row.cells.iter();
        let count = all.len();
        let wanted = match cells {
            Cells::None => 0,
            Cells::Some(list) => list.len().min(count),
            Cells::All => count,
        };
        let mut found = Vec::with_capacity(wanted);
        // What lies behind the last one wanted is not looked at.
        let asked_for = all.filter(|cell| asked(cells, cell.id)).take(wanted);
        found.extend(asked_for.map(|cell| (*cell.id, SealedField(cell.sealed.into()))));
        Record {
            cells: found,
            head: row.head.clone(),
            touch: row.touch,
            version: row.version,
            updated: row.updated,
            size: row.cells.size(),
            count: count as u64,
            user,
            ..Record::default()
        }
    }

    pub(super) fn listed(&self, user: BlindUser, id: StorageId) -> Listed {
        let row = self.rows.get(&id);
        Listed { user, id, head: row.and_then(|row| row.head.clone()), touch: row.and_then(|row| row.touch) }
    }

    /// The index entries of a user, in the order of their ids.
    pub(super) fn sessions(&self, user: BlindUser) -> impl Iterator<Item = Listed> {
        let entries = self.index.range((user, [0; 17])..).take_while(move |(owner, _)| *owner == user);
        entries.map(|&(owner, id)| self.listed(owner, id))
    }

    pub(super) fn apply(&mut self, changes: &[Change]) -> Outcome {
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
        let Change { id, guard, effects, answer, .. } = change;
        let row = self.rows.get(id);
        let cells: Vec<Cell> = row.map(|row| row.cells.iter().collect()).unwrap_or_default();
        let standing = Standing {
            head: row.and_then(|row| row.head.as_deref()),
            touch: row.and_then(|row| row.touch),
            version: row.map_or(0, |row| row.version),
            cells: &cells,
        };
        let user = guard.generation.as_ref().map(|(user, _)| user);
        let generation = user.and_then(|user| self.users.get(user)).map_or(0, |user| user.generation);
        if !standing.holds(guard, generation, effects.now) {
            return ControlFlow::Break(Outcome::Refused(self.record(id, answer, user)));
        }
        match standing.plan(effects) {
            Ok(plan) => ControlFlow::Continue(Decided { writes_row: plan.writes_row(&standing, effects), plan }),
            Err(TooLarge { size, count }) => ControlFlow::Break(Outcome::TooLarge { size, count }),
        }
    }

    fn carry_out(&mut self, change: &Change, Decided { plan, writes_row }: Decided) {
        let Change { id, effects, .. } = change;
        if writes_row {
            let row = self.rows.entry(*id).or_default();
            if let Some(hint) = plan.hint(effects) {
                if let Some(old) = row.expires {
                    self.expiries.remove(&(old, *id));
                }
                if let Some(new) = hint {
                    self.expiries.insert((new, *id));
                }
                row.expires = hint;
            }
            row.cells = std::mem::take(&mut row.cells).after(&plan, &effects.put);
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
                let before = self.users.get(user);
                let generation = before.map_or(effects.first_generation(), |user| user.generation + 1);
                self.users.insert(*user, UserRecord { sealed: sealed.clone(), generation });
            }
            Some((user, UserEffect::Remove)) => {
                self.users.remove(user);
            }
            None => {}
        }
        if let Some((user, is_listed)) = effects.index {
            self.list(*id, user, is_listed);
        }
    }

    /// Adds an index entry, or takes it away.
    fn list(&mut self, id: StorageId, user: BlindUser, is_listed: bool) {
        let owner = self.rows.get_mut(&id).map(|row| &mut row.owner);
        let own = owner.filter(|owner| owner.is_none_or(|owner| owner == user));
        if is_listed {
            self.index.insert((user, id));
            match own {
                Some(owner) => *owner = Some(user),
                None => _ = self.owners.insert((id, user)),
            }
        } else {
            self.index.remove(&(user, id));
            self.owners.remove(&(id, user));
            if let Some(owner) = own {
                *owner = None;
            }
        }
    }

    /// Drops rows whose hint is at or before `now`, at most so many, with their index entries; how many.
    pub(super) fn sweep(&mut self, now: Time, budget: usize) -> usize {
        let mut dropped = 0;
        while dropped < budget
            && let Some(&(_, id)) = self.expiries.first().filter(|(expires, _)| *expires <= now)
        {
            self.expiries.pop_first();
            if let Some(owner) = self.rows.remove(&id).and_then(|row| row.owner) {
                self.index.remove(&(owner, id));
            }
            while let Some(&(_, user)) = self.owners.range((id, [0; 16])..).next().filter(|(of, _)| *of == id) {
                self.owners.remove(&(id, user));
                self.index.remove(&(user, id));
            }
            dropped += 1;
        }
        dropped
    }

    /// When the first row may be dropped.
    pub(super) fn soonest(&self) -> Option<Time> {
        self.expiries.first().map(|(expires, _)| *expires)
    }

    /// Nothing lies here: a space that is no more leaves nothing behind.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.users.is_empty() && self.index.is_empty()
    }
}
