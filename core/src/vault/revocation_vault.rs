//! Keys and places of a namespace's revocations: records like the configurations', in a space of their own.

use super::blind::BlindKey;
use super::derive::Context;
use super::envelope::Seals;
use super::keyring::Keyring;
use super::random::Entropy;
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

    pub(super) fn derive(keyring: &Keyring, context: &Context) -> RevocationVault {
        let index = keyring.index_key();
        RevocationVault {
            space: BlindKey::derive(index, context, "revocations").blind(&[]),
            places: BlindKey::derive(index, context, "revoked"),
            records: Seals::derive(keyring, context, "revocation"),
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

    pub(crate) fn open(&self, place: &StorageId, sealed: &[u8]) -> Result<String> {
        let plain = self.records.open(place, &[], sealed)?;
        String::from_utf8(plain.to_vec()).map_err(|_| fail!(Corrupt, "a stored revocation is not text"))
    }
}
