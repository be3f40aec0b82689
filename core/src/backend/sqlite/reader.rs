//! What is read: a session as of one instant, a user's record, a meta record.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::change::{Entry, asked};
use super::super::{BlindUser, Cells, MetaKey, Record, SealedField, SealedHead, Space, StorageId, Touch, UserRecord};
use super::row::{self, Packed};
use super::{Attempt, damaged, session_key, user_key};
use crate::clock::Time;

pub(super) const HEAD: &str = "SELECT head, touch, version, updated, size, count FROM session WHERE key = ?1";
pub(super) const WHOLE: &str = "SELECT head, touch, version, updated, size, count, cells FROM session WHERE key = ?1";

pub(super) const LARGE: &str = "SELECT value FROM field WHERE key = ?1 AND cell = ?2";

/// Reads one session and, when named, its user's record.
pub(super) fn record(
    connection: &Connection,
    space: &Space,
    id: &StorageId,
    cells: &Cells,
    user: Option<&BlindUser>,
) -> Attempt<Record> {
    // Two tables of one instant take a transaction, unless the caller has one.
    let snapshot = match user {
        Some(_) if connection.is_autocommit() => Some(connection.unchecked_transaction()?),
        _ => None,
    };
    let mut record = session(connection, &session_key(space, id), cells)?;
    if let Some(user) = user {
        record.user = user_record(connection, space, user)?;
    }
    if let Some(snapshot) = snapshot {
        snapshot.finish()?;
    }
    Ok(record)
}

fn session(connection: &Connection, key: &[u8], asked_for: &Cells) -> Attempt<Record> {
    let no_cells = *asked_for == Cells::None;
    let mut statement = connection.prepare_cached(if no_cells { HEAD } else { WHOLE })?;
    let mut rows = statement.query([key])?;
    let Some(found) = rows.next()? else {
        return Ok(Record::default());
    };
    let mut record = Record {
        head: head(found.get_ref(0)?).map(SealedHead::from),
        touch: touch(found.get_ref(1)?),
        version: number(found, 2)?,
        updated: found.get::<_, Option<i64>>(3)?.map(Time::from_millis),
        size: number(found, 4)?,
        count: number(found, 5)?,
        ..Record::default()
    };
    if no_cells {
        return Ok(record);
    }
    let blob = found.get_ref(6)?.as_blob().ok();
    let packed = blob.and_then(|blob| cells(blob, record.size, record.count)).ok_or_else(damaged)?;
    // `rows` is not at its end: until it is dropped, the read of the large cells sees the row's own snapshot.
    for cell in packed.iter().filter(|cell| asked(asked_for, cell.cell())) {
        let sealed = if cell.apart { large(connection, key, cell)? } else { cell.bytes.into() };
        record.cells.push((*cell.cell(), SealedField(sealed)));
    }
    Ok(record)
}

fn large(connection: &Connection, key: &[u8], cell: &Packed<'_>) -> Attempt<Box<[u8]>> {
    let mut statement = connection.prepare_cached(LARGE)?;
    let sealed: Option<Box<[u8]>> = statement.query_row(params![key, cell.cell()], |row| row.get(0)).optional()?;
    sealed.filter(|sealed| cell.stands_for(sealed)).ok_or_else(damaged)
}

/// The cells of a row, if they are as many and as large as the row says.
pub(super) fn cells(blob: &[u8], size: u64, count: u64) -> Option<Vec<Packed<'_>>> {
    let cells = row::unpack(blob)?;
    let sum: u64 = cells.iter().map(Entry::size).sum();
    (sum == size && cells.len() as u64 == count).then_some(cells)
}

/// A head; anything that is not one reads as an empty head, which nobody can open: it concerns its own session only,
/// and can be replaced.
pub(super) fn head(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Null => None,
        ValueRef::Blob(head) => Some(head),
        _ => Some(&[]),
    }
}

/// A touch; anything that is not one counts as none, for a session must stay readable without it.
pub(super) fn touch(value: ValueRef<'_>) -> Option<Touch> {
    value.as_blob().ok()?.try_into().ok()
}

pub(super) fn number(row: &Row<'_>, at: usize) -> Attempt<u64> {
    u64::try_from(row.get::<_, i64>(at)?).map_err(|_| damaged())
}

pub(super) fn user_record(connection: &Connection, space: &Space, user: &BlindUser) -> Attempt<Option<UserRecord>> {
    let mut statement = connection.prepare_cached("SELECT sealed, generation FROM user WHERE key = ?1")?;
    let mut rows = statement.query([user_key(space, user)])?;
    let Some(found) = rows.next()? else { return Ok(None) };
    Ok(Some(UserRecord { sealed: found.get(0)?, generation: number(found, 1)? }))
}

pub(super) fn meta(connection: &Connection, key: &MetaKey) -> Attempt<Option<Box<[u8]>>> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Free pages that stay with the file, for what is written next: 1 MiB.
pub(super) const FREE_PAGES_KEPT: u64 = 256;

pub(super) const EXPIRED: &str = "SELECT 1 FROM session WHERE expires <= ?1 LIMIT 1";

/// Whether a sweep would find anything, sessions or space: looking takes no write lock.
pub(super) fn anything_to_sweep(connection: &Connection, now: Time) -> Attempt<bool> {
    let mut statement = connection.prepare_cached(EXPIRED)?;
    Ok(statement.exists([now.millis()])? || free_pages(connection)? > FREE_PAGES_KEPT)
}

/// Pages of the file that hold nothing.
pub(super) fn free_pages(connection: &Connection) -> Attempt<u64> {
    let mut statement = connection.prepare_cached("PRAGMA freelist_count")?;
    statement.query_row([], |row| Ok(number(row, 0)))?
}

/// What SQLite finds wrong with the file, in its words, at most `limit` of it.
pub(super) fn integrity(connection: &Connection, limit: usize) -> Attempt<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({limit})"))?;
    let found = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(if found == ["ok"] { Vec::new() } else { found })
}
