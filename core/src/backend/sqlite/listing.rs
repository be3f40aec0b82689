//! What lists read: the index with the sessions' heads and touches, and the records of users.
//!
//! A session's row is looked up by its key for each entry found, while the index's statement is open: both see its
//! snapshot. A join would have to make the key of a space and an id in SQL, whose `||` makes text.

use std::cmp::Ordering;

use rusqlite::{Connection, Params, params};

use super::super::{BlindUser, Listed, SealedHead, Space, StorageId, UserRecord, UserSessions};
use super::{Attempt, Trouble, reader, session_key, user_key};
use crate::error::fail;

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
        None => in_order(after, listed(connection, space, PAGE, params![space, after_user, after_id, limit])?, place),
        Some(user) => {
            let after_id = match after_user.cmp(&user[..]) {
                Ordering::Less => &[][..],
                Ordering::Equal => after_id,
                Ordering::Greater => return Ok(Vec::new()),
            };
            in_order(after, listed(connection, space, PAGE_OF_USER, params![space, user, after_id, limit])?, place)
        }
    }
}

/// A user's record and all indexed sessions of theirs.
pub(super) fn user(connection: &Connection, space: &Space, user: &BlindUser) -> Attempt<UserSessions> {
    let snapshot = connection.unchecked_transaction()?;
    let record = reader::user_record(connection, space, user)?;
    let mut sessions = listed(connection, space, ALL_OF_USER, params![space, user])?;
    // A damaged entry may name what can't be the user's: changes are of one bucket.
    sessions.retain(|listed| listed.id[0] == user[0]);
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
            Some(row) => (reader::head(row.get_ref(0)?).map(SealedHead::from), reader::touch(row.get_ref(1)?)),
            None => (None, None),
        };
        found.push(Listed { user, id, head, touch });
    }
    Ok(found)
}

fn place(listed: &Listed) -> (BlindUser, StorageId) {
    (listed.user, listed.id)
}

/// A page goes on from where it began. Where an index is damaged it may not, and who asks for page after page would
/// never come to an end: `CORRUPT`.
fn in_order<T, K: Ord>(after: Option<K>, page: Vec<T>, key: impl Fn(&T) -> K) -> Attempt<Vec<T>> {
    let mut last = after;
    for found in &page {
        let next = Some(key(found));
        if next <= last {
            return Err(Trouble::Other(fail!(Corrupt, "an index of the file is out of order: check() tells more")));
        }
        last = next;
    }
    Ok(page)
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
    in_order(after.copied(), found, |id| *id)
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
    in_order(after, found, |(user, _)| *user)
}
