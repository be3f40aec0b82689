//! A user's Global session: opened by proof, read and changed in the backend, field by field.
//!
//! Every operation checks the proof, meets the head (from this process's cache or from the backend) and is one read or
//! one guarded change. A guard that failed answers with what stands there, and the decision is made again on that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::field::{Edit, Field, FieldVersion, expiry};
use super::heads::Seen;
use super::info::Info;
use super::version::{Fork, Map, Selection, empty, refuse_conflicts};
use crate::backend::{CellId, Cells, Change, Effects, Guard, HeadGuard, Outcome, Record, SealedField, Stamp};
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::execution::{Access, Committed, Node, Pin, Standing};
use crate::identity::VerifiedToken;
use crate::json::{FieldName, Json};
use crate::limits;
use crate::store::Inner;
use crate::task::{self, Task};
use crate::vault::{Entropy, Head, HeadState, Life, User};

/// See the module.
pub(crate) struct Global {
    store: Arc<Inner>,
    access: Arc<Access>,
    /// The execution or sub-process it belongs to; ended with it.
    node: Option<Arc<Node>>,
    tag: Option<Box<str>>,
}

/// What stands where a standing session is looked for.
enum Met {
    /// No life: the next Put begins one, if this still stands there.
    Vacant(HeadGuard),
    Alive(Arc<Seen>),
}

/// What a verb wants done, given what was met.
#[derive(Default)]
struct Plan {
    clear: bool,
    delete: Vec<FieldName>,
    put: Vec<(FieldName, Json, Option<Time>)>,
    /// Versions that must still hold (`None`: absent).
    stamps: Vec<(CellId, Option<Stamp>)>,
    /// The session's version that must still hold.
    version: Option<u64>,
    end: bool,
}

impl Plan {
    fn is_nothing(&self) -> bool {
        !self.clear && !self.end && self.delete.is_empty() && self.put.is_empty()
    }
}

/// What became of a plan: how many fields were deleted, and the versions of those put.
struct Done {
    deleted: u64,
    put: Vec<FieldVersion>,
}

/// The standing session and the token it was opened with, for one operation.
struct Opened {
    standing: Arc<Standing>,
    token: VerifiedToken,
}

impl Global {
    pub(crate) fn new(store: Arc<Inner>, access: Arc<Access>, node: Option<Arc<Node>>, tag: Option<&str>) -> Global {
        Global { store, access, node, tag: tag.map(Box::from) }
    }

    pub(crate) fn store(&self) -> &Inner {
        &self.store
    }

