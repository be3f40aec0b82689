//! A session configuration: the definition of a kind of session, named by its tag.

use crate::clock::Time;

/// What a session of this kind is like.
pub(crate) struct Config {
    pub(crate) tag: &'static str,
    /// Part of every key derived for the config, so that a tag made again never meets old records.
    pub(crate) id: [u8; 16],
    /// Counts the config's changes.
    pub(crate) version: u32,
    /// A session ends that many milliseconds after it began.
    pub(crate) expiry: i64,
}

/// The built-in config: no schema, ends 30 days after it began; it can't be redefined or deleted.
pub(crate) static GLOBAL: Config = Config { tag: "global", id: [0; 16], version: 1, expiry: 30 * 24 * 3600 * 1000 };

impl Config {
    /// When a session that begins now ends.
    pub(crate) fn end_of(&self, began: Time) -> Option<Time> {
        Some(began.plus_millis(self.expiry))
    }
}
