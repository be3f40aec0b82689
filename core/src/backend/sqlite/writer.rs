//! What is written, each inside a transaction that the caller opened under the write lock.

use rusqlite::{Connection, params};

use super::super::change::{Entry, Next, Standing, TooLarge};
use super::super::{Change, Effects, MetaKey, Outcome, Touch};
use super::row::{self, Packed};
use super::{Attempt, damaged, reader, session_key, user_key};
use crate::clock::Time;
use crate::error::fail;

/// A session's row as it stands.
struct Stored {
    rowid: Option<i64>,
    head: Option<Box<[u8]>>,
    touch: Option<Touch>,
    version: u64,
    updated: Option<i64>,
    size: u64,
    count: u64,
    /// `None`: no blob at all.
    cells: Option<Vec<u8>>,
}

/// Applies `change` if its guards hold.
pub(super) fn apply(connection: &Connection, change: &Change) -> Attempt<Outcome> {
    let Change { space, id, guard, effects, answer } = change;
    let key = session_key(space, id);
    let stored = Stored::load(connection, &key)?;
    let blob = stored.cells.as_deref();
    let (cells, unreadable) = match blob.and_then(|blob| reader::cells(blob, stored.size, stored.count)) {
        Some(cells) => (cells, false),
        // A damaged session must still be possible to revoke: nothing here depends on what its cells were.
        None if effects.clear && guard.stamps.is_empty() => (Vec::new(), true),
        None => return Err(damaged()),
    };
    let standing =
        Standing { head: stored.head.as_deref(), touch: stored.touch, version: stored.version, cells: &cells };
    let user = guard.generation.as_ref().map(|(user, _)| user);
    let generation = match user {
        Some(user) => reader::user_record(connection, space, user)?.map_or(0, |record| record.generation),
        None => 0,
    };
    if !standing.holds(guard, generation, effects.now) {
        return Ok(Outcome::Refused(reader::record(connection, space, id, answer, user)?));
    }
    let plan = match standing.plan(effects) {
        Ok(plan) => plan,
        Err(TooLarge { size, count }) => return Ok(Outcome::TooLarge { size, count }),
    };

    if unreadable || plan.writes_row(&standing, effects) {
        let mut after = Vec::with_capacity(plan.cells.len());
        for next in &plan.cells {
            after.push(match *next {
                Next::Kept(at) => cells[at],
                Next::Put(at) => {
                    let (cell, sealed) = &effects.put[at];
                    Packed::new(*cell, &sealed.0)
                        .ok_or_else(|| fail!(LimitExceeded, "a sealed field is at most 2 GiB"))?
                }
            });
        }
        if effects.clear {
            connection.prepare_cached("DELETE FROM field WHERE key = ?1")?.execute([&key])?;
        } else {
            for &at in plan.gone.iter().filter(|&&at| cells[at].apart) {
                let mut delete = connection.prepare_cached("DELETE FROM field WHERE key = ?1 AND cell = ?2")?;
                delete.execute(params![key, cells[at].cell()])?;
            }
        }
        for (next, cell) in plan.cells.iter().zip(&after) {
            if let Next::Put(at) = *next
                && cell.apart
            {
                let mut insert = connection.prepare_cached("INSERT INTO field(key, cell, value) VALUES(?1, ?2, ?3)")?;
                insert.execute(params![key, cell.cell(), effects.put[at].1.0])?;
            }
        }
        let written = Stored {
            rowid: stored.rowid,
            head: effects.head.clone().or_else(|| stored.head.clone()),
            touch: plan.touch,
            version: plan.version,
            updated: if effects.raise_version { Some(effects.now.millis()) } else { stored.updated },
            size: plan.size,
            count: after.len() as u64,
            cells: Some(row::pack(after.into_iter())),
        };
        written.save(connection, &key, effects.hint())?;
    }
    user_and_index(connection, change, effects)?;
    Ok(Outcome::Applied { version: plan.version, deleted: plan.deleted })
}

impl Stored {
    fn load(connection: &Connection, key: &[u8]) -> Attempt<Stored> {
        let sql = "SELECT rowid, head, touch, version, updated, size, count, cells FROM session WHERE key = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([key])?;
        let Some(row) = rows.next()? else {
            return Ok(Stored {
                rowid: None,
                head: None,
                touch: None,
                version: 0,
                updated: None,
                size: 0,
                count: 0,
                cells: Some(Vec::new()),
            });
        };
        Ok(Stored {
            rowid: Some(row.get(0)?),
            head: row.get(1)?,
            touch: reader::touch(row.get_ref(2)?),
            version: reader::number(row, 3)?,
            updated: row.get(4)?,
            size: reader::number(row, 5)?,
            count: reader::number(row, 6)?,
            cells: row.get_ref(7)?.as_blob().ok().map(<[u8]>::to_vec),
        })
    }

