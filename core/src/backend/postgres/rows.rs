//! Rows as records. A row of another shape than was asked for is not from our tables: `None` here, an error where it was
//! asked.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::super::{BlindUser, CellId, Listed, Outcome, Record, SealedField, UserRecord, UserSessions};
use crate::clock::Time;

fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Option<T> {
    row.try_get(column).ok()
}

fn unsigned(row: &Row, column: usize) -> Option<u64> {
    get(row, column).map(i64::cast_unsigned)
}

type Blobs = Option<Vec<Vec<u8>>>;

fn user_record(row: &Row, column: usize) -> Option<Option<UserRecord>> {
    let (generation, sealed): (Option<i64>, Option<&[u8]>) = (get(row, column)?, get(row, column + 1)?);
    let record = generation.zip(sealed);
    Some(
        record.map(|(generation, sealed)| UserRecord { sealed: sealed.into(), generation: generation.cast_unsigned() }),
    )
}

fn cells(row: &Row, column: usize) -> Option<Vec<(CellId, SealedField)>> {
    let (cells, sealed): (Blobs, Blobs) = (get(row, column)?, get(row, column + 1)?);
    let both = cells.unwrap_or_default().into_iter().zip(sealed.unwrap_or_default());
    let mut cells = both
        .map(|(cell, sealed)| Some((cell.try_into().ok()?, SealedField(sealed.into()))))
        .collect::<Option<Vec<(CellId, _)>>>()?;
    // In the order of their ids, as every backend answers.
    cells.sort_unstable_by_key(|(cell, _)| *cell);
    Some(cells)
}

/// The answer to `Texts::read`.
pub(super) fn record(row: &Row) -> Option<Record> {
    Some(Record { user: user_record(row, 6)?, cells: cells(row, 8)?, ..session(row)? })
}

/// The answer to `Texts::read_cells`: a row for each cell, one without where there is none, none without a session.
pub(super) fn record_by_cells(found: &[Row]) -> Option<Record> {
    let Some(first) = found.first() else { return Some(Record::default()) };
    let mut record = session(first)?;
    for row in found {
        if let Some(cell) = get::<Option<&[u8]>>(row, 6)? {
            record.cells.push((cell.try_into().ok()?, SealedField(get::<&[u8]>(row, 7)?.into())));
        }
    }
    record.cells.sort_unstable_by_key(|(cell, _)| *cell);
    Some(record)
}

/// What both begin with.
fn session(row: &Row) -> Option<Record> {
    Some(Record {
        head: get::<Option<&[u8]>>(row, 0)?.map(Into::into),
        touch: get::<Option<&[u8]>>(row, 1)?.and_then(|touch| touch.try_into().ok()),
        version: unsigned(row, 2)?,
        updated: get::<Option<i64>>(row, 3)?.map(Time::from_millis),
        size: unsigned(row, 4)?,
        count: unsigned(row, 5)?,
        ..Record::default()
    })
}

/// The answer of `apply_1`.
pub(super) fn outcome(row: &Row) -> Option<Outcome> {
    Some(match get::<i64>(row, 0)? {
        0 => Outcome::Refused(Record {
            version: unsigned(row, 1)?,
            size: unsigned(row, 3)?,
            count: unsigned(row, 4)?,
            head: get::<Option<&[u8]>>(row, 5)?.map(Into::into),
            touch: get::<Option<&[u8]>>(row, 6)?.and_then(|touch| touch.try_into().ok()),
            updated: get::<Option<i64>>(row, 7)?.map(Time::from_millis),
            user: user_record(row, 8)?,
            cells: cells(row, 10)?,
            ..Record::default()
        }),
        1 => Outcome::Applied { version: unsigned(row, 1)?, deleted: unsigned(row, 2)? },
        2 => Outcome::TooLarge { size: unsigned(row, 3)?, count: unsigned(row, 4)? },
        _ => return None,
    })
}

pub(super) fn listed(row: &Row) -> Option<Listed> {
    Some(Listed {
        user: get::<&[u8]>(row, 0)?.try_into().ok()?,
        id: get::<&[u8]>(row, 1)?.try_into().ok()?,
        head: get::<Option<&[u8]>>(row, 2)?.map(Into::into),
        touch: get::<Option<&[u8]>>(row, 3)?.and_then(|touch| touch.try_into().ok()),
    })
}

/// The answer to `Texts::user`.
pub(super) fn user_sessions(row: &Row, user: &BlindUser) -> Option<UserSessions> {
    type Holes = Option<Vec<Option<Vec<u8>>>>;
    let (ids, heads, touches): (Blobs, Holes, Holes) = (get(row, 2)?, get(row, 3)?, get(row, 4)?);
    let all = ids.unwrap_or_default().into_iter().zip(heads.unwrap_or_default()).zip(touches.unwrap_or_default());
    let sessions = all.map(|((id, head), touch)| {
        Some(Listed {
            user: *user,
            id: id.try_into().ok()?,
            head: head.map(Into::into),
            touch: touch.and_then(|touch| touch.try_into().ok()),
        })
    });
    Some(UserSessions { record: user_record(row, 0)?, sessions: sessions.collect::<Option<_>>()? })
}

/// The answer to `Texts::find`.
pub(super) fn found(row: &Row) -> Option<(Record, Option<(BlindUser, UserSessions)>)> {
    let record = Record {
        head: get::<Option<&[u8]>>(row, 5)?.map(Into::into),
        touch: get::<Option<&[u8]>>(row, 6)?.and_then(|touch| touch.try_into().ok()),
        ..Record::default()
    };
    let Some(user) = get::<Option<&[u8]>>(row, 7)? else { return Some((record, None)) };
    let user: BlindUser = user.try_into().ok()?;
    Some((record, Some((user, user_sessions(row, &user)?))))
}

pub(super) fn listed_user(row: &Row) -> Option<(BlindUser, UserRecord)> {
    Some((get::<&[u8]>(row, 0)?.try_into().ok()?, user_record(row, 1)??))
}

pub(super) fn bytes(row: &Row, column: usize) -> Option<Option<Vec<u8>>> {
    get(row, column)
}

pub(super) fn flag(row: &Row) -> Option<bool> {
    get(row, 0)
}

pub(super) fn flags(row: &Row) -> Option<Vec<bool>> {
    get(row, 0)
}

pub(super) fn number(row: &Row) -> Option<u64> {
    unsigned(row, 0)
}
