//! What this process saw last of each session: an older state that is put back is `STALE` here.
//!
//! Nothing that is stored proves its own age, so only what follows from this process's own observations counts. Each is
//! dated with a span of the process's own count, from before it was asked for until after it was answered: of two that do not
//! overlap, the later one tells what has been replaced, and what was replaced never comes back by itself. Bounded: what is
//! forgotten is believed again. Nothing is remembered of `memory:`: who could put something back there could as well write here.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::backend::{Backend, BlindMap, CellId, Change, HeadGuard, Outcome, Record, Space, Span, Stamp, StorageId};
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::hand::Hand;
use crate::session::global::kept::LEEWAY;
use crate::vault::{Head, HeadState, Life};

const SHARDS: usize = 16;
const SESSIONS_PER_SHARD: usize = 1024;
const CELLS_PER_SHARD: usize = 4096;

/// How many replaced states of a head or a field are known again.
const REPLACED: usize = 8;

/// See the module.
#[derive(Default)]
pub(crate) struct HighWater {
    /// Nothing can be put back in what is stored: nothing has to be remembered of it.
    is_idle: bool,
    count: AtomicU64,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    /// Boxed: a table is up to half empty.
    sessions: BlindMap<(Space, StorageId), Box<Session>>,
    /// How many fields are remembered.
    cells: usize,
    hand: Hand,
}

#[derive(Default)]
struct Session {
    head: Mark<HeadTag>,
    /// What the head says, if it was opened.
    order: Option<Order>,
    /// The most changes of a life that were seen. Under no MAC: it tells of a server that has lost some.
    changes: Option<Changes>,
    cells: Marks,
}

/// In the order of their ids, in as much memory as they need.
#[derive(Default)]
struct Marks(Vec<(CellId, Mark<Stamp>)>);

/// A sealed head is told by the end of its bytes, which depends on all of them.
type HeadTag = [u8; 16];

/// What stood in a place when this process looked last, and what stood there before.
struct Mark<T> {
    /// `None`: nothing.
    state: Option<T>,
    seen: Span,
    /// What was replaced, and the count by which this process knew it.
    replaced: Box<[(T, u64)]>,
}

impl<T> Default for Mark<T> {
    fn default() -> Mark<T> {
        Mark { state: None, seen: Span::default(), replaced: Box::default() }
    }
}

/// How many changes of a life there were, when this process looked.
struct Changes {
    life: Life,
    version: u64,
    /// The count by which it was known.
    since: u64,
    /// Of a server that had lost some: what the first change of our own came to, and since when more had been known.
    settled: Option<(u64, u64)>,
}

/// What only ever grows within a life, and what a revocation means for earlier ones.
struct Order {
    life: Life,
    state: HeadState,
    ends: Option<Time>,
    refresh_counter: u64,
    /// The revocation that came before it, or made it.
    not_before: Option<Time>,
    seen: Span,
}

impl<T: Copy + PartialEq> Mark<T> {
    /// Whether `state`, asked for at `span.began`, was replaced before that.
    fn is_stale(&self, state: &T, span: Span) -> bool {
        self.replaced.iter().any(|(replaced, since)| replaced == state && *since < span.began)
    }

    /// Takes up an observation; `now` is the count after it.
    fn see(&mut self, state: Option<T>, span: Span, now: u64) {
        if state == self.state {
            // The first time it was seen says most.
            if span.ended < self.seen.ended {
                self.seen = span;
            }
        } else if span.began > self.seen.ended || self.is_blank() {
            self.replace(self.state, now);
            (self.state, self.seen) = (state, span);
        } else if span.ended < self.seen.began {
            self.replace(state, now);
        }
        // Else they overlap, and nobody can tell.
    }

    fn is_blank(&self) -> bool {
        self.state.is_none() && self.seen == Span::default()
    }

    fn replace(&mut self, state: Option<T>, now: u64) {
        let Some(state) = state else { return };
        if self.replaced.iter().any(|(replaced, _)| *replaced == state) {
            return;
        }
        if self.replaced.len() < REPLACED {
            self.replaced = self.replaced.iter().copied().chain([(state, now)]).collect();
        } else {
            self.replaced.rotate_left(1);
            self.replaced[REPLACED - 1] = (state, now);
        }
    }
}

