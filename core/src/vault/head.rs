//! The head of a session: its life, its times, and whose it is. Sealed; changed as a whole or not at all.

use std::fmt;

use zeroize::Zeroizing;

use super::derive::{part_length, push_part, split_part};
use super::identifier::Identifier;
use crate::clock::Time;
use crate::error::{Error, Result, fail};

/// New each time a session begins; everything sealed in a session is bound to it.
pub(crate) type Life = [u8; 16];

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) life: Life,
    pub(crate) state: HeadState,
    pub(crate) began: Time,
    /// The absolute end; never extended by use.
    pub(crate) ends: Option<Time>,
    /// Not used for that many milliseconds, the session is over.
    pub(crate) idle: Option<i64>,
    pub(crate) config_version: u32,
    pub(crate) refresh_counter: u64,
    pub(crate) refresh_time: Option<Time>,
    pub(crate) realm: String,
    pub(crate) identifier: Identifier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadState {
    Alive,
    Ended,
    /// No token issued at or before that instant opens the session.
    Revoked {
        not_before: Time,
    },
}

/// Everything before the realm's length.
const FIXED: usize = 16 + 1 + 8 + 8 + 8 + 8 + 4 + 8 + 8 + 1;

/// How the identity is written: in the clear inside the head. 1 is kept for a box under the user's own secret.
const IDENTITY_PLAIN: u8 = 0;

impl Head {
    /// life (16) ‖ state (1) ‖ not before (8) ‖ began (8) ‖ ends (8) ‖ idle (8) ‖ config version (4) ‖ refresh counter (8) ‖
    /// refresh time (8) ‖ identity kind (1) ‖ realm length (2) ‖ realm ‖ identifier. Numbers are big-endian, times
    /// milliseconds, 0 = none (where none is possible the instant 0 itself is written as 1).
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let (state, not_before) = match self.state {
            HeadState::Alive => (0, 0),
            HeadState::Ended => (1, 0),
            HeadState::Revoked { not_before } => (2, or_zero(Some(not_before))),
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + identity_length(&self.realm, &self.identifier)));
        bytes.extend(self.life);
        bytes.push(state);
        bytes.extend(not_before.to_be_bytes());
        bytes.extend(self.began.millis().to_be_bytes());
        bytes.extend(or_zero(self.ends).to_be_bytes());
        bytes.extend(self.idle.unwrap_or(0).to_be_bytes());
        bytes.extend(self.config_version.to_be_bytes());
        bytes.extend(self.refresh_counter.to_be_bytes());
        bytes.extend(or_zero(self.refresh_time).to_be_bytes());
        bytes.push(IDENTITY_PLAIN);
        write_identity(&mut bytes, &self.realm, &self.identifier);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Head> {
        let mut reader = Reader(bytes);
        let life = reader.take()?;
        let state = reader.take::<1>()?[0];
        let not_before = reader.time()?;
        let state = match (state, not_before) {
            (0, None) => HeadState::Alive,
            (1, None) => HeadState::Ended,
            (2, Some(not_before)) => HeadState::Revoked { not_before },
            _ => return Err(corrupt()),
        };
        let began = Time::from_millis(reader.i64()?);
        let ends = reader.time()?;
        let idle = Some(reader.i64()?).filter(|idle| *idle != 0);
        let config_version = u32::from_be_bytes(reader.take()?);
        let refresh_counter = u64::from_be_bytes(reader.take()?);
        let refresh_time = reader.time()?;
        if reader.take::<1>()?[0] != IDENTITY_PLAIN {
            return Err(fail!(FormatTooNew, "the session's identity is sealed in a way that this version cannot open"));
        }
        let (realm, identifier) = read_identity(reader.0)?;
        Ok(Head { life, state, began, ends, idle, config_version, refresh_counter, refresh_time, realm, identifier })
    }
}

/// realm length (2) ‖ realm ‖ identifier, to the end.
pub(super) fn write_identity(bytes: &mut Vec<u8>, realm: &str, identifier: &Identifier) {
    push_part(bytes, realm.as_bytes());
    identifier.write(bytes);
}

pub(super) fn identity_length(realm: &str, identifier: &Identifier) -> usize {
    part_length(realm.as_bytes()) + identifier.length()
}

pub(super) fn read_identity(bytes: &[u8]) -> Result<(String, Identifier)> {
    let (realm, identifier) = split_part(bytes).ok_or_else(corrupt)?;
    let realm = std::str::from_utf8(realm).map_err(|_| corrupt())?;
    Ok((realm.to_owned(), Identifier::from_bytes(identifier)?))
}

/// Takes fixed numbers off the front of opened bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or_else(corrupt)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn i64(&mut self) -> Result<i64> {
        Ok(i64::from_be_bytes(self.take()?))
    }

    /// A time, 0 = none.
    pub(super) fn time(&mut self) -> Result<Option<Time>> {
        Ok(Some(self.i64()?).filter(|millis| *millis != 0).map(Time::from_millis))
    }
}

/// An instant's milliseconds, 0 = none. Where 0 means none the instant 0 itself is written as 1: it must not become an end
/// that never comes.
pub(super) fn or_zero(time: Option<Time>) -> i64 {
    match time.map(Time::millis) {
        None => 0,
        Some(0) => 1,
        Some(millis) => millis,
    }
}

/// Realm and identifier name a person: they are not printed.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("state", &self.state)
            .field("began", &self.began)
            .field("ends", &self.ends)
            .field("idle", &self.idle)
            .field("config_version", &self.config_version)
            .finish_non_exhaustive()
    }
}

fn corrupt() -> Error {
    fail!(Corrupt, "a head or user record was opened but does not read as one")
}
