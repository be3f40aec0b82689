//! Keys, and what is sealed with them. Outside this room there are only sealed bytes and blind ids.

#[cfg(test)]
mod attacks;
mod blind;
mod catalog_vault;
mod cipher;
mod config_vault;
mod covers;
mod derive;
mod envelope;
mod field;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, reason = "a part of the tests")]
mod fixture;
#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, reason = "a part of the tests")]
pub mod fuzz;
#[cfg(test)]
mod golden;
mod head;
mod identifier;
mod keyring;
mod keyring_file;
#[cfg(test)]
mod known_answers;
mod known_cells;
mod meta;
mod namespace;
mod news;
mod owner;
mod padding;
mod random;
mod revocation_vault;
mod ring;
mod rotation;
mod session_id;
mod touch;
mod user;
mod user_keys;
#[cfg(test)]
mod wycheproof;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::backend::{BlindMap, MetaKey};
use crate::error::Result;

pub(crate) use catalog_vault::CatalogVault;
pub(crate) use config_vault::ConfigVault;
use derive::Context;
use envelope::Seals;
pub(crate) use envelope::key_id;

#[cfg(test)]
pub(crate) use attacks::assert_inner_types_unprinted;
pub(crate) use field::FieldSeals;
pub(crate) use head::{Head, HeadState, Life};
pub(crate) use identifier::Identifier;
pub(crate) use keyring::KeyState;
pub use keyring::Keyring;
pub(crate) use known_cells::KnownCells;
pub(crate) use namespace::Namespace;
pub(crate) use news::News;
pub(crate) use owner::{Owner, no_secret};
#[cfg(test)]
pub(crate) use random::faulty;
pub(crate) use random::{Entropy, fill_random};
pub(crate) use revocation_vault::RevocationVault;
pub(crate) use ring::{InForce, LOOK_EVERY, Ring, is_refusal};
pub(crate) use session_id::SessionId;
pub(crate) use user::User;
pub(crate) use user_keys::UserKeys;

/// The keyring in one namespace: everything sealed or blinded for a store comes from here, and follows the keyring.
pub(crate) struct Vault {
    ring: Arc<Ring>,
    namespace: Namespace,
    configs: Mutex<BlindMap<[u8; 16], Vec<Tagged>>>,
    catalog: CatalogVault,
    revocations: RevocationVault,
    checkpoints: Seals,
    identity_key: blind::BlindKey,
}

/// One of the tags that a config id was met with: keys belong to both, though an id has one tag almost always.
type Tagged = (Box<str>, Arc<ConfigVault>);

impl Vault {
    pub(crate) fn new(ring: Arc<Ring>, namespace: Namespace) -> Vault {
        let context = Context { namespace: &namespace, tag: "", config: &[0; 16] };
        Vault {
            catalog: CatalogVault::derive(&ring, &context),
            revocations: RevocationVault::derive(&ring, &context),
            checkpoints: Seals::derive(&ring, &context, "checkpoint"),
            identity_key: blind::BlindKey::derive(ring.in_force().keyring.index_key(), &context, "identity"),
            ring,
            namespace,
            configs: Mutex::default(),
        }
    }

    /// Keys and blind ids of the config with that tag and id; derived once.
    pub(crate) fn config(&self, tag: &str, id: &[u8; 16]) -> Arc<ConfigVault> {
        let mut configs = self.configs.lock();
        let known = configs.entry(*id).or_default();
        if let Some((_, found)) = known.iter().find(|(known, _)| **known == *tag) {
            return found.clone();
        }
        let made = Arc::new(ConfigVault::derive(&self.ring, &Context { namespace: &self.namespace, tag, config: id }));
        known.push((tag.into(), made.clone()));
        made
    }

    /// Where the namespace's configurations lie, and their keys.
    pub(crate) fn catalog(&self) -> &CatalogVault {
        &self.catalog
    }

    /// Where the namespace's revocations lie, and their keys.
    pub(crate) fn revocations(&self) -> &RevocationVault {
        &self.revocations
    }

    /// Where the namespace's key check values are kept.
    pub(crate) fn meta_key(&self) -> MetaKey {
        meta::key(&self.namespace)
    }

    /// The keyring, as it changes.
    pub(crate) fn ring(&self) -> &Arc<Ring> {
        &self.ring
    }

    /// Compares a keyring with the check values that are `stored`; what to store instead, if keys are new.
    pub(crate) fn check_meta(&self, keyring: &Keyring, stored: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        meta::check(keyring, &self.namespace, stored)
    }

    pub(crate) fn seal_checkpoint(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let mut entropy = Entropy::draw()?;
        Ok(self.checkpoints.seal(b"", &[], plain, &mut entropy)?.into())
    }

    pub(crate) fn open_checkpoint(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.checkpoints.open(b"", &[], sealed)
    }

    /// Recognises a user again without naming them.
    pub(crate) fn identity_mac(&self, realm: &str, subject: &str) -> [u8; 16] {
        self.identity_key.blind(&[realm.as_bytes(), subject.as_bytes()])
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