impl Marks {
    fn get(&self, cell: &CellId) -> Option<&Mark<Stamp>> {
        self.place(cell).ok().map(|at| &self.0[at].1)
    }

    fn see(&mut self, cell: &CellId, stamp: Option<Stamp>, span: Span, now: u64) {
        match (self.place(cell), stamp) {
            (Ok(at), stamp) => self.0[at].1.see(stamp, span, now),
            (Err(at), Some(stamp)) => {
                self.0.insert(at, (*cell, Mark::default()));
                self.0[at].1.see(Some(stamp), span, now);
            }
            // Of what was never seen nothing can be put back.
            (Err(_), None) => {}
        }
    }

    /// The fields of a session that were seen, and are not among these, are gone.
    fn see_no_others(&mut self, there: &HashSet<&CellId>, span: Span, now: u64) {
        let gone = self.0.iter_mut().filter(|(cell, _)| !there.contains(cell));
        gone.for_each(|(_, mark)| mark.see(None, span, now));
    }

    /// Forgets the fields that are gone; how many.
    fn forget_gone(&mut self) -> usize {
        let before = self.0.len();
        self.0.retain(|(_, mark)| mark.state.is_some());
        self.0.shrink_to_fit();
        before - self.0.len()
    }

    /// A session is mostly met as a whole, and has so many fields then.
    fn expect(&mut self, fields: usize) {
        if self.0.is_empty() {
            self.0.reserve_exact(fields);
        }
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn place(&self, cell: &CellId) -> Result<usize, usize> {
        self.0.binary_search_by(|(there, _)| there.cmp(cell))
    }
}

impl Order {
    fn of(head: &Head, seen: Span) -> Order {
        let &Head { life, state, ends, refresh_counter, not_before, .. } = head;
        Order { life, state, ends, refresh_counter, not_before, seen }
    }

    /// Whether that head, met later than this, must be older all the same.
    fn is_beyond(&self, head: &Head) -> bool {
        if self.life == head.life {
            return head.refresh_counter < self.refresh_counter
                || matches!((head.ends, self.ends), (Some(met), Some(known)) if met < known)
                || (head.state == HeadState::Alive && self.state != HeadState::Alive);
        }
        // A life that begins after a revocation begins no more than the leeway of an issuer's clock before it.
        head.state == HeadState::Alive
            && self.not_before.is_some_and(|instant| head.began.plus_millis(LEEWAY) <= instant)
    }
}

impl Changes {
    /// Whether a record of that life, met later than this, has lost changes.
    fn is_ahead_of(&self, version: u64, span: Span) -> bool {
        let is_behind = |(most, since): (u64, u64)| version < most && since < span.began;
        is_behind((self.version, self.since)) || self.settled.is_some_and(is_behind)
    }
}

impl HighWater {
    /// For what is stored there.
    pub(crate) fn of(backend: &Backend) -> HighWater {
        HighWater { is_idle: !backend.is_shared(), ..HighWater::default() }
    }

    /// Whether it has to be told of what is read and written.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_idle
    }

    /// The next number of this process's count.
    pub(crate) fn tick(&self) -> u64 {
        if self.is_idle { 0 } else { self.count.fetch_add(1, Ordering::AcqRel) + 1 }
    }

