//! Replies as records. A reply of another shape than was asked for is no Redis's, or not our data: `None` here, an error
//! where it was asked.

use redis::Value;

use super::super::{
    BlindUser, CellId, Cells, Change, Listed, Outcome, Record, SealedField, SealedHead, StorageId, UserRecord,
    UserSessions,
};
use crate::clock::Time;

/// The fields of a session that are no cells, as they are asked for.
pub(super) const FIELDS: [&str; 6] = ["h", "t", "v", "n", "c", "u"];

pub(super) fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) | Value::Set(values) => Some(values),
        _ => None,
    }
}

/// Bytes, or `None` inside where there is nothing.
pub(super) fn bytes(value: Value) -> Option<Option<Vec<u8>>> {
    match value {
        Value::BulkString(bytes) => Some(Some(bytes)),
        Value::Nil => Some(None),
        _ => None,
    }
}

pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// The answer to `HMGET` of [`FIELDS`] and these cells.
pub(super) fn record(values: Vec<Value>, cells: &[CellId]) -> Option<Record> {
    let mut values = values.into_iter();
    let mut record = Record::default();
    for field in FIELDS {
        if let Some(bytes) = bytes(values.next()?)? {
            set(&mut record, field.as_bytes(), bytes)?;
        }
    }
    for cell in cells {
        if let Some(bytes) = bytes(values.next()?)? {
            record.cells.push((*cell, SealedField(bytes.into())));
        }
    }
    values.next().is_none().then_some(record)
}

/// The answer to `HGETALL`.
pub(super) fn whole_record(values: Vec<Value>) -> Option<Record> {
    let mut record = Record::default();
    let mut values = values.into_iter();
    while let Some(field) = values.next() {
        set(&mut record, &bytes(field)??, bytes(values.next()?)??)?;
    }
    // In the order of their ids, as every backend answers.
    record.cells.sort_unstable_by_key(|(cell, _)| *cell);
    Some(record)
}

fn set(record: &mut Record, field: &[u8], bytes: Vec<u8>) -> Option<()> {
    match field {
        b"h" => record.head = Some(bytes.into()),
        b"t" => record.touch = bytes.try_into().ok(),
        b"v" => record.version = decimal(&bytes)?,
        b"n" => record.size = decimal(&bytes)?,
        b"c" => record.count = decimal(&bytes)?,
        b"u" => record.updated = Some(Time::from_millis(decimal(&bytes)?)),
        b"e" => {}
        cell => record.cells.push((cell.try_into().ok()?, SealedField(bytes.into()))),
    }
    Some(())
}

pub(super) fn decimal<T: std::str::FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// The answer of `read.lua`, and a refusal's tail: a user's record, whether all was asked for, what was found.
pub(super) fn record_with_user(values: impl IntoIterator<Item = Value>, cells: &[CellId]) -> Option<Record> {
    let mut values = values.into_iter();
    let user = user_record(values.next()?)?;
    let is_whole = number(&values.next()?)? == 1;
    let found = array(values.next()?)?;
    let record = if is_whole { whole_record(found)? } else { record(found, cells)? };
    Some(Record { user, ..record })
}

fn user_record(value: Value) -> Option<Option<UserRecord>> {
    let Some(bytes) = bytes(value)? else { return Some(None) };
    let (generation, sealed) = bytes.split_first_chunk()?;
    Some(Some(UserRecord { sealed: sealed.into(), generation: u64::from_be_bytes(*generation) }))
}

/// The answer of `put.lua` to this one change.
pub(super) fn put_outcome(value: Value, changes: &[Change]) -> Option<Outcome> {
    match number(&value) {
        Some(version) => Some(Outcome::Applied { version: version.cast_unsigned(), deleted: 0 }),
        None => outcome(value, changes),
    }
}

/// The answer of `apply.lua` to these changes.
pub(super) fn outcome(value: Value, changes: &[Change]) -> Option<Outcome> {
    let mut values = array(value)?.into_iter();
    let mut unsigned = || number(&values.next()?).map(i64::cast_unsigned);
    match (unsigned()?, unsigned()?) {
        (0, place) => {
            let refused = changes.get(usize::try_from(place).ok()?.checked_sub(1)?)?;
            let cells = if let Cells::Some(cells) = &refused.answer { &cells[..] } else { &[] };
            record_with_user(values, cells).map(Outcome::Refused)
        }
        (1, version) => Some(Outcome::Applied { version, deleted: unsigned()? }),
        (2, size) => Some(Outcome::TooLarge { size, count: unsigned()? }),
        _ => None,
    }
}

/// The answer of `list.lua`.
pub(super) fn user_sessions(value: Value) -> Option<UserSessions> {
    let mut values = array(value)?.into_iter();
    let record = user_record(values.next()?)?;
    let sessions = array(values.next()?)?.into_iter().map(listed).collect::<Option<_>>()?;
    Some(UserSessions { record, sessions })
}

/// The answer of `find.lua`.
pub(super) fn found(value: Value) -> Option<(Record, Option<(BlindUser, UserSessions)>)> {
    let mut values = array(value)?.into_iter();
    let head = bytes(values.next()?)?.map(SealedHead::from);
    let touch = bytes(values.next()?)?.and_then(|touch| touch.try_into().ok());
    let record = Record { head, touch, ..Record::default() };
    let Some(user) = values.next() else { return Some((record, None)) };
    let user = bytes(user)??.try_into().ok()?;
    Some((record, Some((user, user_sessions(Value::Array(values.collect()))?))))
}

fn listed(value: Value) -> Option<Listed> {
    let mut values = array(value)?.into_iter();
    let entry = bytes(values.next()?)??;
    let (user, id) = entry.split_first_chunk()?;
    let id: StorageId = id.try_into().ok()?;
    let head = bytes(values.next()?)?.map(SealedHead::from);
    let touch = bytes(values.next()?)?.and_then(|touch| touch.try_into().ok());
    Some(Listed { user: *user, id, head, touch })
}

/// The answer of `users.lua`. What is no record reads as an empty one, which nobody can open: it must not hide the
/// others.
pub(super) fn users(value: Value) -> Option<Vec<(BlindUser, UserRecord)>> {
    let user = |value| {
        let mut values = array(value)?.into_iter();
        let user: BlindUser = bytes(values.next()?)??.try_into().ok()?;
        let unreadable = || UserRecord { sealed: Box::default(), generation: 0 };
        Some((user, user_record(values.next()?).flatten().unwrap_or_else(unreadable)))
    };
    array(value)?.into_iter().map(user).collect()
}

/// The answer of `ids.lua`.
pub(super) fn ids(value: Value) -> Option<Vec<StorageId>> {
    array(value)?.into_iter().map(|id| bytes(id)??.try_into().ok()).collect()
}
