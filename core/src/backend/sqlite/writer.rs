//! What is written, each inside a transaction that the caller opened under the write lock.

use std::ops::ControlFlow;
use std::time::Instant;

use rusqlite::{CachedStatement, Connection, Row, params};

use super::super::change::{Entry, Next, Standing, TooLarge};
use super::super::{CellId, Change, Effects, MetaKey, Outcome, Touch, UserEffect};
use super::row::{self, Packed};
use super::{Attempt, damaged, reader, session_key, user_key};
use crate::clock::Time;
use crate::error::fail;

/// A connection in a transaction, with the statements that an ordinary put runs: the cache is asked for them once for all
/// changes of a group.
pub(super) struct Statements<'c> {
    connection: &'c Connection,
    stored: CachedStatement<'c>,
    update: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    pub(super) fn of(connection: &'c Connection) -> Attempt<Statements<'c>> {
        let stored = connection
            .prepare_cached("SELECT rowid, head, touch, version, size, count, cells FROM session WHERE key = ?1")?;
        let update = connection.prepare_cached(
            "UPDATE session SET version = ?2, updated = coalesce(?3, updated), size = ?4, count = ?5, cells = ?6 \
             WHERE rowid = ?1",
        )?;
        Ok(Statements { connection, stored, update })
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.connection
    }
}

/// A session's row as it stands, borrowed from the statement that reads it.
struct Stored<'a> {
    rowid: Option<i64>,
    head: Option<&'a [u8]>,
    touch: Option<Touch>,
    version: u64,
    size: u64,
    count: u64,
    /// `None`: no blob at all.
    cells: Option<&'a [u8]>,
}

/// A change whose guards hold and whose result is within the limits: what it writes, beside user and index.
pub(super) struct Decided {
    /// The session's row; `None` when it stays as it is.
    row: Option<After>,
    /// Large cells that go; with `clear` all go.
    gone: Vec<CellId>,
    /// Which puts of the effects lie apart.
    apart: Vec<usize>,
    version: u64,
    deleted: u64,
}

/// A session's row as it is to be.
struct After {
    /// `None`: there is none yet.
    rowid: Option<i64>,
    touch: Option<Touch>,
    /// Whether head, touch and expiry hint stay as they are.
    keeps_times: bool,
    hint: Option<Option<Time>>,
    version: u64,
    size: u64,
    count: u64,
    cells: Vec<u8>,
}

/// Applies the changes if all their guards hold.
pub(super) fn apply(statements: &mut Statements<'_>, changes: &[Change]) -> Attempt<Outcome> {
    match decide_all(statements, changes)? {
        ControlFlow::Continue(decisions) => write(statements, changes, &decisions),
        ControlFlow::Break(outcome) => Ok(outcome),
    }
}

/// What the changes come to, before anything is written: guards see what stood before.
pub(super) fn decide_all(
    statements: &mut Statements<'_>,
    changes: &[Change],
) -> Attempt<ControlFlow<Outcome, Vec<Decided>>> {
    let mut decisions = Vec::with_capacity(changes.len());
    for change in changes {
        match decide(statements, change)? {
            ControlFlow::Continue(decided) => decisions.push(decided),
            ControlFlow::Break(outcome) => return Ok(ControlFlow::Break(outcome)),
        }
    }
    Ok(ControlFlow::Continue(decisions))
}

/// Writes what was decided. One that fails may have been written in part.
pub(super) fn write(statements: &mut Statements<'_>, changes: &[Change], decisions: &[Decided]) -> Attempt<Outcome> {
    let (mut version, mut deleted) = (0, 0);
    for (change, decided) in changes.iter().zip(decisions) {
        version = decided.version;
        deleted += decided.deleted;
        decided.write(statements, change)?;
        user_and_index(statements.connection, change)?;
    }
    Ok(Outcome::Applied { version, deleted })
}