    /// A head that was opened and found good: `STALE` if a later one was seen before it was asked for.
    pub(crate) fn meet(
        &self,
        space: &Space,
        id: &StorageId,
        sealed: &[u8],
        head: &Head,
        record: &Record,
    ) -> Result<()> {
        if self.is_idle {
            return Ok(());
        }
        let span = record.span;
        let tag = tag_of(sealed);
        let now = self.tick();
        let mut shard = self.shard(id).lock();
        let session = shard.session(space, id);
        let is_beyond =
            session.order.as_ref().is_some_and(|order| order.seen.ended < span.began && order.is_beyond(head));
        let known = session.changes.as_ref();
        if is_beyond || session.head.is_stale(&tag, span) {
            return Err(stale("session"));
        }
        // Of another life only what was asked for later: who is told late of the one before says nothing of this one.
        let is_news = known.is_none_or(|known| match known.life == head.life {
            true => known.version < record.version,
            false => known.since < span.began,
        });
        if is_news {
            let settled = known.filter(|known| known.life == head.life).and_then(|known| known.settled);
            session.changes = Some(Changes { life: head.life, version: record.version, since: span.ended, settled });
        }
        session.head.see(Some(tag), span, now);
        let is_ordered = session.order.as_ref().is_some_and(|order| order.seen == session.head.seen);
        if session.head.state == Some(tag) && !is_ordered {
            session.order = Some(Order::of(head, session.head.seen));
        }
        Ok(())
    }

    /// Nothing is stored.
    pub(crate) fn miss(&self, space: &Space, id: &StorageId, span: Span) {
        if self.is_idle {
            return;
        }
        let now = self.tick();
        let mut shard = self.shard(id).lock();
        if let Some(session) = shard.sessions.get_mut(&(*space, *id)) {
            session.head.see(None, span, now);
        }
    }

    /// How many changes there were of a session whose head was [met](HighWater::meet): `STALE` if more were seen before.
    pub(crate) fn meet_version(&self, space: &Space, id: &StorageId, version: u64, span: Span) -> Result<()> {
        match !self.is_idle && self.shard(id).lock().session(space, id).is_ahead_of(version, span) {
            true => Err(stale("session")),
            false => Ok(()),
        }
    }

    /// Fields that were asked for, and opened if they were there, of a session whose head was [met](HighWater::meet):
    /// `STALE` if a later state of one was seen before; and if changes were lost, for every state that is not the one seen last.
    /// `all`: of the others it is known that they are not there.
    pub(crate) fn meet_fields(
        &self,
        space: &Space,
        id: &StorageId,
        fields: &[(CellId, Option<Stamp>)],
        all: bool,
        (version, span): (u64, Span),
    ) -> Result<()> {
        if self.is_idle {
            return Ok(());
        }
        let now = self.tick();
        let mut shard = self.shard(id).lock();
        let session = shard.session(space, id);
        let is_behind = session.is_ahead_of(version, span);
        for (cell, stamp) in fields {
            let mark = session.cells.get(cell);
            let is_stale = stamp.is_some_and(|stamp| mark.is_some_and(|mark| mark.is_stale(&stamp, span)));
            if is_stale || (is_behind && mark.is_none_or(|mark| mark.state != *stamp)) {
                return Err(stale("field"));
            }
        }
        let is_there = |cell: &CellId| fields.iter().any(|(there, _)| there == cell);
        if is_behind && all && session.cells.0.iter().any(|(cell, mark)| mark.state.is_some() && !is_there(cell)) {
            return Err(stale("field"));
        }
        let before = session.cells.len();
        session.cells.expect(fields.iter().filter(|(_, stamp)| stamp.is_some()).count());
        for (cell, stamp) in fields {
            session.cells.see(cell, *stamp, span, now);
        }
        if all && session.cells.len() > fields.len() {
            session.cells.see_no_others(&fields.iter().map(|(cell, _)| cell).collect(), span, now);
        }
        let added = session.cells.len() - before;
        shard.cells += added;
        shard.bound(space, id);
        Ok(())
    }

