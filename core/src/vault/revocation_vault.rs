//! Keys and places of a namespace's revocations: records like the configurations', in a space of their own.

use std::sync::Arc;

use super::blind::BlindKey;
use super::derive::Context;
use super::envelope::Seals;
use super::random::Entropy;
use super::ring::Ring;
use crate::backend::{BlindUser, Space, StorageId};
use crate::error::{Result, fail};

/// See the module.
pub(crate) struct RevocationVault {
    space: Space,
    places: BlindKey,
    records: Seals,
}

impl RevocationVault {
    /// All revocations of a namespace are indexed under this one, in bucket 0.
    pub(crate) const OWNER: BlindUser = [0; 16];

    pub(super) fn derive(ring: &Arc<Ring>, context: &Context) -> RevocationVault {
        let in_force = ring.in_force();
        let index = in_force.keyring.index_key();
        RevocationVault {
            space: BlindKey::derive(index, context, "revocations").blind(&[]),
            places: BlindKey::derive(index, context, "revoked"),
            records: Seals::derive(ring, context, "revocation"),
        }
    }

    pub(crate) fn space(&self) -> Space {
        self.space
    }

    /// Where the record of what these parts name lies.
    pub(crate) fn place(&self, parts: &[&[u8]]) -> StorageId {
        let mut id = [0; 17];
        id[1..].copy_from_slice(&self.places.blind(parts));
        id
    }

    /// Where the record lies that changes with every other one.
    pub(crate) fn mark(&self) -> StorageId {
        self.place(&[])
    }

    pub(crate) fn seal(&self, place: &StorageId, text: &str) -> Result<Box<[u8]>> {
        self.records.seal(place, &[], text.as_bytes(), &mut Entropy::draw()?)
    }

    /// The same record under the key that seals now.
    pub(crate) fn reseal(&self, place: &StorageId, sealed: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.records.reseal(place, &[], sealed, entropy)
    }

    pub(crate) fn open(&self, place: &StorageId, sealed: &[u8]) -> Result<String> {
        let plain = self.records.open(place, &[], sealed)?;
        String::from_utf8(plain.to_vec()).map_err(|_| fail!(Corrupt, "a stored revocation is not text"))
    }
}
