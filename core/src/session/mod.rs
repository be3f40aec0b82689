//! A session and its verbs: Local, Scoped and Global alike.

use crate::clock::Time;
use crate::error::Result;
use crate::execution::{CommitOptions, Committed};
use crate::json::{Fields, Json};
use crate::task::Task;

/// A session: named JSON fields. Clones are the same session; any thread may use it.
#[derive(Clone)]
pub struct Session;

#[allow(unused_variables)]
impl Session {
    /// One field's value; absent: `None`.
    pub fn get(&self, name: &str) -> Task<Option<Json>> {
        todo!()
    }
    /// Those of the fields that are there, in the order asked for.
    pub fn get_many(&self, names: &[&str]) -> Task<Fields> {
        todo!()
    }
    /// One field's value with its version.
    pub fn get_versioned(&self, name: &str) -> Task<Option<Versioned>> {
        todo!()
    }
    /// All fields, sorted by name.
    pub fn all(&self) -> Task<Fields> {
        todo!()
    }
    /// The names of all fields, sorted.
    pub fn keys(&self) -> Task<Vec<String>> {
        todo!()
    }
    /// Whether the field is there.
    pub fn contains(&self, name: &str) -> Task<bool> {
        todo!()
    }
    /// Puts every member of `fields` (JSON object text), all or nothing. `ttl`: whole seconds ≥ 1 until they go.
    pub fn put(&self, fields: &str, ttl: Option<u64>) -> Task<()> {
        todo!()
    }
    /// Puts one field. `value` is JSON text.
    pub fn put_one(&self, name: &str, value: &str, ttl: Option<u64>) -> Task<()> {
        todo!()
    }
    /// Deletes fields; absent ones are no error. How many were there.
    pub fn delete(&self, names: &[&str]) -> Task<u64> {
        todo!()
    }
    /// Deletes all fields. How many were there.
    pub fn clear(&self) -> Task<u64> {
        todo!()
    }
    /// Adds `by` (JSON number text) to a number field (absent: 0); the sum. Integers stay exact within 64 bits.
    pub fn increment(&self, name: &str, by: &str) -> Task<Json> {
        todo!()
    }
    /// Appends the elements of `values` (JSON array text) to an array field (absent: empty); the new length.
    pub fn append(&self, name: &str, values: &str) -> Task<u64> {
        todo!()
    }
    /// Puts a field that is not there yet; whether it was put.
    pub fn put_if_absent(&self, name: &str, value: &str, ttl: Option<u64>) -> Task<bool> {
        todo!()
    }
    /// Gets and deletes a field.
    pub fn take(&self, name: &str) -> Task<Option<Json>> {
        todo!()
    }
    /// Puts a field if its version is `version` (`None`: if it is absent), else `CONFLICT`; the new version.
    pub fn put_if(&self, name: &str, value: &str, version: Option<&str>, ttl: Option<u64>) -> Task<String> {
        todo!()
    }
    /// Begins read, change, compare-and-put of one field. Bindings build `update(fn)` on it.
    pub fn update(&self, name: &str) -> Update {
        todo!()
    }
    /// The value at a JSON Pointer inside a field (`""`: the field itself).
    pub fn get_path(&self, name: &str, pointer: &str) -> Task<Option<Json>> {
        todo!()
    }
    /// Sets the value at a JSON Pointer inside a field; `-` appends to an array. A missing parent is `NOT_FOUND`.
    pub fn put_path(&self, name: &str, pointer: &str, value: &str) -> Task<()> {
        todo!()
    }
    /// Removes the value at a JSON Pointer inside a field; whether it was there.
    pub fn delete_path(&self, name: &str, pointer: &str) -> Task<bool> {
        todo!()
    }
    /// Sets (`None`: removes) a field's ttl, in whole seconds ≥ 1; whether the field is there.
    pub fn set_ttl(&self, name: &str, ttl: Option<u64>) -> Task<bool> {
        todo!()
    }
    /// When the field goes; `Some(None)`: it is there and stays.
    pub fn expires_at(&self, name: &str) -> Task<Option<Option<Time>>> {
        todo!()
    }
    /// Version and times; `None`: a Global session that nobody began.
    pub fn info(&self) -> Task<Option<Info>> {
        todo!()
    }
    /// Ends the session: Local is emptied, a Global one is over for everybody who holds it.
    pub fn end(&self) -> Task<()> {
        todo!()
    }
    /// For [`scoped_global`](crate::Execution::scoped_global): writes its changes. Elsewhere `INVALID_ARGUMENT`.
    pub fn commit(&self, options: CommitOptions) -> Task<Committed> {
        todo!()
    }
}

/// A value with its field's version: opaque, compared for equality.
#[derive(Clone)]
pub struct Versioned {
    /// The value.
    pub value: Json,
    /// The version.
    pub version: String,
}

/// A session's version and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Changes since the session (or the sub-process) began.
    pub version: u64,
    /// When it began.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// When it ends; `None` for Local.
    pub expires_at: Option<Time>,
    /// When it was last used; touched at most once a minute.
    pub last_seen_at: Time,
}

impl Info {
    /// `{"version":…,"createdAt":…,"updatedAt":…,"expiresAt":…,"lastSeenAt":…}`
    pub fn to_json(&self) -> String {
        todo!()
    }
}

/// Read, change, compare-and-put of one field: call [`current`](Update::current), change the value, then
/// [`try_commit`](Update::try_commit); on `false` begin again with `current`. After the deadline `try_commit` is `CONFLICT`.
#[derive(Clone)]
pub struct Update;

#[allow(unused_variables)]
impl Update {
    /// Reads the field.
    pub fn current(&self) -> Task<Option<Json>> {
        todo!()
    }
    /// Puts the new value (`None`: deletes) if nobody changed the field since `current`; `false`: somebody did.
    pub fn try_commit(&self, value: Option<&str>) -> Task<bool> {
        todo!()
    }
}

#[allow(unused)]
fn _r() -> Result<()> {
    Ok(())
}