    /// What this process changed itself.
    pub(crate) fn changed(&self, changes: &[Change], outcome: &Outcome, span: Span) {
        if self.is_idle || !matches!(outcome, Outcome::Applied { .. }) {
            return;
        }
        for change in changes {
            let effects = &change.effects;
            if effects.head.is_none() && effects.put.is_empty() && effects.delete.is_empty() && !effects.clear {
                continue;
            }
            let now = self.tick();
            let mut shard = self.shard(&change.id).lock();
            let session = shard.session(&change.space, &change.id);
            if let Some(new) = &effects.head {
                if let HeadGuard::Is(old) = &change.guard.head {
                    session.head.replace(Some(tag_of(old)), now);
                }
                session.head.see(Some(tag_of(new)), span, now);
            }
            session.count(change, changes.len(), outcome, span);
            let before = session.cells.len();
            if effects.clear {
                // What is put at once was never gone: a record that is brought from elsewhere has the stamps it had.
                session.cells.see_no_others(&effects.put.iter().map(|(cell, _)| cell).collect(), span, now);
            }
            for cell in &effects.delete {
                session.cells.see(cell, None, span, now);
            }
            session.cells.expect(effects.put.len());
            for (cell, sealed) in &effects.put {
                session.cells.see(cell, sealed.stamp(), span, now);
            }
            let added = session.cells.len() - before;
            shard.cells += added;
            shard.bound(&change.space, &change.id);
        }
    }

    /// The same head, sealed anew.
    pub(crate) fn resealed(&self, space: &Space, id: &StorageId, old: &[u8], new: &[u8], span: Span) {
        if self.is_idle {
            return;
        }
        let now = self.tick();
        let mut shard = self.shard(id).lock();
        if let Some(session) = shard.sessions.get_mut(&(*space, *id)) {
            session.head.replace(Some(tag_of(old)), now);
            session.head.see(Some(tag_of(new)), span, now);
        }
    }

    fn shard(&self, id: &StorageId) -> &Mutex<Shard> {
        &self.shards[usize::from(id[1]) % SHARDS]
    }
}

impl Session {
    fn is_ahead_of(&self, version: u64, span: Span) -> bool {
        self.changes.as_ref().is_some_and(|known| known.is_ahead_of(version, span))
    }

    /// How many changes there are after one of this process's own. If they are fewer than it knew of, its change stands on
    /// what a server has lost some of: from now on that counts.
    fn count(&mut self, change: &Change, together: usize, outcome: &Outcome, span: Span) {
        if change.effects.restart.is_some() {
            self.changes = None;
        }
        let (Some(known), Outcome::Applied { version, .. }, 1) = (&mut self.changes, outcome, together) else { return };
        let goes_on = change.effects.head.is_none() && matches!(change.guard.head, HeadGuard::Is(_));
        if goes_on && (*version > known.version || known.since < span.began) {
            if *version <= known.version {
                known.settled = Some((*version, known.since));
            }
            (known.version, known.since) = (*version, span.ended);
        }
    }
}

impl Shard {
    fn session(&mut self, space: &Space, id: &StorageId) -> &mut Session {
        let key = (*space, *id);
        if let Some(forgotten) = self.hand.make_room(&mut self.sessions, &key, SESSIONS_PER_SHARD) {
            self.cells -= forgotten.cells.len();
        }
        self.sessions.entry(key).or_default()
    }

    /// Makes room, but not at the expense of that session; unless most of it is what that one's fields were called that
    /// are gone.
    fn bound(&mut self, space: &Space, id: &StorageId) {
        if self.cells > CELLS_PER_SHARD
            && let Some(session) = self.sessions.get_mut(&(*space, *id))
            && session.cells.len() > CELLS_PER_SHARD / 2
        {
            self.cells -= session.cells.forget_gone();
        }
        while self.cells > CELLS_PER_SHARD && self.sessions.len() > 1 {
            self.forget_another((*space, *id));
        }
    }

    fn forget_another(&mut self, but: (Space, StorageId)) {
        let mut other = self.hand.next(&self.sessions);
        if other == Some(but) {
            other = self.hand.next(&self.sessions);
        }
        if let Some(forgotten) = other.and_then(|key| self.sessions.remove(&key)) {
            self.cells -= forgotten.cells.len();
        }
    }
}

fn tag_of(sealed: &[u8]) -> HeadTag {
    sealed.last_chunk().copied().unwrap_or_default()
}

fn stale(what: &str) -> Error {
    fail!(Stale, "an older copy of the {what} was put back: this process saw a later one").with("what", what)
}

#[cfg(test)]
#[path = "highwater_tests.rs"]
mod tests;
