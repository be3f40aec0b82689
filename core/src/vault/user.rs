//! The record of a user under a config: who it is, when they came and when their last session ended.

use std::fmt;

use zeroize::Zeroizing;

use super::config_vault::ConfigVault;
use super::head::{Reader, identity_length, or_zero, write_identity};
use super::owner::{Owner, Person};
use crate::backend::{BlindUser, UserRecord};
use crate::clock::Time;
use crate::error::Result;

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) struct User {
    pub(crate) owner: Owner,
    pub(crate) first_seen: Time,
    /// When a session of theirs was last ended, revoked or evicted.
    pub(crate) last_end: Option<Time>,
    /// How many sessions they ever began; 0 in a record of the time when nobody counted.
    pub(crate) begun: u64,
    /// When the last of their sessions reaches its end, [`NEVER`] if one has none; `None`: all that began were ended.
    pub(crate) until: Option<Time>,
}

/// Stands for the end of a session that has none.
const NEVER: Time = Time::from_millis(i64::MAX);

/// Leads a record that counts. Where nobody counted a time stands there, whose first byte is 0 or 255.
const COUNTED: u8 = 2;

/// Leads a record that counts and whose owner is in a box.
const BOXED: u8 = 3;

impl User {
    /// Without a count: first seen (8) ‖ last end (8, 0 = none) ‖ realm length (2) ‖ realm ‖ identifier. With one it is
    /// led by a 2, and begun (8) ‖ until (8, 0 = none) follow the last end. Led by a 3: the same, and in the place of realm and
    /// identifier stands the box.
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (lead, length) = match &self.owner {
            Owner::Boxed { sealed, .. } => (Some(BOXED), sealed.len()),
            Owner::Plain(person) => {
                ((self.begun > 0).then_some(COUNTED), identity_length(&person.realm, &person.identifier))
            }
        };
        let counted = lead.is_some();
        let fixed = if counted { 1 + 4 * 8 } else { 2 * 8 };
        let mut bytes = Zeroizing::new(Vec::with_capacity(fixed + length));
        bytes.extend(lead);
        bytes.extend(self.first_seen.millis().to_be_bytes());
        bytes.extend(or_zero(self.last_end).to_be_bytes());
        if counted {
            bytes.extend(self.begun.to_be_bytes());
            bytes.extend(or_zero(self.until).to_be_bytes());
        }
        match &self.owner {
            Owner::Plain(person) => write_identity(&mut bytes, &person.realm, &person.identifier),
            Owner::Boxed { sealed, .. } => bytes.extend(&**sealed),
        }
        bytes
    }

    /// The record as it stands, opened, or a new one.
    pub(crate) fn of(
        vault: &ConfigVault,
        user: &BlindUser,
        record: Option<&UserRecord>,
        owner: &Owner,
        now: Time,
    ) -> Result<User> {
        match record {
            Some(record) => vault.open_user(user, &record.sealed),
            None => Ok(User { owner: owner.clone(), first_seen: now, last_end: None, begun: 0, until: None }),
        }
    }

    /// A session of theirs begins that reaches its end then.
    pub(crate) fn begins(&mut self, ends: Option<Time>) {
        self.begun += 1;
        self.keeps(ends);
    }

    /// A session of theirs that lives reaches its end then.
    pub(crate) fn keeps(&mut self, ends: Option<Time>) {
        self.until = self.until.max(Some(ends.unwrap_or(NEVER)));
    }

    /// A session of theirs is ended; those that nobody ended reach their ends then.
    pub(crate) fn ends(&mut self, left: impl Iterator<Item = Option<Time>>, now: Time) {
        self.last_end = self.last_end.max(Some(now));
        self.until = left.map(|ends| ends.unwrap_or(NEVER)).max();
    }

    /// `user`: whose record it is.
    pub(crate) fn from_bytes(user: &BlindUser, bytes: &[u8]) -> Result<User> {
        let lead = bytes.first().copied().filter(|lead| [COUNTED, BOXED].contains(lead));
        let counted = lead.is_some();
        let mut reader = Reader(&bytes[usize::from(counted)..]);
        let first_seen = Time::from_millis(reader.i64()?);
        let last_end = reader.time()?;
        let (begun, until) = if counted { (u64::from_be_bytes(reader.take()?), reader.time()?) } else { (0, None) };
        let owner = match lead {
            Some(BOXED) => Owner::Boxed { user: *user, sealed: reader.0.into(), person: None },
            _ => Owner::Plain(Person::from_bytes(reader.0)?),
        };
        Ok(User { owner, first_seen, last_end, begun, until })
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
