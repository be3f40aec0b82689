//! Changing a session: a plan made on what was met, prepared as one guarded change, and made again when a guard fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::meeting::Met;
use super::{Global, Opened};
use crate::backend::{CellId, Cells, Change, Effects, Guard, HeadGuard, Outcome, Record, Stamp, UserEffect};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::execution::Pin;
use crate::json::{FieldName, Json};
use crate::limits;
use crate::session::field::FieldVersion;
use crate::session::heads::Seen;
use crate::task::{self, Task};
use crate::vault::{Entropy, Head, HeadState, User};

/// What a verb wants done, given what was met.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) clear: bool,
    pub(super) delete: Vec<FieldName>,
    pub(super) put: Vec<(FieldName, Json, Option<Time>)>,
    /// Versions that must still hold (`None`: absent).
    pub(super) stamps: Vec<(CellId, Option<Stamp>)>,
    /// The session's version that must still hold.
    pub(super) version: Option<u64>,
    pub(super) end: bool,
}

impl Plan {
    fn is_nothing(&self) -> bool {
        !self.clear && !self.end && self.delete.is_empty() && self.put.is_empty()
    }
}

/// What became of a plan: how many fields were deleted, and the versions of those put.
pub(super) struct Done {
    pub(super) deleted: u64,
    pub(super) put: Vec<FieldVersion>,
}

impl Global {
    /// Plans on what is met, applies the plan, and plans again when a guard failed; until the deadline.
    pub(super) async fn change(
        &self,
        cells: Cells,
        mut plan: impl FnMut(&Opened, &Met, &Record) -> Result<Plan>,
    ) -> Result<Done> {
        let deadline = Instant::now() + self.store.limits.deadline();
        let opened = self.open()?;
        let standing = &opened.standing;
        let cached = match cells {
            Cells::None => self.known(&opened, self.store.clock.now()),
            _ => None,
        };
        // Whether `record.user` says what stands in the backend.
        let mut user_known = cached.is_none();
        let (mut met, mut record) = match cached {
            Some(seen) => (Met::Alive(seen), None),
            None => {
                let record = self.look(&opened, &cells, true).await?;
                (self.meet(&opened, &record, self.store.clock.now())?, Some(record))
            }
        };
        let mut tries = 0;
        loop {
            let nothing = Record::default();
            let plan = plan(&opened, &met, record.as_ref().unwrap_or(&nothing))?;
            if plan.is_nothing() {
                return Ok(Done { deleted: 0, put: Vec::new() });
            }
            if (plan.end || matches!(met, Met::Vacant(_))) && !user_known {
                // A life begins or ends: the user's record is part of the change.
                user_known = true;
                let fresh = self.look(&opened, &cells, true).await?;
                met = self.meet(&opened, &fresh, self.store.clock.now())?;
                record = Some(fresh);
                continue;
            }
            let prepared = self.prepare(&opened, &met, record.as_ref().unwrap_or(&nothing), plan, &cells)?;
            match self.store.backend.apply(&prepared.change).await? {
                Outcome::Applied { deleted, .. } => {
                    self.applied(&opened, prepared.seen);
                    if prepared.change.effects.head.is_some() {
                        self.sweep();
                    }
                    return Ok(Done { deleted, put: prepared.versions });
                }
                Outcome::TooLarge { size, count } => {
                    let limits = &self.store.limits;
                    limits::check("fields of the session", count as usize, limits.fields, "fields")?;
                    return Err(limits::exceeded("session", size as usize, limits.session, "bytes"));
                }
                Outcome::Refused(there) => {
                    self.store.heads.forget(&standing.space, &standing.id);
                    met = self.meet(&opened, &there, self.store.clock.now())?;
                    record = Some(there);
                    // A refusal reads the user's record only if the guard named it.
                    user_known = prepared.change.guard.generation.is_some();
                }
            }
            tries += 1;
            if Instant::now() >= deadline {
                return Err(fail!(Conflict, "the session was changed by others at every try until the deadline")
                    .with("tries", tries));
            }
            if tries > 1 {
                pause(tries).await?;
            }
        }
    }

