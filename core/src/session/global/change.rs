//! Changing a session: a plan made on what was met, prepared as one guarded change, and made again when a guard fails.

use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Global;
use super::begin::{self, Birth};
use super::kept::{kept_until, row_hint, use_hint};
use super::meeting::Met;
use super::rules::{self, Stored};
use super::target::{Kind, Opened, Target};
use crate::audit::{Event, What, Whose};
use crate::backend::{
    CellId, Cells, Change, Effects, Guard, HeadGuard, Outcome, Record, Stamp, UserEffect, UserSessions,
};
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::json::{FieldName, Json};
use crate::limits::{self, Limits};
use crate::session::field::FieldVersion;
use crate::session::quota;
use crate::session::seen::{Seen, ends_left};
use crate::session::version::Selection;
use crate::store::Inner;
use crate::task::{self, Pool, Task};
use crate::vault::{Entropy, Head, HeadState, User, UserKeys};

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
    /// The head is written anew, with the config's version: what is written satisfies that one as a whole.
    pub(super) renew: bool,
}

/// Makes a plan of what was met and read.
pub(super) type Planner<'a> = dyn FnMut(&Opened, &Met, &Record) -> Result<Plan> + Send + 'a;

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
    ///
    /// What a put of a session that is known does not come to is boxed: it would make every call as large. `plan` is no
    /// type of its own: all this would be there again for each verb.
    pub(super) async fn change(&self, cells: Cells, plan: &mut Planner<'_>) -> Result<Done> {
        let deadline = Instant::now() + self.store.limits.deadline();
        let opened = self.open().await?;
        let config = opened.config.for_writing()?;
        let mut cells = if config.definition.is_whole() { Cells::All } else { cells };
        let cached = match cells {
            Cells::None => self.known(&opened, self.store.clock.now()),
            _ => None,
        };
        // Whether `record.user` says what stands in the backend.
        let mut user_known = cached.is_none() && opened.target.user().is_some();
        let (mut met, mut record) = match cached {
            Some(seen) => (Met::Alive(seen), None),
            None => {
                let (met, record) = Box::pin(self.look(&opened, &cells, true)).await?;
                (met, Some(record))
            }
        };
        let mut tries = 0;
        loop {
            let nothing = Record::default();
            let mut plan = plan(&opened, &met, record.as_ref().unwrap_or(&nothing))?;
            if plan.is_nothing() {
                return Ok(Done { deleted: 0, put: Vec::new() });
            }
            let needs_all = !plan.end && cells != Cells::All && is_outdated(&opened, &met);
            let needs_user = matches!(met, Met::Vacant { .. }) && !user_known;
            if needs_all || needs_user {
                // The config's version changed, so all fields are looked at once more; or a life begins, and the user's
                // record is part of the change.
                cells = if needs_all { Cells::All } else { cells };
                let (there, fresh) = Box::pin(self.look(&opened, &cells, true)).await?;
                met = there;
                user_known = true;
                record = Some(fresh);
                continue;
            }
            let now = self.store.clock.now();
            if !plan.end {
                let stored = self.stored(&opened, &met, record.as_ref(), &cells, now)?;
                plan.renew = is_outdated(&opened, &met);
                if let (Stored::Read(_), Some(record)) = (&stored, &record) {
                    plan.version = Some(record.version);
                }
                let begins;
                let identifier = match (&met, opened.standing_token()) {
                    (Met::Alive(seen), _) => &seen.head.owner.person()?.identifier,
                    (Met::Vacant { .. }, Some(token)) => {
                        begins = token.identifier();
                        &begins
                    }
                    (Met::Vacant { .. }, None) => return Err(opened.missing(now)),
                };
                rules::vet(&config.definition, identifier, &mut plan, stored)?;
            }
            let prepared = match &met {
                Met::Alive(seen) if plan.end => Box::pin(self.prepare_end(&opened, seen, now)).await?,
                Met::Alive(seen) => self.prepare(&opened, seen, plan, &cells, now)?,
                Met::Vacant { guard, not_before } => {
                    let shred = opened.config.for_beginning()?.definition.shred;
                    let known = Box::pin(self.acquaintance(&opened, record.as_ref().unwrap_or(&nothing))).await?;
                    // After what there is of the user was read: whoever forgets them destroys the secret first.
                    let keys = match opened.target.user() {
                        Some(user) => Box::pin(self.store.keys_for_birth(shred, &opened.target.vault, &user)).await?,
                        None => None,
                    };
                    self.prepare_birth(&opened, (guard, *not_before), &known, keys, &plan, &cells, now)?
                }
            };
            let had_met = opened.target.has_met();
            match self.store.apply_all(&prepared.changes).await? {
                Outcome::Applied { deleted, .. } => {
                    self.applied(&opened, &prepared)?;
                    self.tell(&opened, &met, &prepared);
                    return Ok(Done { deleted, put: prepared.versions });
                }
                Outcome::TooLarge { size, count } => return Err(too_large(&self.store.limits, size, count)),
                Outcome::Refused(there) => {
                    let target = &opened.target;
                    self.store.heads.forget(&target.space, &target.id);
                    // What was refused may be one of the sessions that had to make room.
                    let is_of_this_session = prepared.changes.len() == 1;
                    let judged =
                        if is_of_this_session { Box::pin(self.meet(&opened, &there, had_met)).await? } else { None };
                    (met, record) = match judged {
                        Some(judged) => {
                            // A refusal reads the user's record only if the guard named it.
                            user_known = prepared.changes[0].guard.generation.is_some();
                            (judged, Some(there))
                        }
                        None => {
                            let (judged, fresh) = Box::pin(self.look(&opened, &cells, true)).await?;
                            user_known = opened.target.user().is_some();
                            (judged, Some(fresh))
                        }
                    };
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

    /// What the rules may look at besides the plan.
    fn stored(&self, opened: &Opened, met: &Met, record: Option<&Record>, cells: &Cells, now: Time) -> Result<Stored> {
        let is_whole = opened.config.definition.is_whole() || is_outdated(opened, met);
        match (met, record) {
            (Met::Vacant { .. }, _) => Ok(Stored::Nothing),
            (Met::Alive(seen), Some(record)) if is_whole && *cells == Cells::All => {
                self.fields(opened, seen, record, &Selection::All, cells, now).map(Stored::Read)
            }
            _ => Ok(Stored::Unread),
        }
    }

    /// The user for whom a session begins: their record, and their sessions if a quota counts them.
    async fn acquaintance(&self, opened: &Opened, record: &Record) -> Result<UserSessions> {
        match (opened.config.definition.max_sessions, opened.target.user()) {
            (Some(_), Some(user)) => {
                let mut known = self.store.backend.user(&opened.target.space, &user).await?;
                // Somebody else may have begun this very session since it was looked for. It needs no room beside
                // itself: the guard fails, and then it is met.
                known.sessions.retain(|listed| listed.id != opened.target.id);
                Ok(known)
            }
            _ => Ok(UserSessions { record: record.user.clone(), sessions: Vec::new() }),
        }
    }

    /// After a change: the head that stands now is known, and the life is this execution's; unless a thread of it met
    /// another one meanwhile, and then they can't both be: one of the two is over.
    fn applied(&self, opened: &Opened, prepared: &Prepared) -> Result<()> {
        let target = &opened.target;
        for change in prepared.changes.iter().filter(|change| prepared.seen.is_none() || change.id != target.id) {
            self.store.heads.forget(&change.space, &change.id);
        }
        if prepared.changes.iter().any(|change| change.effects.user.is_some()) {
            sweep_aside(&self.store);
        }
        if let Some(seen) = &prepared.seen {
            if target.pin(seen).is_err() {
                self.store.heads.forget(&target.space, &target.id);
                return Err(opened.ended("ended"));
            }
            self.store.heads.put(&target.space, &target.id, seen.clone());
        }
        Ok(())
    }

    /// After a change: watchers are told of lives that began and ended.
    fn tell(&self, opened: &Opened, met: &Met, prepared: &Prepared) {
        let (target, audit) = (&opened.target, &self.store.audit);
        let what = match (met, &prepared.seen) {
            (Met::Vacant { .. }, Some(_)) => What::SessionStarted,
            (Met::Alive(_), None) => What::SessionEnded,
            _ => return,
        };
        // A change of another session made room for this one.
        for other in prepared.changes.iter().filter(|change| change.id != target.id) {
            let whose = || Whose { session: Some(other.id), ..self.whose() };
            audit.happened(|| Event::of(What::SessionEvicted).whose(whose()));
        }
        let owner = || match met {
            Met::Alive(seen) => Some(target.owner(&seen.head)),
            Met::Vacant { .. } => target.user(),
        };
        audit.happened(|| Event::of(what).whose(Whose { user: owner(), ..self.whose() }));
    }

    /// A change of the life that stands.
    fn prepare(&self, opened: &Opened, seen: &Arc<Seen>, plan: Plan, answer: &Cells, now: Time) -> Result<Prepared> {
        let target = &opened.target;
        let vault = &target.vault;
        let mut entropy = Entropy::draw()?;
        let mut guard = Guard { head: HeadGuard::Is(seen.sealed.clone()), ..Guard::default() };
        let mut effects = Effects::nothing(now, &self.store.limits);
        effects.raise_version = true;

        guard.stamps = plan.stamps;
        guard.version = plan.version;
        effects.clear = plan.clear;
        let mut after = seen.clone();
        if plan.renew {
            let head = Head { config_version: opened.config.version, ..seen.head.clone() };
            let sealed = vault.seal_head(&target.id, &head, &mut entropy)?;
            effects.head = Some(sealed.clone());
            effects.expires = row_hint(&self.store, &head, seen.touched);
            after = Arc::new(Seen { sealed, head, touched: seen.touched, touch: seen.touch, keys: seen.keys.clone() });
        }
        if seen.is_touch_due(now) {
            let touch = vault.seal_touch(&target.id, &seen.head.life, now);
            effects.touch = Some(touch);
            effects.expires = use_hint(&self.store, &seen.head, now).or(effects.expires);
            after = Arc::new(after.used(now, touch));
        }
        effects.delete = plan.delete.iter().map(|name| opened.cell(name)).collect();
        let versions = begin::put(&mut effects, &opened.field_seals(seen), &plan.put, &mut entropy)?;
        let change = Change { space: target.space, id: target.id, guard, effects, answer: answer.clone() };
        Ok(Prepared { changes: vec![change], seen: Some(after), versions })
    }

    /// The change that ends the life that stands; the user's record says when the others that they have reach their ends.
    async fn prepare_end(&self, opened: &Opened, seen: &Seen, now: Time) -> Result<Prepared> {
        let Target { vault, space, id, .. } = &*opened.target;
        let owner = opened.target.owner(&seen.head);
        let known = self.store.backend.user(space, &owner).await?;
        let mut entropy = Entropy::draw()?;
        let head = Head { state: HeadState::Ended, ..seen.head.clone() };
        let mut user = User::of(vault, &owner, known.record.as_ref(), &head.owner, now)?;
        user.ends(ends_left(vault, &owner, &known, slice::from_ref(id)), now);
        let generation = Some((owner, known.record.as_ref().map_or(0, |record| record.generation)));
        let guard = Guard { head: HeadGuard::Is(seen.sealed.clone()), generation, ..Guard::default() };
        let mut effects = Effects::nothing(now, &self.store.limits);
        effects.raise_version = true;
        effects.close(vault.seal_head(id, &head, &mut entropy)?, kept_until(&self.store, head.not_before, now));
        effects.index = Some((owner, false));
        effects.user = Some((owner, UserEffect::Write(vault.seal_user(&owner, &user, &mut entropy)?)));
        let change = Change { space: *space, id: *id, guard, effects, answer: Cells::None };
        Ok(Prepared { changes: vec![change], seen: None, versions: Vec::new() })
    }

    /// The changes that begin a standing life.
    #[expect(clippy::too_many_arguments, reason = "a life begins from all of them")]
    fn prepare_birth(
        &self,
        opened: &Opened,
        (guard, not_before): (&HeadGuard, Option<Time>),
        known: &UserSessions,
        keys: Option<Arc<UserKeys>>,
        plan: &Plan,
        answer: &Cells,
        now: Time,
    ) -> Result<Prepared> {
        let (Kind::Standing { user }, Some(token)) = (&opened.target.kind, opened.standing_token()) else {
            return Err(opened.missing(now));
        };
        let config = opened.config.for_beginning()?;
        let vault = &opened.target.vault;
        let mut entropy = Entropy::draw()?;
        let mut changes = quota::make_room(&self.store, config, vault, user, known, now, &mut entropy)?;
        let birth = Birth {
            config,
            vault,
            id: opened.target.id,
            user: *user,
            realm: token.realm(),
            identifier: &token.identifier(),
            guard: guard.clone(),
            not_before,
            ends: config.end_of(now)?,
            keys,
        };
        let evicted: Vec<_> = changes.iter().map(|change| change.id).collect();
        let born = birth.prepare(&self.store, known, &evicted, &plan.put, now, &mut entropy)?;
        changes.push(Change { answer: answer.clone(), ..born.change });
        Ok(Prepared { changes, seen: Some(Arc::new(born.seen)), versions: born.versions })
    }

    /// Notes that the session was used, when that is due. Never holds up or fails the read.
    pub(super) fn touch(&self, opened: &Opened, seen: &Seen, now: Time) {
        if !seen.is_touch_due(now) {
            return;
        }
        let target = &opened.target;
        let touch = target.vault.seal_touch(&target.id, &seen.head.life, now);
        self.store.heads.put(&target.space, &target.id, Arc::new(seen.used(now, touch)));
        let mut effects = Effects::nothing(now, &self.store.limits);
        effects.touch = Some(touch);
        effects.expires = use_hint(&self.store, &seen.head, now);
        let guard = Guard { head: HeadGuard::Is(seen.sealed.clone()), ..Guard::default() };
        let change = Change { space: target.space, id: target.id, guard, effects, answer: Cells::None };
        let store = self.store.clone();
        aside(&self.store.pool, async move { store.backend.apply(&change).await.map(|_| ()) });
    }
}

/// Takes away a few sessions that were over long ago: as lives begin and end, so that none stays for good, and never
/// as a read goes by.
pub(crate) fn sweep_aside(store: &Arc<Inner>) {
    if !store.is_sweep_due() {
        return;
    }
    let swept = store.clone();
    aside(&store.pool, async move {
        swept.backend.sweep(swept.clock.now(), SWEPT_AT_ONCE, Some(SWEPT_WITHIN)).await.map(|_| ())
    });
}

/// Does what nobody waits for, and whose failure concerns nobody.
fn aside(pool: &Pool, work: impl Future<Output = Result<()>> + Send + 'static) {
    let _ = Task::new(pool, move || work).start(|_| ());
}

struct Prepared {
    changes: Vec<Change>,
    /// The head that stands after the change; `None` when the life is over.
    seen: Option<Arc<Seen>>,
    versions: Vec<FieldVersion>,
}

/// More than begin with one change, so that the sweep gains on them.
const SWEPT_AT_ONCE: usize = 32;
/// The caller may be an event loop.
const SWEPT_WITHIN: Duration = Duration::from_millis(1);

/// Whether the session was last written under another version of a config that has rules.
fn is_outdated(opened: &Opened, met: &Met) -> bool {
    let Met::Alive(seen) = met else { return false };
    opened.config.definition.schema.is_some() && seen.head.config_version != opened.config.version
}

/// `LIMIT_EXCEEDED` for a session that would grow beyond a limit.
pub(crate) fn too_large(limits: &Limits, size: u64, count: u64) -> Error {
    match limits::check("fields of the session", count as usize, limits.fields, "fields") {
        Err(error) => error,
        Ok(()) => limits::exceeded("session", size as usize, limits.session, "bytes"),
    }
}

/// Waits a little, at random, before the next try.
pub(crate) async fn pause(tries: u32) -> Result<()> {
    let mut byte = [0];
    crate::vault::fill_random(&mut byte)?;
    task::may_block().await;
    let most = 50_u64 << tries.min(6);
    std::thread::sleep(Duration::from_micros(most * u64::from(byte[0]) / 255));
    Ok(())
}
