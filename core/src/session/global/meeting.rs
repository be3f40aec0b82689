//! Meeting a head: whether a life stands there for this execution, another one's, or none.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Global;
use super::target::{Kind, Opened, Pin, Target, stale_login};
use crate::backend::{CellId, Cells, HeadGuard, Record, SealedField, Space, StorageId};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::json::{FieldName, Json};
use crate::session::field::{Field, FieldVersion};
use crate::session::seen::Seen;
use crate::session::version::Selection;
use crate::vault::{HeadState, key_id};

/// What stands where a session is looked for.
pub(super) enum Met {
    /// No life of a standing session: the next Put begins one, if this still stands there.
    Vacant {
        guard: HeadGuard,
        not_before: Option<Time>,
    },
    Alive(Arc<Seen>),
}

impl Met {
    /// `there`: the head of a life that is over, which the next one takes the place of.
    fn vacant(there: Option<&Seen>) -> Met {
        let guard = there.map_or(HeadGuard::Absent, |seen| HeadGuard::Is(seen.sealed.clone()));
        Met::Vacant { guard, not_before: there.and_then(|seen| seen.head.not_before) }
    }
}

impl Global {
    /// Reads the session, with its user's record if `user`, and meets what stands there.
    pub(super) async fn look(&self, opened: &Opened, cells: &Cells, user: bool) -> Result<(Met, Record)> {
        let target = &opened.target;
        let user = target.user().filter(|_| user);
        loop {
            let had_met = target.has_met();
            let record = self.store.read(&target.space, &target.id, cells, user.as_ref()).await?;
            if let Some(met) = self.meet(opened, &record, had_met).await? {
                return Ok((met, record));
            }
        }
    }

