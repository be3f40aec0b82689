//! What lists read: the index with the sessions' heads and touches, and the records of users.
//!
//! A session's row is looked up by its key for each entry found, while the index's statement is open: both see its
//! snapshot. A join would have to make the key of a space and an id in SQL, whose `||` makes text.

use std::cmp::Ordering;

use rusqlite::{Connection, Params, params};

use super::super::{BlindUser, Listed, Space, StorageId, UserRecord, UserSessions};
use super::{Attempt, reader, session_key, user_key};

pub(super) const PAGE: &str =
    "SELECT user, id FROM entry WHERE space = ?1 AND (user, id) > (?2, ?3) ORDER BY user, id LIMIT ?4";
pub(super) const PAGE_OF_USER: &str =
    "SELECT user, id FROM entry WHERE space = ?1 AND user = ?2 AND id > ?3 ORDER BY id LIMIT ?4";
pub(super) const ALL_OF_USER: &str = "SELECT user, id FROM entry WHERE space = ?1 AND user = ?2 ORDER BY id";
pub(super) const HEAD_AND_TOUCH: &str = "SELECT head, touch FROM session WHERE key = ?1";
pub(super) const IDS: &str = "SELECT key FROM session WHERE key > ?1 AND key <= ?2 ORDER BY key LIMIT ?3";
pub(super) const USERS: &str =
    "SELECT key, generation, sealed FROM user WHERE key > ?1 AND key <= ?2 ORDER BY key LIMIT ?3";

/// The index after `after`, in order.
pub(super) fn page(
    connection: &Connection,
    space: &Space,
    user: Option<&BlindUser>,
    after: Option<(BlindUser, StorageId)>,
    limit: usize,
) -> Attempt<Vec<Listed>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The empty blob comes before every id.
    let (after_user, after_id) = match &after {
        Some((user, id)) => (&user[..], &id[..]),
        None => (&[][..], &[][..]),
    };
    match user {
        None => listed(connection, space, PAGE, params![space, after_user, after_id, limit]),
        Some(user) => {
            let after_id = match after_user.cmp(&user[..]) {
                Ordering::Less => &[][..],
                Ordering::Equal => after_id,
                Ordering::Greater => return Ok(Vec::new()),
            };
            listed(connection, space, PAGE_OF_USER, params![space, user, after_id, limit])
        }
    }
}

/// A user's record and all indexed sessions of theirs.
pub(super) fn user(connection: &Connection, space: &Space, user: &BlindUser) -> Attempt<UserSessions> {
    let snapshot = connection.unchecked_transaction()?;
    let record = reader::user_record(connection, space, user)?;
    let sessions = listed(connection, space, ALL_OF_USER, params![space, user])?;
    snapshot.finish()?;
    Ok(UserSessions { record, sessions })
}

fn listed(connection: &Connection, space: &Space, sql: &str, params: impl Params) -> Attempt<Vec<Listed>> {
    let mut entries = connection.prepare_cached(sql)?;
    let mut entries = entries.query(params)?;
    let mut sessions = connection.prepare_cached(HEAD_AND_TOUCH)?;
    let mut found = Vec::new();
    while let Some(entry) = entries.next()? {
        let (user, id) = (entry.get(0)?, entry.get(1)?);
        let mut rows = sessions.query([session_key(space, &id)])?;
        let (head, touch) = match rows.next()? {
            Some(row) => (reader::head(row.get_ref(0)?), reader::touch(row.get_ref(1)?)),
            None => (None, None),
        };
        found.push(Listed { user, id, head, touch });
    }
    Ok(found)
}

/// The ids of all rows of sessions after `after`, in order.
pub(super) fn ids(
    connection: &Connection,
    space: &Space,
    after: Option<&StorageId>,
    limit: usize,
) -> Attempt<Vec<StorageId>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let key = after.map(|after| session_key(space, after));
    let from = key.as_ref().map_or(&space[..], |key| &key[..]);
    let mut statement = connection.prepare_cached(IDS)?;
    let mut rows = statement.query(params![from, session_key(space, &[u8::MAX; 17]), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // A key of another length is nobody's; that there is one, the file's own check tells.
        let id: Option<StorageId> = row.get_ref(0)?.as_blob().ok().and_then(|key| key.get(16..)?.try_into().ok());
        found.extend(id);
    }
    Ok(found)
}

/// The users' records after `after`, in order. What is no record reads as an empty one, which nobody can open: it must
/// not hide the others.
pub(super) fn page_users(
    connection: &Connection,
    space: &Space,
    after: Option<BlindUser>,
    limit: usize,
) -> Attempt<Vec<(BlindUser, UserRecord)>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The space alone comes before every key that begins with it.
    let key = user_key(space, &after.unwrap_or_default());
    let from = if after.is_some() { &key[..] } else { &space[..] };
    let mut statement = connection.prepare_cached(USERS)?;
    let mut rows = statement.query(params![from, user_key(space, &[u8::MAX; 16]), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let key: [u8; 32] = row.get(0)?;
        let Some(user) = key.last_chunk() else { continue };
        let sealed = row.get_ref(2)?.as_blob().unwrap_or_default().into();
        found.push((*user, UserRecord { sealed, generation: reader::number(row, 1).unwrap_or_default() }));
    }
    Ok(found)
}