    /// `hint`: the expiry hint to set. Assigning a column rewrites its index entry even when it stays equal, so an
    /// ordinary put leaves it out.
    fn save(&self, connection: &Connection, key: &[u8], hint: Option<Option<Time>>) -> Attempt<()> {
        let Stored { rowid, head, touch, updated, cells, .. } = self;
        let [version, size, count] = [self.version, self.size, self.count].map(u64::cast_signed);
        let expires = hint.flatten().map(Time::millis);
        match (rowid, hint) {
            (None, _) => {
                let sql = "INSERT INTO session(key, head, touch, version, updated, size, count, cells, expires) \
                           VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
                let mut insert = connection.prepare_cached(sql)?;
                insert.execute(params![key, head, touch, version, updated, size, count, cells, expires])?;
            }
            (Some(rowid), Some(_)) => {
                let sql = "UPDATE session SET head = ?2, touch = ?3, version = ?4, updated = ?5, size = ?6, count = ?7, \
                           cells = ?8, expires = ?9 WHERE rowid = ?1";
                let mut update = connection.prepare_cached(sql)?;
                update.execute(params![rowid, head, touch, version, updated, size, count, cells, expires])?;
            }
            (Some(rowid), None) => {
                let sql = "UPDATE session SET head = ?2, touch = ?3, version = ?4, updated = ?5, size = ?6, count = ?7, \
                           cells = ?8 WHERE rowid = ?1";
                let mut update = connection.prepare_cached(sql)?;
                update.execute(params![rowid, head, touch, version, updated, size, count, cells])?;
            }
        }
        Ok(())
    }
}

fn user_and_index(connection: &Connection, change: &Change, effects: &Effects) -> Attempt<()> {
    let Change { space, id, .. } = change;
    if let Some((user, sealed)) = &effects.user {
        let sql = "INSERT INTO user(key, generation, sealed) VALUES(?1, 1, ?2) \
                   ON CONFLICT(key) DO UPDATE SET generation = generation + 1, sealed = excluded.sealed";
        connection.prepare_cached(sql)?.execute(params![user_key(space, user), sealed])?;
    }
    if let Some((user, listed)) = &effects.index {
        let sql = match listed {
            true => "INSERT OR IGNORE INTO entry(space, user, id) VALUES(?1, ?2, ?3)",
            false => "DELETE FROM entry WHERE space = ?1 AND user = ?2 AND id = ?3",
        };
        connection.prepare_cached(sql)?.execute(params![space, user, id])?;
    }
    Ok(())
}

/// Drops up to `budget` sessions whose hint is past, with their large cells and index entries.
pub(super) fn sweep(connection: &Connection, now: Time, budget: usize) -> Attempt<u64> {
    let budget = i64::try_from(budget).unwrap_or(i64::MAX);
    let sql = "SELECT rowid, key FROM session WHERE expires <= ?1 ORDER BY expires LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_map(params![now.millis(), budget], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(i64, Vec<u8>)> = found.collect::<rusqlite::Result<_>>()?;
    for (rowid, key) in &found {
        connection.prepare_cached("DELETE FROM session WHERE rowid = ?1")?.execute([rowid])?;
        connection.prepare_cached("DELETE FROM field WHERE key = ?1")?.execute([key])?;
        if let Some((space, id)) = key.split_first_chunk::<16>() {
            let mut delete = connection.prepare_cached("DELETE FROM entry WHERE space = ?1 AND id = ?2")?;
            delete.execute(params![space, id])?;
        }
    }
    Ok(found.len() as u64)
}

/// Writes a meta record if what stands there is `expected`; else what stands there.
pub(super) fn apply_meta(
    connection: &Connection,
    key: &MetaKey,
    expected: Option<&[u8]>,
    new: &[u8],
) -> Attempt<Result<(), Option<Box<[u8]>>>> {
    let standing = reader::meta(connection, key)?;
    if standing.as_deref() != expected {
        return Ok(Err(standing));
    }
    let sql = "INSERT INTO meta(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value = excluded.value";
    connection.prepare_cached(sql)?.execute(params![key, new])?;
    Ok(Ok(()))
}
