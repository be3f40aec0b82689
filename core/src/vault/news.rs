//! What becomes of a store's keys, for whoever watches over it.

use std::collections::BTreeMap;

use super::keyring::{KeyState, Keyring};
use crate::error::Error;

/// Something that became of a store's keys.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A key is there (its state), is in another state, or is there no more (`dropped`).
    Key { id: String, state: &'static str },
    /// A keyring that was offered is not in force, and why.
    Refused(Error),
}

/// What is kept of it, if nobody asks.
pub(super) const MOST_NEWS: usize = 256;

/// What `new` says otherwise than `old`.
pub(super) fn differences(old: &Keyring, new: &Keyring) -> Vec<News> {
    fn states(keyring: &Keyring) -> BTreeMap<String, KeyState> {
        let data = keyring.data_keys().iter().map(|key| (key.id.to_string(), key.state));
        data.chain(keyring.signing_keys().iter().map(|key| (key.kid.clone(), key.state))).collect()
    }
    let (old, new) = (states(old), states(new));
    let gone = old.keys().filter(|id| !new.contains_key(*id)).map(|id| (id, "dropped"));
    let there = new.iter().filter(|(id, state)| old.get(*id) != Some(*state)).map(|(id, state)| (id, state.as_str()));
    gone.chain(there).map(|(id, state)| News::Key { id: id.clone(), state }).collect()
}