    /// After a change: the head that stands now is known, and the life is this execution's.
    fn applied(&self, opened: &Opened, seen: Option<Arc<Seen>>) {
        let standing = &opened.standing;
        match seen {
            Some(seen) if seen.head.state == HeadState::Alive => {
                let mut pinned = standing.pinned.lock();
                pinned.get_or_insert(Pin { life: seen.head.life, ends: seen.head.ends });
                drop(pinned);
                self.store.heads.put(&standing.space, &standing.id, seen);
            }
            _ => self.store.heads.forget(&standing.space, &standing.id),
        }
    }

    fn prepare(&self, opened: &Opened, met: &Met, record: &Record, plan: Plan, answer: &Cells) -> Result<Prepared> {
        let standing = &opened.standing;
        let vault = &standing.vault;
        let now = self.store.clock.now();
        let mut entropy = Entropy::draw()?;
        let mut guard = Guard::default();
        let mut effects = Effects::nothing(now, &self.store.limits);
        effects.raise_version = true;
        effects.clear = plan.clear || plan.end;

        let seen = match met {
            Met::Alive(seen) if plan.end => {
                guard.head = HeadGuard::Is(seen.sealed.clone());
                let head = Head { state: HeadState::Ended, ..seen.head.clone() };
                effects.head = Some(vault.seal_head(&standing.id, &head, &mut entropy)?);
                effects.reset_touch = true;
                effects.index = Some((standing.user, false));
                effects.expires = Some(now.plus_millis(KEPT_AFTER_END));
                self.write_user(opened, record, Some(now), &mut guard, &mut effects, &mut entropy)?;
                None
            }
            Met::Alive(seen) => {
                guard.head = HeadGuard::Is(seen.sealed.clone());
                guard.stamps = plan.stamps;
                guard.version = plan.version;
                if is_touch_due(seen, now) {
                    effects.touch = Some(vault.seal_touch(&standing.id, &seen.head.life, now));
                    Some(Arc::new(Seen { sealed: seen.sealed.clone(), head: seen.head.clone(), touched: now }))
                } else {
                    Some(seen.clone())
                }
            }
            Met::Vacant(stands) => {
                // The head alone is guarded: the cells of an expired life may still lie there, and go.
                guard.head = stands.clone();
                let head = Head {
                    life: entropy.random_id(),
                    state: HeadState::Alive,
                    began: now,
                    ends: standing.config.end_of(now)?,
                    idle: None,
                    config_version: standing.config.version,
                    refresh_counter: 0,
                    refresh_time: None,
                    realm: standing.realm.clone(),
                    identifier: standing.identifier.clone(),
                };
                let sealed = vault.seal_head(&standing.id, &head, &mut entropy)?;
                effects.head = Some(sealed.clone());
                effects.clear = true;
                effects.reset_counters = true;
                effects.reset_touch = true;
                effects.touch = Some(vault.seal_touch(&standing.id, &head.life, now));
                effects.index = Some((standing.user, true));
                effects.expires = head.ends.map(|end| end.plus_millis(KEPT_AFTER_END));
                self.write_user(opened, record, None, &mut guard, &mut effects, &mut entropy)?;
                Some(Arc::new(Seen { sealed, head, touched: now }))
            }
        };

        effects.delete = plan.delete.iter().map(|name| opened.cell(name)).collect();
        let mut versions = Vec::with_capacity(plan.put.len());
        if let Some(seen) = &seen {
            for (name, value, expires) in &plan.put {
                let stamp: Stamp = entropy.random_id();
                versions.push(FieldVersion::from_be_bytes(stamp));
                effects.put.push(vault.seal_field(
                    &standing.id,
                    &seen.head.life,
                    name.as_str(),
                    value.as_str(),
                    *expires,
                    stamp,
                    &mut entropy,
                )?);
            }
        }
        let change = Change { space: standing.space, id: standing.id, guard, effects, answer: answer.clone() };
        Ok(Prepared { change, seen, versions })
    }

