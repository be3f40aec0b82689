//! Keys and blind ids of one config in one namespace.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::blind::BlindKey;
use super::derive::Context;
use super::envelope::Seals;
use super::field::{self, FieldSeals};
use super::head::{Head, Life};
use super::identifier::Identifier;
use super::known_cells::KnownCells;
use super::random::Entropy;
use super::ring::Ring;
use super::touch::TouchKey;
use super::user::User;
use super::user_keys::{KnownKeys, Secret, UserKeys};
use crate::backend::{BlindUser, CellId, SealedField, SealedHead, Space, StorageId, Touch};
use crate::clock::Time;
use crate::error::{Result, fail};

/// See the module. Every derived key is zeroed when it is dropped.
pub(crate) struct ConfigVault {
    space: Space,
    secret_space: Space,
    users: BlindKey,
    standing: BlindKey,
    cells: BlindKey,
    refreshes: BlindKey,
    token_ids: BlindKey,
    touches: TouchKey,
    heads: Seals,
    fields: Seals,
    user_records: Seals,
    secrets: Seals,
    known_keys: KnownKeys,
}

impl ConfigVault {
    pub(super) fn derive(ring: &Arc<Ring>, context: &Context) -> ConfigVault {
        let in_force = ring.in_force();
        let index = in_force.keyring.index_key();
        ConfigVault {
            space: BlindKey::derive(index, context, "space").blind(&[]),
            secret_space: BlindKey::derive(index, context, "secrets").blind(&[]),
            users: BlindKey::derive(index, context, "user"),
            standing: BlindKey::derive(index, context, "standing"),
            cells: BlindKey::derive(index, context, "cell"),
            refreshes: BlindKey::derive(index, context, "refresh"),
            token_ids: BlindKey::derive(index, context, "jti"),
            touches: TouchKey::derive(index, context),
            heads: Seals::derive(ring, context, "head"),
            fields: Seals::derive(ring, context, "field"),
            user_records: Seals::derive(ring, context, "user"),
            secrets: Seals::derive(ring, context, "secret"),
            known_keys: KnownKeys::default(),
        }
    }

    /// Where the config's records are kept.
    pub(crate) fn space(&self) -> Space {
        self.space
    }

    /// Where the secrets of the config's users are kept, in the backend for them.
    pub(crate) fn secret_space(&self) -> Space {
        self.secret_space
    }

    pub(crate) fn seal_secret(&self, user: &BlindUser, secret: &Secret, entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.secrets.seal(user, &[], &secret[..], entropy)
    }

    /// Whether two sealed secrets of a user are one.
    pub(crate) fn is_same_secret(&self, user: &BlindUser, one: &[u8], other: &[u8]) -> Result<bool> {
        Ok(self.secrets.open(user, &[], one)?.ct_eq(&self.secrets.open(user, &[], other)?).into())
    }

    /// The keys of a user's sealed secret, which was read then.
    pub(crate) fn keys_of(&self, user: &BlindUser, sealed: &[u8], read: Instant) -> Result<Arc<UserKeys>> {
        let plain = self.secrets.open(user, &[], sealed)?;
        let corrupt = || fail!(Corrupt, "a user's secret was opened but is none").with("cell", "secret");
        let mut secret = Secret::default();
        secret.copy_from_slice(plain.first_chunk::<32>().filter(|_| plain.len() == 32).ok_or_else(corrupt)?);
        let derive = |secret| UserKeys::derive(&self.fields, &self.space, user, secret, read);
        Ok(self.known_keys.keep(user, secret, read, derive))
    }

    /// A user's keys, if their secret was there less than a second ago.
    pub(crate) fn known_keys(&self, user: &BlindUser) -> Option<Arc<UserKeys>> {
        self.known_keys.get(user)
    }

    pub(crate) fn forget_keys(&self, user: &BlindUser) {
        self.known_keys.forget(user);
    }

    /// What fields are sealed with: the config's keys, or those mixed with the user's secret.
    fn fields<'a>(&'a self, keys: Option<&'a UserKeys>) -> &'a Seals {
        keys.map_or(&self.fields, |keys| &keys.fields)
    }

    pub(crate) fn user(&self, realm: &str, identifier: &Identifier) -> BlindUser {
        self.users.blind(&[realm.as_bytes(), &identifier.to_bytes()])
    }

    /// The id of a user's standing session, in the user's bucket.
    pub(crate) fn standing(&self, realm: &str, subject: &str, user: &BlindUser) -> StorageId {
        let mut id = [0; 17];
        id[0] = user[0];
        id[1..].copy_from_slice(&self.standing.blind(&[realm.as_bytes(), subject.as_bytes()]));
        id
    }

