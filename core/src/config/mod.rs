//! A session configuration: the definition of a kind of session, named by its tag.
#![cfg_attr(not(test), expect(dead_code, reason = "the catalog, which stores definitions, uses them"))]

mod expiry;
mod idle;
mod member;
pub(crate) mod tag;

use crate::clock::Time;
use crate::error::Result;
use expiry::{Expiry, Unit};

/// What a session of this kind is like.
pub(crate) struct Config {
    pub(crate) tag: &'static str,
    /// Part of every key derived for the config, so that a tag made again never meets old records.
    pub(crate) id: [u8; 16],
    /// Counts the config's changes.
    pub(crate) version: u32,
    /// How long after it began a session ends; `None`: never.
    pub(crate) expiry: Option<Expiry>,
}

/// The built-in config: no schema, ends 30 days after it began; it can't be redefined or deleted.
pub(crate) static GLOBAL: Config =
    Config { tag: "global", id: [0; 16], version: 1, expiry: Some(Expiry::of(30, Unit::Day)) };

impl Config {
    /// When a session that begins now ends; `None`: never.
    pub(crate) fn end_of(&self, began: Time) -> Result<Option<Time>> {
        self.expiry.map(|expiry| expiry.end_of(began)).transpose()
    }
}
