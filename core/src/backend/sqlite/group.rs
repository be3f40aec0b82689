//! Group commit: changes that must be on the disk before they are acknowledged share one transaction and its wait.
//!
//! Who finds no leader leads, on its own thread, and takes along whoever has come until it commits. A change that fails
//! undoes itself only: should one break between two writes, the transaction is made once more with a savepoint before
//! each. A commit that fails fails all. Whom a leader waits for says `company`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::Connection;

use super::super::{Change, Outcome};
use super::Attempt;
use super::company::Company;
use super::error::busy;
use super::writer::{self, Statements};
use crate::error::{Error, Result, fail};
use crate::task;

/// The most callers whose changes share a transaction: others of this machine wait for it.
pub(super) const MOST: usize = 256;

/// What a caller of the group does, as its errors say it.
pub(super) const DOING: &str = "change a session";

/// Those who wait to be written, first come first.
#[derive(Default)]
pub(super) struct Group(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    /// Whether somebody leads, or was told to.
    led: bool,
    waiting: VecDeque<Arc<Member>>,
    company: Company,
}

/// One caller's changes, applied all or nothing.
struct Member {
    changes: Vec<Change>,
    deadline: Instant,
    turn: Mutex<Turn>,
}

enum Turn {
    /// In the queue; who is to be woken, if it has gone to sleep.
    Waits(Option<Waker>),
    Leads,
    /// In the transaction of whoever leads.
    Taken(Option<Waker>),
    Answered(Option<Result<Outcome>>),
}

/// A caller's place. Dropped before it was taken, its changes are not made.
pub(super) struct Place<'a> {
    group: &'a Group,
    member: Arc<Member>,
}

/// The leader's, until its group is answered and another leads.
pub(super) struct Leading<'a> {
    group: &'a Group,
    /// Its own first.
    taken: RefCell<Vec<Arc<Member>>>,
    care: Cell<Care>,
    /// How long it may still wait for company.
    patience: Cell<Duration>,
    /// All changes are made, and only the disk is waited for.
    applied: Cell<Option<Instant>>,
}

/// Whether each change of a group has a savepoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Unneeded,
    /// One broke while it was written, with who knows what of it done.
    Needed,
    Taken,
}

impl Group {
    pub(super) fn join(&self, changes: Vec<Change>, deadline: Instant) -> Place<'_> {
        let mut queue = self.0.lock();
        let turn = if queue.led { Turn::Waits(None) } else { Turn::Leads };
        let member = Arc::new(Member { changes, deadline, turn: Mutex::new(turn) });
        if mem::replace(&mut queue.led, true) {
            queue.waiting.push_back(member.clone());
        }
        Place { group: self, member }
    }

    /// Moves those who wait to the ones in the leader's transaction; whether there were any.
    fn take(&self, taken: &mut Vec<Arc<Member>>) -> bool {
        let before = taken.len();
        let mut queue = self.0.lock();
        let count = queue.waiting.len().min(MOST.saturating_sub(before));
        taken.extend(queue.waiting.drain(..count));
        for member in &taken[before..] {
            let mut turn = member.turn.lock();
            if let Turn::Waits(sleeper) = &mut *turn {
                *turn = Turn::Taken(sleeper.take());
            }
        }
        count > 0
    }

    /// Waits for the next of those who were there last and are not among the `taken`, for at most that long; how long it
    /// took. Lets those who can run do so: whoever the group before has woken is about to ask.
    fn wait_for_company(&self, taken: usize, patience: Duration) -> Duration {
        let began = Instant::now();
        loop {
            thread::yield_now();
            let queue = self.0.lock();
            let waited = began.elapsed();
            let is_full = taken >= MOST || queue.company.missing(taken) == 0;
            if is_full || !queue.waiting.is_empty() || waited >= patience {
                return waited;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.0.lock().waiting.len()
    }

    /// Lets the next lead. Whose deadline has passed meanwhile is told so.
    fn resign(&self) {
        let mut sleepers = Vec::new();
        let mut queue = self.0.lock();
        let now = Instant::now();
        loop {
            match queue.waiting.pop_front() {
                Some(member) if member.deadline <= now => {
                    sleepers.extend(member.turn_to(Turn::Answered(Some(Err(busy(DOING))))));
                }
                Some(member) => {
                    sleepers.extend(member.turn_to(Turn::Leads));
                    break;
                }
                None => {
                    queue.led = false;
                    break;
                }
            }
        }
        // Woken under no lock: a waker may run what it wakes.
        drop(queue);
        sleepers.into_iter().for_each(Waker::wake);
    }
}

impl Member {
    /// Who is to be told of it. A member leaves the queue under the queue's lock, and has its turn when that is let go.
    fn turn_to(&self, turn: Turn) -> Option<Waker> {
        match mem::replace(&mut *self.turn.lock(), turn) {
            Turn::Waits(sleeper) | Turn::Taken(sleeper) => sleeper,
            _ => None,
        }
    }

    fn answer(&self, answer: Result<Outcome>) {
        if let Some(sleeper) = self.turn_to(Turn::Answered(Some(answer))) {
            sleeper.wake();
        }
    }
}

impl<'a> Place<'a> {
    /// The answer, once somebody has written it; `None`: it is this caller who leads.
    pub(super) async fn answer(&self) -> Option<Result<Outcome>> {
        std::future::poll_fn(|context| {
            let member = &*self.member;
            if member.deadline <= Instant::now() && self.leave() {
                return Poll::Ready(Some(Err(busy(DOING))));
            }
            let mut turn = member.turn.lock();
            match &mut *turn {
                Turn::Leads => Poll::Ready(None),
                Turn::Waits(waker) | Turn::Taken(waker) => {
                    *waker = Some(context.waker().clone());
                    task::poll_again_at(member.deadline);
                    Poll::Pending
                }
                Turn::Answered(answer) => {
                    let answer = answer.take();
                    Poll::Ready(Some(answer.unwrap_or_else(|| Err(fail!(Internal, "an answer was asked for twice")))))
                }
            }
        })
        .await
    }

    /// Leads, having been told to.
    pub(super) fn lead(&self) -> Leading<'a> {
        *self.member.turn.lock() = Turn::Taken(None);
        Leading {
            group: self.group,
            taken: RefCell::new(vec![self.member.clone()]),
            care: Cell::new(Care::Unneeded),
            patience: Cell::new(self.group.0.lock().company.patience()),
            applied: Cell::new(None),
        }
    }

    /// Leaves the queue; `false` when it is not in it any more.
    fn leave(&self) -> bool {
        let mut queue = self.group.0.lock();
        let before = queue.waiting.len();
        queue.waiting.retain(|member| !Arc::ptr_eq(member, &self.member));
        queue.waiting.len() < before
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        // Most have been taken from the queue, and it need not be looked through.
        if matches!(*self.member.turn.lock(), Turn::Taken(_) | Turn::Answered(_)) {
            return;
        }
        // In this order: out of the queue, it has its turn.
        if !self.leave() && matches!(*self.member.turn.lock(), Turn::Leads) {
            self.group.resign();
        }
    }
}