    /// The user's record, rewritten as a life begins or ends, under its generation.
    fn write_user(
        &self,
        opened: &Opened,
        record: &Record,
        ended: Option<Time>,
        guard: &mut Guard,
        effects: &mut Effects,
        entropy: &mut Entropy,
    ) -> Result<()> {
        let standing = &opened.standing;
        let generation = record.user.as_ref().map_or(0, |user| user.generation);
        let mut user = match &record.user {
            Some(user) => standing.vault.open_user(&standing.user, &user.sealed)?,
            None => User {
                realm: standing.realm.clone(),
                identifier: standing.identifier.clone(),
                first_seen: effects.now,
                last_end: None,
            },
        };
        user.last_end = ended.or(user.last_end);
        guard.generation = Some((standing.user, generation));
        let sealed = standing.vault.seal_user(&standing.user, &user, entropy)?;
        effects.user = Some((standing.user, UserEffect::Write(sealed)));
        Ok(())
    }

    /// Notes that the session was used, when that is due. Never holds up or fails the read.
    pub(super) fn touch(&self, opened: &Opened, seen: Arc<Seen>, now: Time) {
        if !is_touch_due(&seen, now) {
            return;
        }
        let standing = opened.standing.clone();
        let touched = Arc::new(Seen { sealed: seen.sealed.clone(), head: seen.head.clone(), touched: now });
        self.store.heads.put(&standing.space, &standing.id, touched);
        let mut effects = Effects::nothing(now, &self.store.limits);
        effects.touch = Some(standing.vault.seal_touch(&standing.id, &seen.head.life, now));
        let guard = Guard { head: HeadGuard::Is(seen.sealed.clone()), ..Guard::default() };
        let change = Change { space: standing.space, id: standing.id, guard, effects, answer: Cells::None };
        let store = self.store.clone();
        self.aside(async move { store.backend.apply(&change).await.map(|_| ()) });
    }

    /// Takes away a few sessions that were over long ago: as lives begin and end, so that none stays for good, and never
    /// as a read goes by.
    fn sweep(&self) {
        let store = self.store.clone();
        self.aside(async move { store.backend.sweep(store.clock.now(), SWEPT_AT_ONCE).await.map(|_| ()) });
    }

    /// Does what nobody waits for, and whose failure concerns nobody.
    fn aside(&self, work: impl Future<Output = Result<()>> + Send + 'static) {
        let _ = Task::new(&self.store.pool, work).start(|_| ());
    }
}

struct Prepared {
    change: Change,
    /// The head that stands after the change; `None` when the life is over.
    seen: Option<Arc<Seen>>,
    versions: Vec<FieldVersion>,
}

/// Ended and expired records are kept for a day, so that whoever still holds that life is told what became of it.
const KEPT_AFTER_END: i64 = 24 * 3600 * 1000;

/// More than begin with one change, so that the sweep gains on them.
const SWEPT_AT_ONCE: usize = 32;

/// A session's use is noted at most once in a tenth of its idle period, within a second and a minute.
fn is_touch_due(seen: &Seen, now: Time) -> bool {
    let interval = seen.head.idle.map_or(60_000, |idle| (idle / 10).clamp(1_000, 60_000));
    now >= seen.touched.plus_millis(interval)
}

/// Waits a little, at random, before the next try.
async fn pause(tries: u32) -> Result<()> {
    let mut byte = [0];
    crate::vault::fill_random(&mut byte)?;
    task::may_block().await;
    let most = 50_u64 << tries.min(6);
    std::thread::sleep(Duration::from_micros(most * u64::from(byte[0]) / 255));
    Ok(())
}
