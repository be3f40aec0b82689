//! What a change means, decided once for every backend that holds a session's row in its hands.
//!
//! A backend reads the row and its cells' [`Entry`]s, asks whether the guard [holds](Standing::holds), and carries out
//! the [`Plan`]. Redis and PostgreSQL decide the same next to their data; the contract test holds all to one meaning.

use super::{CellId, Change, Effects, Guard, HeadGuard, SealedField, Stamp, Touch};
use crate::clock::Time;

/// What must be known of a stored cell to decide about it; its content need not be at hand.
pub(super) trait Entry {
    fn cell(&self) -> &CellId;
    /// The sealed bytes, at least as far as the expiry.
    fn start(&self) -> &[u8];
    /// Sealed bytes in all.
    fn size(&self) -> u64;

    fn stamp(&self) -> Option<Stamp> {
        self.start().get(SealedField::STAMP)?.try_into().ok()
    }

    /// Whether the expiry hint is at or before `now`.
    fn expired(&self, now: Time) -> bool {
        let expiry = self.start().get(SealedField::EXPIRY).and_then(|bytes| bytes.try_into().ok());
        expiry.map(i64::from_be_bytes).is_some_and(|millis| millis != 0 && Time::from_millis(millis) <= now)
    }
}

impl Entry for (CellId, SealedField) {
    fn cell(&self) -> &CellId {
        &self.0
    }

    fn start(&self) -> &[u8] {
        &self.1.0
    }

    fn size(&self) -> u64 {
        self.1.0.len() as u64
    }
}

/// The row a change meets. Its cells are in the order of their ids.
pub(super) struct Standing<'a, E> {
    pub(super) head: Option<&'a [u8]>,
    pub(super) touch: Option<Touch>,
    pub(super) version: u64,
    pub(super) cells: &'a [E],
}

impl<E: Entry> Standing<'_, E> {
    /// Whether every guard holds. `generation` is that of the guard's user, 0 where there is no record.
    pub(super) fn holds(&self, guard: &Guard, generation: u64, now: Time) -> bool {
        let head = match &guard.head {
            HeadGuard::Any => true,
            HeadGuard::Absent => self.head.is_none(),
            HeadGuard::Is(expected) => self.head == Some(expected),
        };
        head && guard.version.is_none_or(|expected| self.version == expected)
            && guard.generation.is_none_or(|(_, expected)| generation == expected)
            && guard.stamps.iter().all(|(cell, expected)| self.stamp(cell, now) == *expected)
    }

    fn stamp(&self, cell: &CellId, now: Time) -> Option<Stamp> {
        let found = self.cells.binary_search_by(|entry| entry.cell().cmp(cell)).ok()?;
        let entry = &self.cells[found];
        if entry.expired(now) { None } else { entry.stamp() }
    }

    /// The row after `effects`. Cells past their expiry hint leave with any change of the session's version: nothing
    /// returns them, so they should not hold a session at its limits. A use of the session takes none away: where the
    /// hint was damaged, that is found by who reads the cell or checks the store, until somebody writes. A change that
    /// puts nothing is never too large: a session that is over a limit set lower afterwards can still be emptied.
    pub(super) fn plan(&self, effects: &Effects) -> Result<Plan, TooLarge> {
        let mut delete: Vec<&CellId> = effects.delete.iter().collect();
        delete.sort_unstable();
        let mut puts: Vec<usize> = (0..effects.put.len()).collect();
        puts.sort_by(|&a, &b| effects.put[a].0.cmp(&effects.put[b].0));
        // Of two puts of one cell the later one counts.
        puts.dedup_by(|later, earlier| {
            let same = effects.put[*later].0 == effects.put[*earlier].0;
            if same {
                *earlier = *later;
            }
            same
        });

        let mut plan = Plan {
            cells: Vec::with_capacity(self.cells.len() + puts.len()),
            gone: Vec::new(),
            size: 0,
            deleted: 0,
            version: effects.restart.unwrap_or(self.version) + u64::from(effects.raise_version),
            touch: match effects.touch {
                touch if effects.reset_touch => touch,
                Some(new) if self.touch.is_none_or(|old| touched_at(&new) > touched_at(&old)) => Some(new),
                _ => self.touch,
            },
        };
        let mut puts = puts.into_iter().peekable();
        for (at, entry) in self.cells.iter().enumerate() {
            let mut replaced = false;
            while let Some(put) = puts.next_if(|&put| effects.put[put].0 <= *entry.cell()) {
                replaced |= effects.put[put].0 == *entry.cell();
                plan.put(put, effects);
            }
            let expired = entry.expired(effects.now);
            let deleted = effects.clear || delete.binary_search(&entry.cell()).is_ok();
            plan.deleted += u64::from(deleted && !expired);
            if deleted || (expired && effects.raise_version) || replaced {
                plan.gone.push(at);
            } else {
                plan.cells.push(Next::Kept(at));
                plan.size += entry.size();
            }
        }
        puts.for_each(|put| plan.put(put, effects));

        let count = plan.cells.len() as u64;
        let over = plan.size > effects.max_size || count > effects.max_count;
        if over && !effects.put.is_empty() { Err(TooLarge { size: plan.size, count }) } else { Ok(plan) }
    }
}