impl Leading<'_> {
    /// Applies the leader's changes and those of all who come meanwhile; what became of each, in their order.
    pub(super) fn apply(&self, connection: &Connection) -> Attempt<Vec<Result<Outcome>>> {
        let mut statements = Statements::of(connection)?;
        let mut outcomes = Vec::new();
        while let Some(member) = self.member(outcomes.len()) {
            outcomes.push(match self.care.get() {
                Care::Taken => undone_if_broken(&mut statements, &member.changes)?,
                _ => self.quickly(&mut statements, &member.changes)?,
            });
        }
        self.applied.set(Some(Instant::now()));
        Ok(outcomes)
    }

    /// Whether a failed transaction is to be made once more, then with savepoints.
    pub(super) fn takes_care(&self) -> bool {
        let needed = self.care.get() == Care::Needed;
        if needed {
            self.care.set(Care::Taken);
        }
        needed
    }

    fn quickly(&self, statements: &mut Statements<'_>, changes: &[Change]) -> Attempt<Result<Outcome>> {
        let decided = writer::decide_all(statements, changes);
        let is_over = statements.connection().is_autocommit();
        match decided {
            Ok(ControlFlow::Continue(decisions)) => {
                let written = writer::write(statements, changes, &decisions);
                if written.is_err() && !statements.connection().is_autocommit() {
                    self.care.set(Care::Needed);
                }
                written.map(Ok)
            }
            Ok(ControlFlow::Break(outcome)) => Ok(Ok(outcome)),
            // So grave that SQLite gave the transaction up.
            Err(trouble) if is_over => Err(trouble),
            // Nothing of it was written yet.
            Err(trouble) => Ok(Err(trouble.named(DOING))),
        }
    }

    /// The member of that number, of those in the transaction or of those who wait.
    fn member(&self, number: usize) -> Option<Arc<Member>> {
        let mut taken = self.taken.borrow_mut();
        if number == taken.len() && !self.group.take(&mut taken) {
            let patience = self.patience.get();
            let waited = self.group.wait_for_company(number, patience.min(Company::BETWEEN_TWO));
            self.patience.set(patience.saturating_sub(waited));
            self.group.take(&mut taken);
        }
        taken.get(number).cloned()
    }

    /// Answers all: each its own, or all the same error, for then nothing was applied.
    pub(super) fn answer(&self, written: Result<Vec<Result<Outcome>>>) {
        let taken = self.taken.take();
        if let Some(applied) = self.applied.get() {
            let mut queue = self.group.0.lock();
            let waiting = queue.waiting.len();
            queue.company.learn(taken.len(), applied.elapsed(), waiting);
        }
        match written {
            Ok(outcomes) => taken.iter().zip(outcomes).for_each(|(member, outcome)| member.answer(outcome)),
            Err(error) => fail_all(&taken, &error),
        }
    }
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        // Not empty after a panic only.
        fail_all(&self.taken.take(), &fail!(Internal, "the group that the change was written with broke down"));
        self.group.resign();
    }
}

fn undone_if_broken(statements: &mut Statements<'_>, changes: &[Change]) -> Attempt<Result<Outcome>> {
    let connection = statements.connection();
    connection.prepare_cached("SAVEPOINT change")?.execute([])?;
    let applied = match writer::apply(statements, changes) {
        Ok(outcome) => Ok(outcome),
        // So grave that SQLite gave the transaction up.
        Err(trouble) if connection.is_autocommit() => return Err(trouble),
        Err(trouble) => {
            connection.prepare_cached("ROLLBACK TO change")?.execute([])?;
            Err(trouble.named(DOING))
        }
    };
    connection.prepare_cached("RELEASE change")?.execute([])?;
    Ok(applied)
}

fn fail_all(members: &[Arc<Member>], error: &Error) {
    members.iter().for_each(|member| member.answer(Err(error.clone())));
}