/// What the change comes to, or why it may not be.
fn decide(statements: &mut Statements<'_>, change: &Change) -> Attempt<ControlFlow<Outcome, Decided>> {
    let Change { space, id, guard, effects, answer } = change;
    let connection = statements.connection;
    let mut rows = statements.stored.query([&session_key(space, id)])?;
    let stored = rows.next()?.map_or(Ok(Stored::NONE), Stored::of)?;
    let (cells, unreadable) = match stored.cells.and_then(|blob| reader::cells(blob, stored.size, stored.count)) {
        Some(cells) => (cells, false),
        // A damaged session must still be possible to revoke: nothing here depends on what its cells were.
        None if effects.clear && guard.stamps.is_empty() => (Vec::new(), true),
        None => return Err(damaged()),
    };
    let standing = Standing { head: stored.head, touch: stored.touch, version: stored.version, cells: &cells };
    let user = guard.generation.as_ref().map(|(user, _)| user);
    let generation = match user {
        Some(user) => reader::user_record(connection, space, user)?.map_or(0, |record| record.generation),
        None => 0,
    };
    if !standing.holds(guard, generation, effects.now) {
        let there = reader::record(connection, space, id, answer, user)?;
        return Ok(ControlFlow::Break(Outcome::Refused(there)));
    }
    let plan = match standing.plan(effects) {
        Ok(plan) => plan,
        Err(TooLarge { size, count }) => return Ok(ControlFlow::Break(Outcome::TooLarge { size, count })),
    };

    let mut decided =
        Decided { row: None, gone: Vec::new(), apart: Vec::new(), version: plan.version, deleted: plan.deleted };
    if unreadable || plan.writes_row(&standing, effects) {
        let mut after = Vec::with_capacity(plan.cells.len());
        for next in &plan.cells {
            after.push(match *next {
                Next::Kept(at) => cells[at],
                Next::Put(at) => {
                    let (cell, sealed) = &effects.put[at];
                    let packed = Packed::new(*cell, &sealed.0)
                        .ok_or_else(|| fail!(LimitExceeded, "a sealed field is at most 2 GiB"))?;
                    decided.apart.extend(packed.apart.then_some(at));
                    packed
                }
            });
        }
        if !effects.clear {
            let gone = plan.gone.iter().map(|&at| &cells[at]).filter(|cell| cell.apart);
            decided.gone = gone.map(|cell| *cell.cell()).collect();
        }
        let hint = plan.hint(effects);
        decided.row = Some(After {
            rowid: stored.rowid,
            touch: plan.touch,
            keeps_times: effects.head.is_none() && hint.is_none() && plan.touch == stored.touch,
            hint,
            version: plan.version,
            size: plan.size,
            count: after.len() as u64,
            cells: row::pack(after.iter().copied()),
        });
    }
    Ok(ControlFlow::Continue(decided))
}

impl Decided {
    fn write(&self, statements: &mut Statements<'_>, change: &Change) -> Attempt<()> {
        let Some(row) = &self.row else { return Ok(()) };
        let connection = statements.connection;
        let effects = &change.effects;
        let key = session_key(&change.space, &change.id);
        if effects.clear {
            connection.prepare_cached("DELETE FROM field WHERE key = ?1")?.execute([&key])?;
        }
        for cell in &self.gone {
            let mut delete = connection.prepare_cached("DELETE FROM field WHERE key = ?1 AND cell = ?2")?;
            delete.execute(params![key, cell])?;
        }
        for &at in &self.apart {
            let (cell, sealed) = &effects.put[at];
            let mut insert = connection.prepare_cached("INSERT INTO field(key, cell, value) VALUES(?1, ?2, ?3)")?;
            insert.execute(params![key, cell, sealed.0])?;
        }
        row.save(statements, &key, effects)
    }
}

impl<'a> Stored<'a> {
    const NONE: Stored<'static> =
        Stored { rowid: None, head: None, touch: None, version: 0, size: 0, count: 0, cells: Some(&[]) };

    fn of(row: &'a Row<'_>) -> Attempt<Stored<'a>> {
        Ok(Stored {
            rowid: Some(row.get(0)?),
            head: reader::head(row.get_ref(1)?),
            touch: reader::touch(row.get_ref(2)?),
            version: reader::number(row, 3)?,
            size: reader::number(row, 4)?,
            count: reader::number(row, 5)?,
            cells: row.get_ref(6)?.as_blob().ok(),
        })
    }
}

