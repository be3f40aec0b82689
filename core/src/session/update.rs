//! Read, change, compare-and-put of one field, as a pair of calls: no host function runs inside the core.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::Session;
use super::field::{Edit, FieldVersion};
use crate::error::{Result, fail};
use crate::json::{FieldName, Json};
use crate::task::Task;

/// A value with its field's version: opaque, compared for equality.
#[derive(Clone)]
pub struct Versioned {
    /// The value.
    pub value: Json,
    /// The version.
    pub version: String,
}

impl fmt::Debug for Versioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Versioned").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Read, change, compare-and-put of one field: call [`current`](Update::current), change the value, then
/// [`try_commit`](Update::try_commit); on `false` begin again with `current`. After the operation deadline (2 s from
/// [`Session::update`]) a lost race is `CONFLICT` instead of `false`.
#[derive(Clone)]
pub struct Update {
    session: Session,
    name: Result<FieldName>,
    seen: Arc<Mutex<Option<FieldVersion>>>,
    deadline: Instant,
}

impl Update {
    pub(super) fn begin(session: Session, name: Result<FieldName>) -> Update {
        let deadline = Instant::now() + session.limits().deadline();
        Update { session, name, seen: Arc::default(), deadline }
    }

    /// Reads the field; `None`: it is absent.
    pub fn current(&self) -> Task<Option<Json>> {
        let seen = self.seen.clone();
        match &self.name {
            Ok(name) => self.session.fetch(super::Selection::Names(vec![name.clone()]), move |found| {
                let field = found.into_iter().next().map(|(_, field)| field);
                *seen.lock() = field.as_ref().map(|field| field.version);
                Ok(field.map(|field| field.value))
            }),
            Err(error) => self.session.ready(Err(error.clone())),
        }
    }

    /// Puts the new value (`None`: deletes the field) if nobody changed it since [`current`](Update::current);
    /// `false`: somebody did.
    pub fn try_commit(&self, value: Option<&str>) -> Task<bool> {
        let name = match &self.name {
            Ok(name) => name.clone(),
            Err(error) => return self.session.ready(Err(error.clone())),
        };
        let value = match value.map(|value| super::value_within(value, self.session.limits())).transpose() {
            Ok(value) => value,
            Err(error) => return self.session.ready(Err(error)),
        };
        let (seen, deadline) = (*self.seen.lock(), self.deadline);
        self.session.modify(name.clone(), move |field| {
            if field.map(|field| field.version) != seen {
                if Instant::now() >= deadline {
                    let name = name.as_str();
                    return Err(fail!(Conflict, "field {name:?} was changed by others until the deadline")
                        .with("fields", vec![name]));
                }
                return Ok((Edit::Keep, false));
            }
            Ok(match &value {
                Some(value) => (Edit::Put(value.clone()), true),
                None if field.is_none() => (Edit::Keep, true),
                None => (Edit::Delete, true),
            })
        })
    }
}

impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Update").field("session", &self.session).finish_non_exhaustive()
    }
}
