//! The record of a user under a config: who it is, when they came and when their last session ended.

use super::head::{Reader, read_identity, write_identity};
use super::identifier::Identifier;
use crate::clock::Time;
use crate::error::Result;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct User {
    pub(crate) realm: String,
    pub(crate) identifier: Identifier,
    pub(crate) first_seen: Time,
    pub(crate) last_end: Option<Time>,
}

impl User {
    /// first seen (8) ‖ last end (8, 0 = none) ‖ realm length (2) ‖ realm ‖ identifier.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(self.first_seen.millis().to_be_bytes());
        bytes.extend(self.last_end.map_or(0, Time::millis).to_be_bytes());
        write_identity(&mut bytes, &self.realm, &self.identifier);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<User> {
        let mut reader = Reader(bytes);
        let first_seen = Time::from_millis(reader.i64()?);
        let last_end = reader.time()?;
        let (realm, identifier) = read_identity(reader.0)?;
        Ok(User { realm, identifier, first_seen, last_end })
    }
}