/// The row after a change.
pub(super) struct Plan {
    /// The cells that stand then, in the order of their ids.
    pub(super) cells: Vec<Next>,
    /// Which entries of the row before do not stand any more as they were: deleted, expired or replaced.
    pub(super) gone: Vec<usize>,
    pub(super) size: u64,
    /// How many cells the effects deleted that had not expired.
    pub(super) deleted: u64,
    pub(super) version: u64,
    pub(super) touch: Option<Touch>,
}

/// A cell of the row after a change.
pub(super) enum Next {
    /// The entry of the row before, by its place there.
    Kept(usize),
    /// The put of the effects, by its place there.
    Put(usize),
}

/// What the row would come to.
pub(super) struct TooLarge {
    pub(super) size: u64,
    pub(super) count: u64,
}

impl Plan {
    fn put(&mut self, put: usize, effects: &Effects) {
        self.cells.push(Next::Put(put));
        self.size += effects.put[put].size();
    }

    /// How many cells are put.
    pub(super) fn puts(&self) -> usize {
        self.cells.iter().filter(|cell| matches!(cell, Next::Put(_))).count()
    }

    /// The expiry hint that the change sets, if it sets one. That of a use counts only if it is the latest: one that
    /// comes late shortens nothing.
    pub(super) fn hint(&self, effects: &Effects) -> Option<Option<Time>> {
        let is_late = effects.head.is_none() && effects.touch.is_some() && self.touch != effects.touch;
        if is_late { None } else { effects.hint() }
    }

    /// Whether the session's row is to be written at all: a change may concern the user record and the index alone.
    pub(super) fn writes_row<E>(&self, before: &Standing<'_, E>, effects: &Effects) -> bool {
        effects.head.is_some()
            || self.hint(effects).is_some()
            || self.version != before.version
            || self.touch != before.touch
            || !self.gone.is_empty()
            || self.puts() > 0
    }
}

impl Change {
    /// The buckets of all it concerns; they must be one.
    pub(super) fn buckets(&self) -> impl Iterator<Item = u8> {
        let users = [
            self.guard.generation.map(|(user, _)| user),
            self.effects.user.as_ref().map(|(user, _)| *user),
            self.effects.index.map(|(user, _)| user),
        ];
        users.into_iter().flatten().map(|user| user[0]).chain([self.id[0]])
    }
}

impl Effects {
    /// The generation of a user record that this change makes where there was none.
    pub(super) fn first_generation(&self) -> u64 {
        self.now.millis().max(1).cast_unsigned()
    }

    /// The expiry hint that they ask for, if they do: a new head brings its own, `None` for never; without a new head
    /// only `Some` counts.
    pub(super) fn hint(&self) -> Option<Option<Time>> {
        (self.head.is_some() || self.expires.is_some()).then_some(self.expires)
    }
}

fn touched_at(touch: &Touch) -> i64 {
    touch.first_chunk().copied().map_or(i64::MIN, i64::from_be_bytes)
}

/// Whether `cell` was asked for.
pub(super) fn asked(cells: &super::Cells, cell: &CellId) -> bool {
    match cells {
        super::Cells::None => false,
        super::Cells::Some(list) => list.contains(cell),
        super::Cells::All => true,
    }
}
