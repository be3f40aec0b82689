//! Which cells the fields of a session lie in, of those that were asked for last: an id is a MAC, which takes longer to make
//! than to remember.

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::config_vault::ConfigVault;
use crate::backend::{CellId, Space, StorageId};

/// So many bytes at most: thirty names of usual length. More are too many to look through; then it begins anew.
const MOST: usize = 1024;

/// Before each name: its cell's id, and its length.
const LEAD: usize = 16 + 1;

/// Of the session that was asked for last. Nothing in it is secret to who reads names; an id says nothing without the key.
#[derive(Default)]
pub(crate) struct KnownCells(Mutex<Entries>);

/// Space and id of the session, then the entries. Three or four short names lie in their token's own memory.
type Entries = SmallVec<[u8; 120]>;

impl KnownCells {
    /// The id of that field, as [`ConfigVault::cell_id`] makes it.
    pub(crate) fn id(&self, vault: &ConfigVault, id: &StorageId, name: &str) -> CellId {
        let space = vault.space();
        if let Some(known) = find(&self.0.lock(), &space, id, name) {
            return known;
        }
        let made = vault.cell_id(id, name);
        if let Ok(length) = u8::try_from(name.len()) {
            keep(&mut self.0.lock(), (&space, id), length, name, &made);
        }
        made
    }
}

fn find(known: &[u8], space: &Space, id: &StorageId, name: &str) -> Option<CellId> {
    let mut entries = known.strip_prefix(space)?.strip_prefix(id)?;
    loop {
        let (cell, rest) = entries.split_first_chunk()?;
        let (length, rest) = rest.split_first()?;
        let (there, rest) = rest.split_at_checked(usize::from(*length))?;
        if there == name.as_bytes() {
            return Some(*cell);
        }
        entries = rest;
    }
}

fn keep(known: &mut Entries, (space, id): (&Space, &StorageId), length: u8, name: &str, cell: &CellId) {
    let is_of_another = !known.strip_prefix(space).is_some_and(|rest| rest.starts_with(id));
    if is_of_another || known.len() + LEAD + name.len() > MOST {
        known.clear();
        known.extend_from_slice(space);
        known.extend_from_slice(id);
    }
    // Most sessions are asked for the same few fields, again and again: what more there is room for stays unused.
    known.reserve_exact(LEAD + name.len());
    known.extend_from_slice(cell);
    known.push(length);
    known.extend_from_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn an_id_is_the_same_known_or_made() {
        let vault = fixture::vault(&[(1, "primary")]);
        let (one, other) = (vault.config("a", &[1; 16]), vault.config("b", &[2; 16]));
        let known = KnownCells::default();
        let long = "x".repeat(256);
        let names: Vec<String> = (0..200).map(|n| format!("field {}", n % 90)).collect();
        for name in names.iter().map(String::as_str).chain(["", "é", &long, &long[..255], "field 1", "field 11"]) {
            for (config, id) in [(&one, [3; 17]), (&one, [3; 17]), (&one, [4; 17]), (&other, [4; 17])] {
                assert_eq!(known.id(config, &id, name), config.cell_id(&id, name), "{name}");
                assert_eq!(known.id(config, &id, name), config.cell_id(&id, name), "{name}");
                assert!(known.0.lock().len() <= MOST);
            }
        }
    }

    #[test]
    fn what_was_asked_for_is_known() {
        let vault = fixture::vault(&[(1, "primary")]);
        let config = vault.config("a", &[1; 16]);
        let known = KnownCells::default();
        let made: Vec<CellId> = ["a", "b", "ab"].iter().map(|name| known.id(&config, &[3; 17], name)).collect();
        let found = ["a", "b", "ab", "ba"].map(|name| find(&known.0.lock(), &config.space(), &[3; 17], name));
        assert_eq!(found, [Some(made[0]), Some(made[1]), Some(made[2]), None]);
        known.id(&config, &[4; 17], "a");
        assert_eq!(find(&known.0.lock(), &config.space(), &[3; 17], "a"), None, "of one session");
    }
}
