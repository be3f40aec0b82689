//! The verbs of a session, on JSON text.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use sessile::{CommitOptions, Json};

use crate::arguments::{Flag, Name, Seconds, Text, names};
use crate::error::border;
use crate::execution::committed;
use crate::task::{Given, To, Waits, bytes, exact, exact_fields, nothing, plain, raw, run};

/// A session: Local, Scoped or Global.
///
/// Every verb takes a receiver as its last argument: with one it does not wait, and may give a `Pending`.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Session {
    session: sessile::Session,
    waits: Waits,
}

impl Session {
    pub(crate) fn new(session: sessile::Session, waits: Waits) -> Session {
        Session { session, waits }
    }
}

#[pymethods]
impl Session {
    /// One field's value as JSON text.
    #[pyo3(signature = (name, receiver=None))]
    fn get(&self, py: Python<'_>, name: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.get(name.0), receiver, exact))
    }

    /// One field's JSON text, whether Python's numbers can hold it or not.
    #[pyo3(signature = (name, receiver=None))]
    fn get_raw(&self, py: Python<'_>, name: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.get(name.0), receiver, raw))
    }

    /// Those of the fields that are there, one JSON object.
    #[pyo3(signature = (wanted, receiver=None))]
    fn get_many(&self, py: Python<'_>, wanted: &Bound<'_, PyTuple>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.get_many(&names(wanted)?), receiver, exact_fields))
    }

    /// One field's value as JSON text, and its version.
    #[pyo3(signature = (name, receiver=None))]
    fn get_versioned(&self, py: Python<'_>, name: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, self.waits, self.session.get_versioned(name.0), receiver, |py, found| match found {
                Some(found) => plain(py, (exact(py, Some(found.value))?, found.version)),
                None => Ok(py.None()),
            })
        })
    }

    /// All fields, one JSON object.
    #[pyo3(signature = (receiver=None))]
    fn all(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.all(), receiver, exact_fields))
    }

    /// All fields, one JSON object, whether Python's numbers can hold them or not.
    #[pyo3(signature = (receiver=None))]
    fn all_raw(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.all(), receiver, |py, fields| bytes(py, &fields.to_json())))
    }

    /// The names of all fields, sorted.
    #[pyo3(signature = (receiver=None))]
    fn keys(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.keys(), receiver, plain))
    }

    /// Whether the field is there.
    #[pyo3(signature = (name, receiver=None))]
    fn contains(&self, py: Python<'_>, name: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.contains(name.0), receiver, plain))
    }

    /// Puts every member of a JSON object.
    #[pyo3(signature = (fields, ttl, receiver=None))]
    fn put(&self, py: Python<'_>, fields: Text<'_>, ttl: Option<Seconds>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.put(fields.as_str(), seconds(ttl)), receiver, nothing))
    }

    /// Puts one field.
    #[pyo3(signature = (name, value, ttl, receiver=None))]
    fn put_one(
        &self,
        py: Python<'_>,
        name: Name<'_>,
        value: Text<'_>,
        ttl: Option<Seconds>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            run(py, self.waits, self.session.put_one(name.0, value.as_str(), seconds(ttl)), receiver, nothing)
        })
    }

    /// Deletes fields; how many were there.
    #[pyo3(signature = (unwanted, receiver=None))]
    fn delete(&self, py: Python<'_>, unwanted: &Bound<'_, PyTuple>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.delete(&names(unwanted)?), receiver, plain))
    }

    /// Deletes all fields; how many were there.
    #[pyo3(signature = (receiver=None))]
    fn clear(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.clear(), receiver, plain))
    }

    /// Adds a number, JSON text; the sum, JSON text.
    #[pyo3(signature = (name, by, receiver=None))]
    fn increment(&self, py: Python<'_>, name: Name<'_>, by: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, self.waits, self.session.increment(name.0, by.as_str()), receiver, |py, sum: Json| {
                exact(py, Some(sum))
            })
        })
    }

    /// Appends the elements of a JSON array; the new length.
    #[pyo3(signature = (name, values, receiver=None))]
    fn append(&self, py: Python<'_>, name: Name<'_>, values: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.append(name.0, values.as_str()), receiver, plain))
    }

    /// Puts a field that is not there yet; whether it was put.
    #[pyo3(signature = (name, value, ttl, receiver=None))]
    fn put_if_absent(
        &self,
        py: Python<'_>,
        name: Name<'_>,
        value: Text<'_>,
        ttl: Option<Seconds>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            run(py, self.waits, self.session.put_if_absent(name.0, value.as_str(), seconds(ttl)), receiver, plain)
        })
    }

    /// Puts a field if its version is that one (None: if it is absent); the new version.
    #[pyo3(signature = (name, value, version, ttl, receiver=None))]
    fn put_if(
        &self,
        py: Python<'_>,
        name: Name<'_>,
        value: Text<'_>,
        version: Option<Name<'_>>,
        ttl: Option<Seconds>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let version = version.as_ref().map(|version| version.0);
            run(py, self.waits, self.session.put_if(name.0, value.as_str(), version, seconds(ttl)), receiver, plain)
        })
    }

    /// Begins read, change, compare-and-put of one field.
    fn update(&self, py: Python<'_>, name: Name<'_>) -> PyResult<Update> {
        border(py, || Ok(Update { update: self.session.update(name.0), waits: self.waits }))
    }

    /// The value at a JSON Pointer inside a field.
    #[pyo3(signature = (name, pointer, receiver=None))]
    fn get_path(&self, py: Python<'_>, name: Name<'_>, pointer: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.get_path(name.0, pointer.0), receiver, exact))
    }

    /// Sets the value at a JSON Pointer inside a field.
    #[pyo3(signature = (name, pointer, value, receiver=None))]
    fn put_path(
        &self,
        py: Python<'_>,
        name: Name<'_>,
        pointer: Name<'_>,
        value: Text<'_>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || run(py, self.waits, self.session.put_path(name.0, pointer.0, value.as_str()), receiver, nothing))
    }

    /// Removes the value at a JSON Pointer inside a field; whether it was there.
    #[pyo3(signature = (name, pointer, receiver=None))]
    fn delete_path(&self, py: Python<'_>, name: Name<'_>, pointer: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.delete_path(name.0, pointer.0), receiver, plain))
    }

    /// Sets or removes a field's ttl; whether the field is there.
    #[pyo3(signature = (name, ttl, receiver=None))]
    fn set_ttl(&self, py: Python<'_>, name: Name<'_>, ttl: Option<Seconds>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.set_ttl(name.0, seconds(ttl)), receiver, plain))
    }

    /// When the field goes: None if it is absent, else `(milliseconds | None,)`.
    #[pyo3(signature = (name, receiver=None))]
    fn expires_at(&self, py: Python<'_>, name: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, self.waits, self.session.expires_at(name.0), receiver, |py, found| {
                plain(py, found.map(|expires| (expires.map(sessile::Time::millis),)))
            })
        })
    }

    /// `(version, created, updated, expires | None, last seen)`, times in milliseconds; None: nobody began it.
    #[pyo3(signature = (receiver=None))]
    fn info(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, self.waits, self.session.info(), receiver, |py, info| {
                plain(
                    py,
                    info.map(|info| {
                        let expires = info.expires_at.map(sessile::Time::millis);
                        (
                            info.version,
                            info.created_at.millis(),
                            info.updated_at.millis(),
                            expires,
                            info.last_seen_at.millis(),
                        )
                    }),
                )
            })
        })
    }

    /// Ends the session.
    #[pyo3(signature = (receiver=None))]
    fn end(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.session.end(), receiver, nothing))
    }

    /// Writes the changes of a sub-process's own version of a Global session: `(put, deleted)`.
    #[pyo3(signature = (exclusive, receiver=None))]
    fn commit(&self, py: Python<'_>, exclusive: Flag, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, self.waits, self.session.commit(CommitOptions { exclusive: exclusive.0 }), receiver, committed)
        })
    }
}

/// Read, change, compare-and-put of one field.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Update {
    update: sessile::Update,
    waits: Waits,
}

#[pymethods]
impl Update {
    /// The field's value as JSON text, or None.
    #[pyo3(signature = (receiver=None))]
    fn current(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.update.current(), receiver, exact))
    }

    /// Puts the new value (None: deletes); False: somebody changed the field meanwhile.
    #[pyo3(signature = (value, receiver=None))]
    fn try_commit(&self, py: Python<'_>, value: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, self.waits, self.update.try_commit(value.as_ref().map(Text::as_str)), receiver, plain))
    }
}

fn seconds(ttl: Option<Seconds>) -> Option<u64> {
    ttl.map(|ttl| ttl.0)
}
