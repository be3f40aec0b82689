//! The head of a session: its life, its times, and whose it is. Sealed; changed as a whole or not at all.

use std::fmt;

use zeroize::Zeroizing;

use super::derive::{part_length, push_part, split_part};
use super::identifier::Identifier;
use super::owner::{Owner, Person};
use crate::clock::Time;
use crate::error::{Error, Result, fail};

/// New each time a session begins; everything sealed in a session is bound to it.
pub(crate) type Life = [u8; 16];

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) struct Head {
    pub(crate) life: Life,
    pub(crate) state: HeadState,
    /// No token issued at or before that instant opens the session: it was revoked then, or it began in the place of one
    /// that was.
    pub(crate) not_before: Option<Time>,
    pub(crate) began: Time,
    /// The absolute end; never extended by use.
    pub(crate) ends: Option<Time>,
    /// Not used for that many milliseconds, the session is over.
    pub(crate) idle: Option<i64>,
    pub(crate) config_version: u32,
    pub(crate) refresh_counter: u64,
    pub(crate) refresh_time: Option<Time>,
    pub(crate) owner: Owner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadState {
    Alive,
    Ended,
    /// Ended to make room: the user began more sessions than their config allows.
    Evicted,
    /// Since the head's `not_before`.
    Revoked,
}

/// Everything before the owner.
const FIXED: usize = 16 + 1 + 8 + 8 + 8 + 8 + 4 + 8 + 8 + 1;

/// How the owner is written: in the clear inside the head, or in a box under their own secret.
const OWNER_PLAIN: u8 = 0;
const OWNER_BOXED: u8 = 1;

impl Head {
    /// Of what is over for good, and nobody's: it says no more than its state.
    pub(crate) fn closed(life: Life, state: HeadState, now: Time, config_version: u32) -> Head {
        Head {
            life,
            state,
            not_before: (state == HeadState::Revoked).then_some(now),
            began: now,
            ends: None,
            idle: None,
            config_version,
            refresh_counter: 0,
            refresh_time: None,
            owner: Owner::nobody(),
        }
    }

    /// Whether it is [closed](Head::closed): no user has an empty realm.
    pub(crate) fn is_nobodys(&self) -> bool {
        matches!(&self.owner, Owner::Plain(person) if person.realm.is_empty())
    }

    /// life (16) ‖ state (1) ‖ not before (8) ‖ began (8) ‖ ends (8) ‖ idle (8) ‖ config version (4) ‖ refresh counter (8) ‖
    /// refresh time (8) ‖ 0 ‖ realm length (2) ‖ realm ‖ identifier, or 1 ‖ user id (16) ‖ box. Numbers are big-endian, times
    /// milliseconds, 0 = none (where none is possible the instant 0 itself is written as 1).
    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let state = match self.state {
            HeadState::Alive => 0,
            HeadState::Ended => 1,
            HeadState::Revoked => 2,
            HeadState::Evicted => 3,
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(FIXED + self.owner.length()));
        bytes.extend(self.life);
        bytes.push(state);
        bytes.extend(or_zero(self.not_before).to_be_bytes());
        bytes.extend(self.began.millis().to_be_bytes());
        bytes.extend(or_zero(self.ends).to_be_bytes());
        bytes.extend(self.idle.unwrap_or(0).to_be_bytes());
        bytes.extend(self.config_version.to_be_bytes());
        bytes.extend(self.refresh_counter.to_be_bytes());
        bytes.extend(or_zero(self.refresh_time).to_be_bytes());
        match &self.owner {
            Owner::Plain(person) => {
                bytes.push(OWNER_PLAIN);
                write_identity(&mut bytes, &person.realm, &person.identifier);
            }
            Owner::Boxed { user, sealed, .. } => {
                bytes.push(OWNER_BOXED);
                bytes.extend(user);
                bytes.extend(&**sealed);
            }
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Head> {
        let mut reader = Reader(bytes);
        let life = reader.take()?;
        let state = reader.take::<1>()?[0];
        let not_before = reader.time()?;
        let state = match (state, not_before) {
            (0, _) => HeadState::Alive,
            (1, _) => HeadState::Ended,
            (2, Some(_)) => HeadState::Revoked,
            (3, _) => HeadState::Evicted,
            _ => return Err(corrupt()),
        };
        let began = Time::from_millis(reader.i64()?);
        let ends = reader.time()?;
        let idle = Some(reader.i64()?).filter(|idle| *idle != 0);
        let config_version = u32::from_be_bytes(reader.take()?);
        let refresh_counter = u64::from_be_bytes(reader.take()?);
        let refresh_time = reader.time()?;
        let owner = match reader.take()? {
            [OWNER_PLAIN] => Owner::Plain(Person::from_bytes(reader.0)?),
            [OWNER_BOXED] => Owner::Boxed { user: reader.take()?, sealed: reader.0.into(), person: None },
            _ => {
                return Err(fail!(
                    FormatTooNew,
                    "the session's owner is sealed in a way that this version cannot open"
                ));
            }
        };
        Ok(Head { life, state, not_before, began, ends, idle, config_version, refresh_counter, refresh_time, owner })
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::User;
    use super::*;
    use crate::error::Code;

    /// The year 10000 and beyond: no clock shows it.
    const FAR: i64 = 1 << 50;

    fn millis() -> impl Strategy<Value = Time> {
        any::<i64>().prop_filter("0 is none", |millis| *millis != 0).prop_map(Time::from_millis)
    }

    fn identifiers() -> impl Strategy<Value = Identifier> {
        prop_oneof![
            any::<String>().prop_map(Identifier::String),
            any::<i64>().prop_map(Identifier::Integer),
            any::<f64>().prop_filter("JSON has none", |number| number.is_finite()).prop_map(Identifier::Number),
            any::<bool>().prop_map(Identifier::Boolean),
        ]
    }

    fn owners() -> impl Strategy<Value = Owner> {
        let plain = (any::<String>(), identifiers()).prop_map(|(realm, identifier)| Owner::plain(&realm, &identifier));
        let boxed = (any::<[u8; 16]>(), any::<Vec<u8>>()).prop_map(|(user, sealed)| Owner::Boxed {
            user,
            sealed: sealed.into(),
            person: None,
        });
        prop_oneof![plain, boxed]
    }

    fn states() -> impl Strategy<Value = (HeadState, Option<Time>)> {
        let others = [HeadState::Alive, HeadState::Ended, HeadState::Evicted];
        prop_oneof![
            (proptest::sample::select(others.to_vec()), proptest::option::of(millis())),
            (Just(HeadState::Revoked), millis().prop_map(Some)),
        ]
    }

    prop_compose! {
        fn heads()(
            life in any::<Life>(), (state, not_before) in states(), began in any::<i64>().prop_map(Time::from_millis),
            ends in proptest::option::of(millis()), idle in proptest::option::of(1..i64::MAX), config_version in any::<u32>(),
            refresh_counter in any::<u64>(), refresh_time in proptest::option::of(millis()), owner in owners(),
        ) -> Head {
            Head { life, state, not_before, began, ends, idle, config_version, refresh_counter, refresh_time, owner }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn heads_are_read_back(head in heads()) {
            let bytes = head.to_bytes();
            prop_assert_eq!(bytes.len(), bytes.capacity(), "no copy was left behind by growing");
            prop_assert!(Head::from_bytes(&bytes).unwrap() == head);
            for length in 0..FIXED + 3 {
                prop_assert_eq!(Head::from_bytes(&bytes[..length]).unwrap_err().code(), Code::Corrupt);
            }
        }

        #[test]
        fn users_are_read_back(
            owner in owners(), first in -FAR..FAR, last_end in proptest::option::of(millis()),
            begun in 0..3_u64, until in proptest::option::of(millis()),
        ) {
            let id = match &owner {
                Owner::Boxed { user, .. } => *user,
                Owner::Plain(_) => [0; 16],
            };
            let begun = if matches!(owner, Owner::Boxed { .. }) { begun.max(1) } else { begun };
            let until = until.filter(|_| begun > 0);
            let user = User { owner, first_seen: Time::from_millis(first), last_end, begun, until };
            let bytes = user.to_bytes();
            prop_assert_eq!(bytes.len(), bytes.capacity());
            prop_assert!(User::from_bytes(&id, &bytes).unwrap() == user);
            for length in 0..16 {
                prop_assert_eq!(User::from_bytes(&id, &bytes[..length]).unwrap_err().code(), Code::Corrupt);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let _ = (Head::from_bytes(&bytes), User::from_bytes(&[0; 16], &bytes));
        }
    }

    fn head() -> Head {
        Head {
            life: [1; 16],
            state: HeadState::Alive,
            not_before: None,
            began: Time::from_secs(1),
            ends: None,
            idle: None,
            config_version: 1,
            refresh_counter: 0,
            refresh_time: None,
            owner: Owner::plain("realm", &Identifier::Boolean(true)),
        }
    }

    #[test]
    fn bytes_that_no_head_is_written_in() {
        let good = head().to_bytes();
        let table = [
            ("an unknown state", 16, 4, Code::Corrupt),
            ("revoked without an instant", 16, 2, Code::Corrupt),
            ("an owner written in another way", FIXED - 1, 2, Code::FormatTooNew),
            ("an owner in a box without a user", FIXED - 1, 1, Code::Corrupt),
            ("a realm that is not text", FIXED + 2, 0xFF, Code::Corrupt),
            ("a realm longer than what is there", FIXED + 1, 200, Code::Corrupt),
            ("an identifier of no type", FIXED + 7, b'x', Code::Corrupt),
        ];
        for (what, at, byte, expected) in table {
            let mut bytes = good.to_vec();
            bytes[at] = byte;
            assert_eq!(Head::from_bytes(&bytes).unwrap_err().code(), expected, "{what}");
        }
        assert_eq!(Head::from_bytes(&[&good[..], &[0]].concat()).unwrap_err().code(), Code::Corrupt, "a byte after it");
    }

    #[test]
    fn the_instant_0_is_not_none() {
        let zero = Time::from_millis(0);
        let head = Head { state: HeadState::Revoked, not_before: Some(zero), ends: Some(zero), ..head() };
        let read = Head::from_bytes(&head.to_bytes()).unwrap();
        assert_eq!(read.ends, Some(Time::from_millis(1)));
        assert_eq!((read.state, read.not_before), (HeadState::Revoked, Some(Time::from_millis(1))));
    }
}