    /// Checks trigger, token and config. The tag that the session goes by.
    pub(crate) fn tag(&self) -> Result<&'static str> {
        Ok(self.open()?.standing.config.tag)
    }

    pub(crate) async fn read(&self, what: Selection) -> Result<Vec<(FieldName, Field)>> {
        let opened = self.open()?;
        let record = self.look(&opened, &cells_of(&opened, &what), false).await?;
        let now = self.store.clock.now();
        match self.meet(&opened, &record, now)? {
            Met::Vacant(_) => Ok(Vec::new()),
            Met::Alive(seen) => {
                let found = open_fields(&opened, &seen, &record.cells, &what, now)?;
                self.touch(&opened, seen, now);
                Ok(found)
            }
        }
    }

    /// All fields as a map, and the life they belong to.
    pub(crate) async fn snapshot(&self) -> Result<(Map, Option<Life>)> {
        let fields = self.read(Selection::All).await?;
        let mut map = empty();
        for (name, field) in fields {
            map.insert_mut(name, field);
        }
        Ok((map, self.life()))
    }

    /// The life that this execution holds, if it met one.
    pub(crate) fn life(&self) -> Option<Life> {
        let opened = self.open().ok()?;
        let pinned = opened.standing.pinned.lock();
        pinned.map(|pin| pin.life)
    }

    pub(crate) async fn write(&self, fields: Vec<(FieldName, Json)>, ttl: Option<u64>) -> Result<()> {
        let expires = expiry(ttl, self.store.clock.now())?;
        self.change(Cells::None, |_, _, _| {
            let put = fields.iter().map(|(name, value)| (name.clone(), value.clone(), expires)).collect();
            Ok(Plan { put, ..Plan::default() })
        })
        .await?;
        Ok(())
    }

    pub(crate) async fn remove(&self, what: Selection) -> Result<u64> {
        let done = self
            .change(Cells::None, |_, met, _| {
                Ok(match (met, &what) {
                    (Met::Vacant(_), _) => Plan::default(),
                    (_, Selection::All) => Plan { clear: true, ..Plan::default() },
                    (_, Selection::Names(names)) => Plan { delete: names.clone(), ..Plan::default() },
                })
            })
            .await?;
        Ok(done.deleted)
    }

    /// Reads one field and writes what `edit` makes of it, if nobody changed that field in between; else again. The
    /// callers of one process queue, so that a process is one contender.
    pub(crate) async fn modify<R>(
        &self,
        name: FieldName,
        mut edit: impl FnMut(Option<&Field>) -> Result<(Edit, R)>,
    ) -> Result<(R, Option<FieldVersion>)> {
        let opened = self.open()?;
        let cell = opened.standing.vault.cell_id(&opened.standing.id, name.as_str());
        let _turn = self.store.turns[usize::from(cell[0]) % self.store.turns.len()].lock().await;
        let only = Selection::Names(vec![name.clone()]);
        let mut result = None;
        let mut version = None;
        let done = self
            .change(Cells::Some(vec![cell]), |opened, met, record| {
                let now = self.store.clock.now();
                let field = match met {
                    Met::Vacant(_) => None,
                    Met::Alive(seen) => open_fields(opened, seen, &record.cells, &only, now)?.pop().map(|(_, field)| field),
                };
                version = field.as_ref().map(|field| field.version);
                let stamps = vec![(cell, version.map(FieldVersion::to_be_bytes))];
                let kept = field.as_ref().and_then(|field| field.expires);
                let (edit, given) = edit(field.as_ref())?;
                result = Some(given);
                Ok(match edit {
                    Edit::Keep => Plan::default(),
                    Edit::Put(value) => Plan { put: vec![(name.clone(), value, kept)], stamps, ..Plan::default() },
                    Edit::PutUntil(value, expires) => Plan { put: vec![(name.clone(), value, expires)], stamps, ..Plan::default() },
                    Edit::Delete => Plan { delete: vec![name.clone()], stamps, ..Plan::default() },
                })
            })
            .await?;
        if done.deleted > 0 {
            version = None;
        }
        match result {
            Some(result) => Ok((result, done.put.first().copied().or(version))),
            None => Err(fail!(Internal, "a change was made without a plan")),
        }
    }

    pub(crate) async fn info(&self) -> Result<Option<Info>> {
        let opened = self.open()?;
        let record = self.look(&opened, &Cells::None, false).await?;
        Ok(match self.meet(&opened, &record, self.store.clock.now())? {
            Met::Vacant(_) => None,
            Met::Alive(seen) => Some(Info {
                version: record.version,
                created_at: seen.head.began,
                updated_at: record.updated.unwrap_or(seen.head.began),
                expires_at: seen.head.ends,
                last_seen_at: record.updated.map_or(seen.touched, |updated| updated.max(seen.touched)),
            }),
        })
    }

    /// Ends this life for everybody who holds it. Nothing stored: nothing to do.
    pub(crate) async fn end(&self) -> Result<()> {
        self.change(Cells::None, |_, met, _| {
            Ok(Plan { end: matches!(met, Met::Alive(_)), ..Plan::default() })
        })
        .await?;
        Ok(())
    }

    /// Writes the changes of a sub-process's own version in one guarded change.
    pub(crate) async fn commit(
        &self,
        life: Option<Life>,
        fork: &Fork,
        puts: Vec<(FieldName, Field)>,
        deletes: Vec<FieldName>,
        exclusive: bool,
    ) -> Result<Committed> {
        let changed: Vec<FieldName> = puts.iter().map(|(name, _)| name.clone()).chain(deletes.iter().cloned()).collect();
        let opened = self.open()?;
        let cells = match (exclusive || fork.changes.cleared, fork.changes.cleared) {
            (true, true) => Cells::All,
            (true, false) => Cells::Some(changed.iter().map(|name| opened.cell(name)).collect()),
            (false, _) => Cells::None,
        };
        let mut gone = Vec::new();
        self.change(cells, |opened, met, record| {
            let seen = match (met, life) {
                (Met::Alive(seen), Some(life)) if seen.head.life == life => Some(seen),
                (_, Some(_)) => return Err(ended(opened)),
                (Met::Alive(seen), None) => Some(seen),
                (Met::Vacant(_), None) => None,
            };
            let now = self.store.clock.now();
            let what = if fork.changes.cleared { Selection::All } else { Selection::Names(changed.clone()) };
            let stored: HashMap<FieldName, Field> = match seen {
                Some(seen) => open_fields(opened, seen, &record.cells, &what, now)?.into_iter().collect(),
                None => HashMap::new(),
            };
            let mut plan = Plan {
                put: puts.iter().map(|(name, field)| (name.clone(), field.value.clone(), field.expires)).collect(),
                delete: deletes.clone(),
                clear: fork.changes.cleared && seen.is_some(),
                ..Plan::default()
            };
            if exclusive {
                let here = |name: &FieldName| stored.get(name).map(|field| field.version);
                let then = |name: &FieldName| fork.base.get(name).filter(|field| field.lives(now)).map(|field| field.version);
                let names: Vec<&FieldName> = if fork.changes.cleared {
                    stored.keys().chain(fork.base.keys()).chain(&changed).collect()
                } else {
                    changed.iter().collect()
                };
                refuse_conflicts(names.iter().filter(|name| here(name) != then(name)).map(|name| name.as_str()).collect())?;
                plan.stamps = changed.iter().map(|name| (opened.cell(name), here(name).map(FieldVersion::to_be_bytes))).collect();
                plan.version = fork.changes.cleared.then_some(record.version);
            }
            gone = deletes.clone();
            if fork.changes.cleared {
                gone.extend(stored.into_keys().filter(|name| puts.iter().all(|(put, _)| put != name)));
                gone.sort_unstable();
                gone.dedup();
            }
            if seen.is_none() {
                plan.delete.clear();
            }
            Ok(plan)
        })
        .await?;
        Ok(Committed::of(puts.iter().map(|(name, _)| name), gone.iter()))
    }

    // -- one operation, from proof to change ------------------------------------------------------------------------

    fn open(&self) -> Result<Opened> {
        match &self.node {
            Some(node) => node.check_open()?,
            None => self.store.check_open()?,
        }
        let (standing, token) = self.access.open(&self.store, self.tag.as_deref())?;
        Ok(Opened { standing, token })
    }

    async fn look(&self, opened: &Opened, cells: &Cells, user: bool) -> Result<Record> {
        let standing = &opened.standing;
        self.store.backend.read(&standing.space, &standing.id, cells, user.then_some(&standing.user)).await
    }

    /// Decides what a record means for this execution, and pins the life it met first.
    fn meet(&self, opened: &Opened, record: &Record, now: Time) -> Result<Met> {
        let standing = &opened.standing;
        let Some(sealed) = &record.head else {
            self.store.heads.forget(&standing.space, &standing.id);
            return self.vacant(opened, HeadGuard::Absent, now);
        };
        let cached = self.store.heads.get(&standing.space, &standing.id).filter(|seen| seen.sealed == *sealed);
        let head = match &cached {
            Some(seen) => seen.head.clone(),
            None => standing.vault.open_head(&standing.id, sealed)?,
        };
        let touched = record
            .touch
            .and_then(|touch| standing.vault.open_touch(&standing.id, &head.life, &touch))
            .map_or(head.began, |touched| touched.max(head.began));
        let seen = match cached {
            Some(seen) if seen.touched >= touched => seen,
            _ => Arc::new(Seen { sealed: sealed.clone(), head, touched }),
        };
        self.judge(opened, seen, now)
    }

    fn judge(&self, opened: &Opened, seen: Arc<Seen>, now: Time) -> Result<Met> {
        let standing = &opened.standing;
        let guard = || HeadGuard::Is(seen.sealed.clone());
        match seen.head.state {
            HeadState::Ended => return self.vacant(opened, guard(), now),
            HeadState::Revoked { not_before } if opened.token.issued_at() > not_before => return self.vacant(opened, guard(), now),
            HeadState::Revoked { .. } => {
                let (code, message) = match *standing.pinned.lock() {
                    Some(_) => (crate::Code::SessionRevoked, "the session was revoked"),
                    None => (crate::Code::TokenRevoked, "the user was revoked after this token was issued: log in again"),
                };
                return Err(Error::new(code, message).with("tag", standing.config.tag));
            }
            HeadState::Alive => {}
        }
        let idle_end = seen.head.idle.map(|idle| seen.touched.plus_millis(idle));
        let is_over = [seen.head.ends, idle_end].iter().flatten().any(|end| *end <= now);
        let mut pinned = standing.pinned.lock();
        if is_over {
            return match *pinned {
                Some(pin) if pin.life == seen.head.life => Err(expired(opened)),
                Some(pin) => Err(lost(opened, pin, now)),
                None => Ok(Met::Vacant(guard())),
            };
        }
        match *pinned {
            Some(pin) if pin.life != seen.head.life => return Err(lost(opened, pin, now)),
            Some(_) => {}
            None => *pinned = Some(Pin { life: seen.head.life, ends: seen.head.ends }),
        }
        drop(pinned);
        self.store.heads.put(&standing.space, &standing.id, seen.clone());
        Ok(Met::Alive(seen))
    }

    /// The head as this process saw it last, if a change may be tried on it. Only the guard tells whether it still
    /// stands: nobody is held to a life for having been cached, and one that looks over is read again before anybody is
    /// told so.
    fn known(&self, opened: &Opened, now: Time) -> Option<Arc<Seen>> {
        let standing = &opened.standing;
        let seen = self.store.heads.get(&standing.space, &standing.id)?;
        let Head { life, state, ends, idle, .. } = &seen.head;
        let good = *state == HeadState::Alive
            && ends.is_none_or(|end| now < end)
            && idle.is_none()
            && standing.pinned.lock().is_none_or(|pin| pin.life == *life);
        good.then_some(seen)
    }

    /// No life stands there: fine for an execution that met none, the end for one that did.
    fn vacant(&self, opened: &Opened, guard: HeadGuard, now: Time) -> Result<Met> {
        match *opened.standing.pinned.lock() {
            Some(pin) => Err(lost(opened, pin, now)),
            None => Ok(Met::Vacant(guard)),
        }
    }

    /// Plans on what is met, applies the plan, and plans again when a guard failed; until the deadline.
    async fn change(&self, cells: Cells, mut plan: impl FnMut(&Opened, &Met, &Record) -> Result<Plan>) -> Result<Done> {
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
                return Err(fail!(Conflict, "the session was changed by others at every try until the deadline").with("tries", tries));
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
                effects.put.push(vault.seal_field(&standing.id, &seen.head.life, name.as_str(), value.as_str(), *expires, stamp, &mut entropy)?);
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
            None => User { realm: standing.realm.clone(), identifier: standing.identifier.clone(), first_seen: effects.now, last_end: None },
        };
        user.last_end = ended.or(user.last_end);
        guard.generation = Some((standing.user, generation));
        effects.user = Some((standing.user, standing.vault.seal_user(&standing.user, &user, entropy)?));
        Ok(())
    }

    /// Notes that the session was used, when that is due. Never holds up or fails the read.
    fn touch(&self, opened: &Opened, seen: Arc<Seen>, now: Time) {
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
        let noted = Task::new(&self.store.pool, async move { store.backend.apply(&change).await.map(|_| ()) });
        let _ = noted.start(|_| ());
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

/// A session's use is noted at most once in a tenth of its idle period, within a second and a minute.
fn is_touch_due(seen: &Seen, now: Time) -> bool {
    let interval = seen.head.idle.map_or(60_000, |idle| (idle / 10).clamp(1_000, 60_000));
    now >= seen.touched.plus_millis(interval)
}

impl Opened {
    fn cell(&self, name: &FieldName) -> CellId {
        self.standing.vault.cell_id(&self.standing.id, name.as_str())
    }
}

fn cells_of(opened: &Opened, what: &Selection) -> Cells {
    match what {
        Selection::All => Cells::All,
        Selection::Names(names) => Cells::Some(names.iter().map(|name| opened.cell(name)).collect()),
    }
}

/// Opens the cells of the fields selected: in the order asked for, or all sorted by name; expired ones are absent.
fn open_fields(opened: &Opened, seen: &Seen, cells: &[(CellId, SealedField)], what: &Selection, now: Time) -> Result<Vec<(FieldName, Field)>> {
    let standing = &opened.standing;
    let open = |cell: &CellId, sealed: &SealedField| -> Result<Option<(FieldName, Field)>> {
        let field = standing.vault.open_field(&standing.id, &seen.head.life, cell, sealed)?;
        let version = FieldVersion::from_be_bytes(field.stamp);
        let value = Json::checked(&field.value);
        let opened = Field { value, version, expires: field.expires };
        Ok(opened.lives(now).then(|| (FieldName::stored(&field.name), opened)))
    };
    match what {
        Selection::Names(names) => {
            let mut found = Vec::with_capacity(names.len());
            for name in names {
                let id = opened.cell(name);
                if let Some((cell, sealed)) = cells.iter().find(|(cell, _)| *cell == id) {
                    found.extend(open(cell, sealed)?);
                }
            }
            Ok(found)
        }
        Selection::All => {
            let mut found = Vec::with_capacity(cells.len());
            for (cell, sealed) in cells {
                found.extend(open(cell, sealed)?);
            }
            found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            Ok(found)
        }
    }
}

/// The life that this execution met is no more: it expired, or somebody ended it.
fn lost(opened: &Opened, pin: Pin, now: Time) -> Error {
    if pin.ends.is_some_and(|end| end <= now) {
        return expired(opened);
    }
    ended(opened)
}

fn expired(opened: &Opened) -> Error {
    fail!(SessionExpired, "the session that this execution began with has reached its end").with("tag", opened.standing.config.tag)
}

fn ended(opened: &Opened) -> Error {
    fail!(SessionRevoked, "the session that this execution began with was ended").with("tag", opened.standing.config.tag)
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
