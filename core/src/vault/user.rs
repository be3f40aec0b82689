//! The record of a user under a config: who it is, when they came and when their last session ended.

use std::fmt;

use zeroize::Zeroizing;

use super::head::{Reader, identity_length, or_zero, read_identity, write_identity};
use super::identifier::Identifier;
use crate::clock::Time;
use crate::error::Result;

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) struct User {
    pub(crate) realm: String,
    pub(crate) identifier: Identifier,
    pub(crate) first_seen: Time,
    pub(crate) last_end: Option<Time>,
}

impl User {
    /// first seen (8) ‖ last end (8, 0 = none) ‖ realm length (2) ‖ realm ‖ identifier.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 + identity_length(&self.realm, &self.identifier)));
        bytes.extend(self.first_seen.millis().to_be_bytes());
        bytes.extend(or_zero(self.last_end).to_be_bytes());
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

/// Realm and identifier name a person: they are not printed.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("first_seen", &self.first_seen)
            .field("last_end", &self.last_end)
            .finish_non_exhaustive()
    }
}
