//! Keys and places of a namespace's configurations.
//!
//! A definition lies where a session's head would, in a space of its own: so it is changed by compare-and-set, indexed in
//! the same step, and every backend keeps it as it is.

use std::sync::Arc;

use super::blind::BlindKey;
use super::derive::Context;
use super::envelope::Seals;
use super::random::Entropy;
use super::ring::Ring;
use crate::backend::{BlindUser, Space, StorageId};
use crate::error::Result;

/// See the module.
pub(crate) struct CatalogVault {
    space: Space,
    tags: BlindKey,
    definitions: Seals,
}

impl CatalogVault {
    /// All definitions of a namespace are indexed under this one, in bucket 0.
    pub(crate) const OWNER: BlindUser = [0; 16];

    pub(super) fn derive(ring: &Arc<Ring>, context: &Context) -> CatalogVault {
        let in_force = ring.in_force();
        let index = in_force.keyring.index_key();
        CatalogVault {
            space: BlindKey::derive(index, context, "catalog").blind(&[]),
            tags: BlindKey::derive(index, context, "tag"),
            definitions: Seals::derive(ring, context, "config"),
        }
    }

    pub(crate) fn space(&self) -> Space {
        self.space
    }

    /// Where the definition with that tag lies.
    pub(crate) fn place(&self, tag: &str) -> StorageId {
        let mut id = [0; 17];
        id[1..].copy_from_slice(&self.tags.blind(&[tag.as_bytes()]));
        id
    }

    pub(crate) fn seal(&self, place: &StorageId, text: &str) -> Result<Box<[u8]>> {
        self.definitions.seal(place, &[], text.as_bytes(), &mut Entropy::draw()?)
    }

    /// The same definition under the key that seals now.
    pub(crate) fn reseal(&self, place: &StorageId, sealed: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.definitions.reseal(place, &[], sealed, entropy)
    }

    pub(crate) fn open(&self, place: &StorageId, sealed: &[u8]) -> Result<String> {
        let plain = self.definitions.open(place, &[], sealed)?;
        String::from_utf8(plain.to_vec()).map_err(|_| crate::error::fail!(Corrupt, "a config's definition is not text"))
    }
}