    /// What a record means for this execution, as [`Global::recognise`] says. `None`: read it again, for it may be older
    /// than the life that it would be held against. A thread of this execution met that one after the read began
    /// (`had_met`: whether one had been met before), and may itself have begun it.
    pub(super) async fn meet(&self, opened: &Opened, record: &Record, had_met: bool) -> Result<Option<Met>> {
        match self.recognise(opened, record, self.store.clock.now()).await {
            Ok(met @ Met::Alive(_)) => Ok(Some(met)),
            _ if !had_met && opened.target.has_met() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Decides what a record means for this execution, and pins the life it met first.
    async fn recognise(&self, opened: &Opened, record: &Record, now: Time) -> Result<Met> {
        let Target { vault, space, id, .. } = &*opened.target;
        let Some(sealed) = &record.head else {
            self.store.heads.forget(space, id);
            self.store.high_water.miss(space, id, record.span);
            return self.vacant(opened, None, now, || opened.missing(now));
        };
        let cached = self.cached(space, id).filter(|seen| seen.sealed == *sealed);
        if let Some(seen) = cached.as_ref().filter(|seen| seen.is_as_stored(record.touch.as_ref())) {
            self.store.high_water.meet(space, id, sealed, &seen.head, record)?;
            return self.judge(opened, seen.clone(), now);
        }
        let mut seen = match &cached {
            Some(seen) => Seen::of(vault, id, sealed, record.touch.as_ref(), seen.head.clone()),
            None => Seen::open(vault, id, sealed, record.touch.as_ref())?,
        };
        self.store.high_water.meet(space, id, sealed, &seen.head, record)?;
        seen.keys = self.store.unlock(vault, &mut seen.head).await?;
        let is_same_secret = |cached: &Seen| match (&cached.keys, &seen.keys) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let seen = match cached {
            // Used since by this process, which nothing stored says yet.
            Some(cached) if cached.touched > seen.touched && is_same_secret(&cached) => cached,
            _ => Arc::new(seen),
        };
        let met = self.judge(opened, seen, now)?;
        if let Met::Alive(seen) = &met {
            self.store.heads.put(space, id, seen.clone());
        }
        Ok(met)
    }

    /// The fields selected, which were read from `cells`; `STALE` if this process saw a later state of one.
    pub(super) fn fields(
        &self,
        opened: &Opened,
        seen: &Seen,
        record: &Record,
        what: &Selection,
        cells: &Cells,
        now: Time,
    ) -> Result<Vec<(FieldName, Field)>> {
        let found = open_fields(opened, seen, &record.cells, what, cells, now)?;
        if self.store.high_water.is_idle() {
            return Ok(found);
        }
        let stamp =
            |cell: &CellId| record.cells.iter().find(|(id, _)| id == cell).and_then(|(_, sealed)| sealed.stamp());
        let (read, all): (SmallVec<[_; 8]>, bool) = match cells {
            Cells::Some(cells) => (cells.iter().map(|cell| (*cell, stamp(cell))).collect(), false),
            Cells::None => (SmallVec::new(), false),
            Cells::All => (record.cells.iter().map(|(cell, sealed)| (*cell, sealed.stamp())).collect(), true),
        };
        let Target { space, id, .. } = &*opened.target;
        self.store.high_water.meet_fields(space, id, &read, all, (record.version, record.span))?;
        Ok(found)
    }

    fn judge(&self, opened: &Opened, seen: Arc<Seen>, now: Time) -> Result<Met> {
        let target = &opened.target;
        if !opened.is_admitted(&seen.head) {
            return Err(if target.has_met() { opened.ended("revoked") } else { opened.revoked() });
        }
        match seen.head.state {
            HeadState::Ended => return self.vacant(opened, Some(&seen), now, || opened.ended("ended")),
            HeadState::Evicted => return self.vacant(opened, Some(&seen), now, || opened.ended("evicted")),
            HeadState::Revoked => {
                return match &target.kind {
                    Kind::Standing { .. } => self.vacant(opened, Some(&seen), now, || opened.ended("revoked")),
                    Kind::Named { .. } => Err(opened.ended("revoked")),
                };
            }
            HeadState::Alive => {}
        }
        let pinned = *target.pinned.lock();
        if seen.is_over(now) {
            return match (pinned, &target.kind) {
                (Some(pin), _) if pin.life != seen.head.life => Err(lost(opened, pin, now, || opened.ended("ended"))),
                (None, Kind::Standing { .. }) => Ok(Met::vacant(Some(&seen))),
                _ => Err(opened.expired()),
            };
        }
        if opened.is_stale(&seen.head, now) {
            return Err(stale_login(&target.tag));
        }
        if let Err(first) = target.pin(&seen) {
            return Err(lost(opened, first, now, || opened.ended("ended")));
        }
        Ok(Met::Alive(seen))
    }

    /// The head as this process saw it last. One whose key is revoked by now, or gone, is opened again, and so refused.
    fn cached(&self, space: &Space, id: &StorageId) -> Option<Arc<Seen>> {
        let seen = self.store.heads.get(space, id)?;
        key_id(&seen.sealed).is_some_and(|key| self.store.vault.ring().opens(key)).then_some(seen)
    }

    /// The head as this process saw it last, if a change may be tried on it. Only the guard tells whether it still
    /// stands: nobody is held to a life for having been cached, and one that looks over is read again before anybody is
    /// told so.
    pub(super) fn known(&self, opened: &Opened, now: Time) -> Option<Arc<Seen>> {
        let target = &opened.target;
        let seen = self.cached(&target.space, &target.id)?;
        let good = seen.lives(now)
            && seen.keys.as_ref().is_none_or(|keys| keys.is_fresh())
            && opened.is_admitted(&seen.head)
            && !opened.is_stale(&seen.head, now)
            && target.pinned.lock().is_none_or(|pin| pin.life == seen.head.life);
        good.then_some(seen)
    }

    /// No life stands there: fine for who met none of a standing session, else the end, and `why`.
    fn vacant(&self, opened: &Opened, there: Option<&Seen>, now: Time, why: impl FnOnce() -> Error) -> Result<Met> {
        match (*opened.target.pinned.lock(), &opened.target.kind) {
            (Some(pin), _) => Err(lost(opened, pin, now, why)),
            (None, Kind::Standing { .. }) => Ok(Met::vacant(there)),
            (None, Kind::Named { .. }) => Err(why()),
        }
    }
}

/// Opens what is there of the fields selected, which lie in the cells `sought`: in the order asked for, or all sorted by
/// name; expired ones are absent.
pub(super) fn open_fields(
    opened: &Opened,
    seen: &Seen,
    there: &[(CellId, SealedField)],
    what: &Selection,
    sought: &Cells,
    now: Time,
) -> Result<Vec<(FieldName, Field)>> {
    let mut seals = opened.field_seals(seen);
    let mut open =
        |cell: &CellId, name: Option<&FieldName>, sealed: &SealedField| -> Result<Option<(FieldName, Field)>> {
            let field = seals.open(cell, name.map(FieldName::as_str), sealed)?;
            let version = FieldVersion::from_be_bytes(field.stamp);
            let opened = Field { value: Json::checked(field.value), version, expires: field.expires };
            let name = || name.cloned().unwrap_or_else(|| FieldName::stored(field.name));
            Ok(opened.lives(now).then(|| (name(), opened)))
        };
    if let (Selection::Names(names), Cells::Some(sought)) = (what, sought) {
        let mut found = Vec::with_capacity(names.len());
        for (name, sought) in names.iter().zip(sought) {
            if let Some((cell, sealed)) = there.iter().find(|(cell, _)| cell == sought) {
                found.extend(open(cell, Some(name), sealed)?);
            }
        }
        return Ok(found);
    }
    let mut found = Vec::with_capacity(there.len());
    for (cell, sealed) in there {
        found.extend(open(cell, None, sealed)?);
    }
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The life that this execution met is no more: it reached its end, or else `why`.
fn lost(opened: &Opened, pin: Pin, now: Time, why: impl FnOnce() -> Error) -> Error {
    if pin.over_at.is_some_and(|end| end <= now) { opened.expired() } else { why() }
}
