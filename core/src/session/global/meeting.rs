//! Meeting a head: whether a life stands there for this execution, another one's, or none.

use std::sync::Arc;

use super::{Global, Opened};
use crate::backend::{CellId, HeadGuard, Record, SealedField};
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::execution::Pin;
use crate::json::{FieldName, Json};
use crate::session::field::{Field, FieldVersion};
use crate::session::heads::Seen;
use crate::session::version::Selection;
use crate::vault::{Head, HeadState};

/// What stands where a standing session is looked for.
pub(super) enum Met {
    /// No life: the next Put begins one, if this still stands there.
    Vacant(HeadGuard),
    Alive(Arc<Seen>),
}

impl Global {
    /// Decides what a record means for this execution, and pins the life it met first.
    pub(super) fn meet(&self, opened: &Opened, record: &Record, now: Time) -> Result<Met> {
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
            HeadState::Revoked { not_before } if opened.token.issued_at() > not_before => {
                return self.vacant(opened, guard(), now);
            }
            HeadState::Revoked { .. } => {
                let (code, message) = match *standing.pinned.lock() {
                    Some(_) => (crate::Code::SessionRevoked, "the session was revoked"),
                    None => {
                        (crate::Code::TokenRevoked, "the user was revoked after this token was issued: log in again")
                    }
                };
                return Err(Error::new(code, message).with("tag", &*standing.config.tag));
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
    pub(super) fn known(&self, opened: &Opened, now: Time) -> Option<Arc<Seen>> {
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
}

/// Opens the cells of the fields selected: in the order asked for, or all sorted by name; expired ones are absent.
pub(super) fn open_fields(
    opened: &Opened,
    seen: &Seen,
    cells: &[(CellId, SealedField)],
    what: &Selection,
    now: Time,
) -> Result<Vec<(FieldName, Field)>> {
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
    fail!(SessionExpired, "the session that this execution began with has reached its end")
        .with("tag", &*opened.standing.config.tag)
}

pub(super) fn ended(opened: &Opened) -> Error {
    fail!(SessionRevoked, "the session that this execution began with was ended")
        .with("tag", &*opened.standing.config.tag)
}
