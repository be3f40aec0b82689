//! Keys, and what is sealed with them. Outside this room there are only sealed bytes and blind ids.

#[cfg(test)]
mod attacks;
mod blind;
mod catalog_vault;
mod config_vault;
mod derive;
mod envelope;
mod field;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod golden;
mod head;
mod identifier;
mod keyring;
mod keyring_file;
#[cfg(test)]
mod known_answers;
mod meta;
mod namespace;
mod owner;
mod padding;
mod random;
mod session_id;
mod touch;
mod user;
mod user_keys;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::backend::MetaKey;
use crate::error::Result;

pub(crate) use catalog_vault::CatalogVault;
pub(crate) use config_vault::ConfigVault;
use derive::Context;
use envelope::Seals;
pub(crate) use head::{Head, HeadState, Life};
pub(crate) use identifier::Identifier;
pub(crate) use keyring::KeyState;
pub use keyring::Keyring;
pub(crate) use namespace::Namespace;
pub(crate) use owner::{Owner, no_secret};
pub(crate) use random::{Entropy, fill_random};
pub(crate) use session_id::SessionId;
pub(crate) use user::User;
pub(crate) use user_keys::UserKeys;

/// The keyring in one namespace: everything sealed or blinded for a store comes from here.
pub(crate) struct Vault {
    keyring: Keyring,
    namespace: Namespace,
    configs: Mutex<HashMap<[u8; 16], Vec<Tagged>>>,
    catalog: CatalogVault,
    checkpoints: Seals,
    identity_key: blind::BlindKey,
}

/// One of the tags that a config id was met with: keys belong to both, though an id has one tag almost always.
type Tagged = (Box<str>, Arc<ConfigVault>);

impl Vault {
    pub(crate) fn new(keyring: Keyring, namespace: Namespace) -> Vault {
        let context = Context { namespace: &namespace, tag: "", config: &[0; 16] };
        Vault {
            catalog: CatalogVault::derive(&keyring, &context),
            checkpoints: Seals::derive(&keyring, &context, "checkpoint"),
            identity_key: blind::BlindKey::derive(keyring.index_key(), &context, "identity"),
            keyring,
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
        let made =
            Arc::new(ConfigVault::derive(&self.keyring, &Context { namespace: &self.namespace, tag, config: id }));
        known.push((tag.into(), made.clone()));
        made
    }

    /// Where the namespace's configurations lie, and their keys.
    pub(crate) fn catalog(&self) -> &CatalogVault {
        &self.catalog
    }

    /// Where the namespace's key check values are kept.
    pub(crate) fn meta_key(&self) -> MetaKey {
        meta::key(&self.namespace)
    }

    /// Compares the keyring with the check values that are `stored`; what to store instead, if keys are new.
    pub(crate) fn check_meta(&self, stored: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        meta::check(&self.keyring, &self.namespace, stored)
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
