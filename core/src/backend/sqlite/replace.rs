//! Bytes for bytes.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::change::Entry;
use super::super::replace::{Place, Replacement};
use super::super::{Durability, Space};
use super::row::{self, Packed};
use super::{Attempt, Sqlite, reader, session_key, user_key};
use crate::error::Result;

impl Sqlite {
    pub(in super::super) async fn replace(&self, space: &Space, replacements: &[Replacement]) -> Result<Vec<bool>> {
        self.writing("replace sealed cells", Durability::Commit, |connection| replace(connection, space, replacements))
            .await
    }
}

fn replace(connection: &Connection, space: &Space, replacements: &[Replacement]) -> Attempt<Vec<bool>> {
    let mut done = Vec::with_capacity(replacements.len());
    // All fields of one row in one go: its cells are one blob.
    for group in replacements.chunk_by(|a, b| a.place.row().is_some() && a.place.row() == b.place.row()) {
        match group[0].place {
            Place::User(user) => {
                let sql = "UPDATE user SET sealed = ?3 WHERE key = ?1 AND sealed = ?2";
                let mut update = connection.prepare_cached(sql)?;
                let Replacement { old, new, .. } = &group[0];
                done.push(group[0].keeps_length() && update.execute(params![user_key(space, &user), old, new])? == 1);
            }
            Place::Head(id) | Place::Field(id, _) => in_row(connection, &session_key(space, &id), group, &mut done)?,
        }
    }
    Ok(done)
}

fn in_row(connection: &Connection, key: &[u8], group: &[Replacement], done: &mut Vec<bool>) -> Attempt<()> {
    let sql = "SELECT cells, size, count FROM session WHERE key = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([key])?;
    let stored: Option<(Vec<u8>, u64, u64)> = match rows.next()? {
        Some(row) => {
            let blob = row.get_ref(0)?.as_blob().unwrap_or_default().to_vec();
            Some((blob, reader::number(row, 1)?, reader::number(row, 2)?))
        }
        None => None,
    };
    drop(rows);
    let cells = stored.as_ref().and_then(|(blob, size, count)| reader::cells(blob, *size, *count));
    let mut cells = cells.unwrap_or_default();
    let mut changed = false;
    for replacement in group {
        let Replacement { place, old, new } = replacement;
        done.push(match place {
            _ if !replacement.keeps_length() => false,
            Place::Field(_, cell) => {
                let there = cells.iter_mut().find(|there| there.cell() == cell);
                match (there, Packed::new(*cell, new)) {
                    (Some(there), Some(packed)) if stands(connection, key, there, old)? => {
                        if there.apart {
                            let sql = "UPDATE field SET value = ?3 WHERE key = ?1 AND cell = ?2";
                            connection.prepare_cached(sql)?.execute(params![key, cell, new])?;
                        }
                        *there = packed;
                        changed = true;
                        true
                    }
                    _ => false,
                }
            }
            _ => {
                let sql = "UPDATE session SET head = ?3 WHERE key = ?1 AND head = ?2";
                connection.prepare_cached(sql)?.execute(params![key, old, new])? == 1
            }
        });
    }
    if changed {
        let blob = row::pack(cells.iter().copied());
        connection.prepare_cached("UPDATE session SET cells = ?2 WHERE key = ?1")?.execute(params![key, blob])?;
    }
    Ok(())
}

/// Whether the cell's bytes are these.
fn stands(connection: &Connection, key: &[u8], there: &Packed<'_>, old: &[u8]) -> Attempt<bool> {
    if !there.apart {
        return Ok(there.bytes == old);
    }
    let sql = "SELECT value = ?3 FROM field WHERE key = ?1 AND cell = ?2";
    let mut select = connection.prepare_cached(sql)?;
    Ok(select.query_row(params![key, there.cell(), old], |row| row.get(0)).optional()?.unwrap_or(false))
}
