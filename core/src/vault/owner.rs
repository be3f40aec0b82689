//! Whose a session or a user record is: in the clear inside the sealed cell, or in a box of its own under the user's secret,
//! so that it goes with the secret.

use std::fmt;

use zeroize::Zeroizing;

use super::config_vault::ConfigVault;
use super::head::{identity_length, read_identity, write_identity};
use super::identifier::Identifier;
use super::random::Entropy;
use super::user_keys::UserKeys;
use crate::backend::BlindUser;
use crate::error::{Code, Error, Result, fail};

/// See the module.
#[derive(Clone, PartialEq)]
pub(crate) enum Owner {
    Plain(Person),
    /// `person` once the box was opened.
    Boxed {
        user: BlindUser,
        sealed: Box<[u8]>,
        person: Option<Person>,
    },
}

/// A user as their issuer names them.
#[derive(Clone, PartialEq)]
pub(crate) struct Person {
    pub(crate) realm: String,
    pub(crate) identifier: Identifier,
}

impl Owner {
    pub(crate) fn plain(realm: &str, identifier: &Identifier) -> Owner {
        Owner::Plain(Person { realm: realm.to_owned(), identifier: identifier.clone() })
    }

    /// For heads of sessions that are over, which need not say whose they were.
    pub(crate) fn nobody() -> Owner {
        Owner::plain("", &Identifier::String(String::new()))
    }

    /// In a box under the user's secret.
    pub(crate) fn boxed(keys: &UserKeys, realm: &str, identifier: &Identifier, entropy: &mut Entropy) -> Result<Owner> {
        let person = Person { realm: realm.to_owned(), identifier: identifier.clone() };
        let sealed = keys.seal_person(&person.to_bytes(), entropy)?;
        Ok(Owner::Boxed { user: keys.user, sealed, person: Some(person) })
    }

    /// `KEY_UNAVAILABLE` while the box is closed.
    pub(crate) fn person(&self) -> Result<&Person> {
        match self {
            Owner::Plain(person) | Owner::Boxed { person: Some(person), .. } => Ok(person),
            Owner::Boxed { person: None, .. } => Err(no_secret()),
        }
    }

    /// The user's blind id, which needs no secret.
    pub(crate) fn user(&self, vault: &ConfigVault) -> BlindUser {
        match self {
            Owner::Plain(person) => vault.user(&person.realm, &person.identifier),
            Owner::Boxed { user, .. } => *user,
        }
    }

    /// How many bytes it takes in a head, but for the first.
    pub(super) fn length(&self) -> usize {
        match self {
            Owner::Plain(person) => identity_length(&person.realm, &person.identifier),
            Owner::Boxed { sealed, .. } => 16 + sealed.len(),
        }
    }

    /// Opens the box. `KEY_UNAVAILABLE` if it was closed under a secret that is no more; `CORRUPT`.
    pub(crate) fn unlock(&mut self, keys: &UserKeys) -> Result<()> {
        let Owner::Boxed { sealed, person, .. } = self else { return Ok(()) };
        let plain = keys.open_person(sealed).map_err(|error| match error.code() {
            Code::KeyUnavailable => no_secret(),
            _ => error,
        })?;
        *person = Some(Person::from_bytes(&plain)?);
        Ok(())
    }
}

impl Person {
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(identity_length(&self.realm, &self.identifier)));
        write_identity(&mut bytes, &self.realm, &self.identifier);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Person> {
        let (realm, identifier) = read_identity(bytes)?;
        Ok(Person { realm, identifier })
    }
}

/// What was sealed under a secret that is not there (any more).
pub(crate) fn no_secret() -> Error {
    fail!(KeyUnavailable, "this was sealed under its user's own secret, which is not there: the user was forgotten")
        .with("reason", "secret")
}

/// They name a person: they are not printed.
impl fmt::Debug for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Owner::Plain(_) => "Owner(plain)",
            Owner::Boxed { .. } => "Owner(boxed)",
        })
    }
}