impl After {
    /// Assigning a column costs its bytes once more, and the expiry hint its index entry, even when it stays equal: an
    /// ordinary put assigns neither head nor times.
    fn save(&self, statements: &mut Statements<'_>, key: &[u8], effects: &Effects) -> Attempt<()> {
        let connection = statements.connection;
        let After { rowid, touch, cells, .. } = self;
        let [version, size, count] = [self.version, self.size, self.count].map(u64::cast_signed);
        let updated = effects.raise_version.then(|| effects.now.millis());
        let head = &effects.head;
        let expires = self.hint.flatten().map(Time::millis);
        match rowid {
            None => {
                let sql = "INSERT INTO session(key, head, touch, version, updated, size, count, cells, expires) \
                           VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
                let mut insert = connection.prepare_cached(sql)?;
                insert.execute(params![key, head, touch, version, updated, size, count, cells, expires])?;
            }
            Some(rowid) if self.keeps_times => {
                statements.update.execute(params![rowid, version, updated, size, count, cells])?;
            }
            Some(rowid) if self.hint.is_none() => {
                let sql = "UPDATE session SET head = coalesce(?2, head), touch = ?3, version = ?4, \
                           updated = coalesce(?5, updated), size = ?6, count = ?7, cells = ?8 WHERE rowid = ?1";
                let mut update = connection.prepare_cached(sql)?;
                update.execute(params![rowid, head, touch, version, updated, size, count, cells])?;
            }
            Some(rowid) => {
                let sql = "UPDATE session SET head = coalesce(?2, head), touch = ?3, version = ?4, \
                           updated = coalesce(?5, updated), size = ?6, count = ?7, cells = ?8, expires = ?9 \
                           WHERE rowid = ?1";
                let mut update = connection.prepare_cached(sql)?;
                update.execute(params![rowid, head, touch, version, updated, size, count, cells, expires])?;
            }
        }
        Ok(())
    }
}

fn user_and_index(connection: &Connection, change: &Change) -> Attempt<()> {
    let Change { space, id, effects, .. } = change;
    match &effects.user {
        Some((user, UserEffect::Write(sealed))) => {
            let sql = "INSERT INTO user(key, generation, sealed) VALUES(?1, ?2, ?3) \
                       ON CONFLICT(key) DO UPDATE SET generation = generation + 1, sealed = excluded.sealed";
            let first = effects.first_generation().cast_signed();
            connection.prepare_cached(sql)?.execute(params![user_key(space, user), first, sealed])?;
        }
        Some((user, UserEffect::Remove)) => {
            connection.prepare_cached("DELETE FROM user WHERE key = ?1")?.execute([user_key(space, user)])?;
        }
        None => {}
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

/// Drops up to `budget` sessions whose hint is past, with their large cells and index entries, and gives free pages
/// back; begins nothing more after `until`. How many sessions.
pub(super) fn sweep(connection: &Connection, now: Time, budget: usize, until: Option<Instant>) -> Attempt<u64> {
    let in_time = || until.is_none_or(|until| Instant::now() < until);
    let most = i64::try_from(budget).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(OVER)?;
    let found = select.query_map(params![now.millis(), most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(i64, Vec<u8>)> = found.collect::<rusqlite::Result<_>>()?;
    let mut dropped = 0;
    for (rowid, key) in &found {
        // One at least: where each takes longer than there is time, the sweep must gain on them all the same.
        if dropped > 0 && !in_time() {
            return Ok(dropped);
        }
        connection.prepare_cached("DELETE FROM session WHERE rowid = ?1")?.execute([rowid])?;
        connection.prepare_cached("DELETE FROM field WHERE key = ?1")?.execute([key])?;
        if let Some((space, id)) = key.split_first_chunk::<16>() {
            let mut delete = connection.prepare_cached("DELETE FROM entry WHERE space = ?1 AND id = ?2")?;
            delete.execute(params![space, id])?;
        }
        dropped += 1;
    }
    let free = reader::free_pages(connection)?.saturating_sub(reader::FREE_PAGES_KEPT);
    let pages = free.min(budget as u64 * PAGES_A_SESSION);
    if pages > 0 && in_time() {
        // Steps through the pages, and can be left between two.
        let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut steps = vacuum.raw_query();
        while steps.next()?.is_some() && in_time() {}
    }
    Ok(dropped)
}

pub(super) const OVER: &str = "SELECT rowid, key FROM session WHERE expires <= ?1 ORDER BY expires LIMIT ?2";

/// How many free pages a sweep gives back for each session that it may drop: more than most leave.
const PAGES_A_SESSION: u64 = 8;

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