    /// The id of a session that is started for a user: random, in the user's bucket.
    pub(crate) fn started(&self, user: &BlindUser, entropy: &mut Entropy) -> StorageId {
        let mut id = [0; 17];
        id[0] = user[0];
        id[1..].copy_from_slice(&entropy.random_id());
        id
    }

    /// What proves that a refresh token of that session and count is ours.
    pub(crate) fn refresh_mac(&self, id: &StorageId, counter: u64) -> [u8; 16] {
        self.refreshes.blind(&[id, &counter.to_be_bytes()])
    }

    /// The id of the session token of that count: the same whenever it is made again.
    pub(crate) fn token_id(&self, id: &StorageId, counter: u64) -> [u8; 16] {
        self.token_ids.blind(&[id, &counter.to_be_bytes()])
    }

    /// The id of a field: one name is not recognisable across sessions.
    pub(crate) fn cell_id(&self, id: &StorageId, name: &str) -> CellId {
        self.cells.blind(&[id, name.as_bytes()])
    }

    /// The same, for who may know it already.
    pub(crate) fn cell_id_of(&self, known: Option<&KnownCells>, id: &StorageId, name: &str) -> CellId {
        known.map_or_else(|| self.cell_id(id, name), |known| known.id(self, id, name))
    }

    pub(crate) fn seal_head(&self, id: &StorageId, head: &Head, entropy: &mut Entropy) -> Result<SealedHead> {
        self.heads.seal(id, &[], &head.to_bytes(), entropy).map(SealedHead::from)
    }

    pub(crate) fn open_head(&self, id: &StorageId, sealed: &[u8]) -> Result<Head> {
        Head::from_bytes(&self.heads.open(id, &[], sealed)?)
    }

    /// The same head under the key that seals now.
    pub(crate) fn reseal_head(&self, id: &StorageId, sealed: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.heads.reseal(id, &[], sealed, entropy)
    }

    /// The same field, with its stamp and its end, under the key that seals now.
    pub(crate) fn reseal_field(
        &self,
        keys: Option<&UserKeys>,
        id: &StorageId,
        life: &Life,
        cell: &CellId,
        sealed: &SealedField,
        entropy: &mut Entropy,
    ) -> Result<Box<[u8]>> {
        let clear = field::clear(&sealed.stamp().unwrap_or_default(), sealed.expiry());
        self.fields(keys).reseal(&field::place(id, life, cell), &clear, &sealed.0, entropy)
    }

    /// The same record under the key that seals now.
    pub(crate) fn reseal_user(&self, user: &BlindUser, sealed: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.user_records.reseal(user, &[], sealed, entropy)
    }

    /// The same secret under the key that seals now.
    pub(crate) fn reseal_secret(&self, user: &BlindUser, sealed: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.secrets.reseal(user, &[], sealed, entropy)
    }

    /// Seals a field into any cell, also one that is not its name's.
    #[cfg(test)]
    pub(super) fn seal_into(
        &self,
        id: &StorageId,
        life: &Life,
        cell: &CellId,
        name: &str,
        value: &str,
        entropy: &mut Entropy,
    ) -> Result<Box<[u8]>> {
        self.fields.seal(
            &field::place(id, life, cell),
            &field::clear(&[0; 16], None),
            &field::plain(name, value),
            entropy,
        )
    }

    /// Seals and opens fields of that life.
    pub(crate) fn field_seals<'a>(
        &'a self,
        keys: Option<&'a UserKeys>,
        id: &'a StorageId,
        life: &'a Life,
    ) -> FieldSeals<'a> {
        FieldSeals { vault: self, seals: self.fields(keys), id, life, known: None, plain: Zeroizing::default() }
    }

    pub(crate) fn seal_touch(&self, id: &StorageId, life: &Life, time: Time) -> Touch {
        self.touches.seal(id, life, time)
    }

    pub(crate) fn open_touch(&self, id: &StorageId, life: &Life, touch: &Touch) -> Option<Time> {
        self.touches.open(id, life, touch)
    }

    pub(crate) fn seal_user(&self, user: &BlindUser, record: &User, entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.user_records.seal(user, &[], &record.to_bytes(), entropy)
    }

    pub(crate) fn open_user(&self, user: &BlindUser, sealed: &[u8]) -> Result<User> {
        User::from_bytes(user, &self.user_records.open(user, &[], sealed)?)
    }
}

impl fmt::Debug for ConfigVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigVault").finish_non_exhaustive()
    }
}
