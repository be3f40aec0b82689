//! The one way to seal: XChaCha20-Poly1305 under the derived key of a data key that is named in the clear.
//!
//! A sealed cell: format (1) ‖ key id (4) ‖ clear part ‖ nonce (24) ‖ ciphertext ‖ tag (16). Associated data: the purpose
//! with its length, then format ‖ key id ‖ what the cell is bound to ‖ clear part. The plain text is led by its length
//! (4 bytes) and padded with zeros.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use hmac::Mac;
use zeroize::Zeroizing;

use super::derive::{Context, derive, push_part};
use super::keyring::{KeyState, Keyring};
use super::padding::padded;
use super::random::{Entropy, hmac};
use crate::error::{Error, Result, fail};

/// The version of everything that is sealed.
pub(crate) const FORMAT: u8 = 1;

const KEY_ID: std::ops::Range<usize> = 1..5;
const NONCE: usize = 24;
const TAG: usize = 16;

/// The keys of one purpose in one place, one for every data key of the keyring.
pub(crate) struct Seals {
    purpose: &'static str,
    keys: Vec<SealKey>,
    /// Where the primary stands in `keys`.
    primary: usize,
}

struct SealKey {
    id: u32,
    state: KeyState,
    cipher: XChaCha20Poly1305,
    nonces: Zeroizing<[u8; 32]>,
}

impl Seals {
    pub(crate) fn derive(keyring: &Keyring, context: &Context, purpose: &'static str) -> Seals {
        let keys: Vec<SealKey> = keyring
            .data_keys()
            .iter()
            .map(|key| SealKey {
                id: key.id,
                state: key.state,
                cipher: XChaCha20Poly1305::new((&*derive(&key.bytes, context, purpose)).into()),
                nonces: derive(&key.bytes, context, "nonce"),
            })
            .collect();
        let primary = keys.iter().position(|key| key.state == KeyState::Primary).unwrap_or_default();
        Seals { purpose, keys, primary }
    }

    /// Seals `plain`, bound to `place` and to `clear`, which stands readable in the cell.
    pub(crate) fn seal(&self, place: &[u8], clear: &[u8], plain: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        let key = &self.keys[self.primary];
        let too_large = || fail!(LimitExceeded, "a {} is too large to be sealed", self.purpose);
        let plain_length = u32::try_from(plain.len()).map_err(|_| too_large())?;
        let length = padded(4 + plain.len());
        let body = 5 + clear.len() + NONCE;
        let mut cell = Vec::with_capacity(body + length + TAG);
        cell.push(FORMAT);
        cell.extend(key.id.to_be_bytes());
        cell.extend(clear);
        cell.extend([0; NONCE]);
        cell.extend(plain_length.to_be_bytes());
        cell.extend(plain);
        cell.resize(body + length, 0);

        let associated = self.associated(key.id, place, clear);
        // With a dead or cloned generator equal nonces mean equal associated data and plain texts, and nothing else.
        let mut mac = hmac(&key.nonces[..]);
        mac.update(entropy.nonce_seed());
        mac.update(&associated);
        mac.update(&cell[body..]);
        let nonce: [u8; NONCE] = first_24(mac);
        cell[body - NONCE..body].copy_from_slice(&nonce);

        let tag = key
            .cipher
            .encrypt_inout_detached(&XNonce::from(nonce), &associated, (&mut cell[body..]).into())
            .map_err(|_| too_large())?;
        cell.extend(tag);
        Ok(cell.into())
    }

    /// Opens a cell that was sealed for that place, with that clear part. `FORMAT_TOO_NEW`; `KEY_UNAVAILABLE` and
    /// `KEY_REVOKED` with the `keyId`; `CORRUPT` for everything else.
    pub(crate) fn open(&self, place: &[u8], clear: &[u8], cell: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        match cell.first() {
            Some(&FORMAT) => {}
            Some(&newer) if newer > FORMAT => {
                return Err(fail!(FormatTooNew, "a {} has format {newer}, this version reads {FORMAT}", self.purpose));
            }
            _ => return Err(self.corrupt()),
        }
        let body = 5 + clear.len() + NONCE;
        if cell.len() < body + padded(0) + TAG || cell[5..5 + clear.len()] != *clear {
            return Err(self.corrupt());
        }
        let id = u32::from_be_bytes(cell[KEY_ID].try_into().map_err(|_| self.corrupt())?);
        let key = self.key(id)?;
        let (sealed, tag) = cell[body..].split_at(cell.len() - body - TAG);
        let nonce: [u8; NONCE] = cell[body - NONCE..body].try_into().map_err(|_| self.corrupt())?;
        let tag: [u8; TAG] = tag.try_into().map_err(|_| self.corrupt())?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        key.cipher
            .decrypt_inout_detached(
                &XNonce::from(nonce),
                &self.associated(id, place, clear),
                plain.as_mut_slice().into(),
                &Tag::from(tag),
            )
            .map_err(|_| self.corrupt())?;
        self.unpad(plain)
    }

    fn key(&self, id: u32) -> Result<&SealKey> {
        match self.keys.iter().find(|key| key.id == id) {
            Some(key) if key.state == KeyState::Revoked => {
                Err(fail!(KeyRevoked, "a {} was sealed with data key {id}, which is revoked", self.purpose)
                    .with("keyId", id))
            }
            Some(key) => Ok(key),
            None => {
                Err(fail!(KeyUnavailable, "a {} was sealed with data key {id}, which this keyring lacks", self.purpose)
                    .with("keyId", id))
            }
        }
    }

    fn associated(&self, key: u32, place: &[u8], clear: &[u8]) -> Vec<u8> {
        let mut associated = Vec::with_capacity(128);
        push_part(&mut associated, self.purpose.as_bytes());
        associated.push(FORMAT);
        associated.extend(key.to_be_bytes());
        associated.extend(place);
        associated.extend(clear);
        associated
    }

    /// Takes length and padding off. The length must be the one that pads to what is there, and the padding zeros: there
    /// is one way to write a cell.
    fn unpad(&self, mut plain: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>> {
        let length =
            plain.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes) as usize).ok_or_else(|| self.corrupt())?;
        let end = length.checked_add(4).filter(|end| padded(*end) == plain.len()).ok_or_else(|| self.corrupt())?;
        if plain[end..].iter().any(|byte| *byte != 0) {
            return Err(self.corrupt());
        }
        plain.truncate(end);
        plain.drain(..4);
        Ok(plain)
    }

    fn corrupt(&self) -> Error {
        fail!(Corrupt, "a sealed {} was damaged, moved or tampered with", self.purpose).with("cell", self.purpose)
    }
}

fn first_24(mac: hmac::Hmac<sha2::Sha256>) -> [u8; NONCE] {
    let tag = mac.finalize().into_bytes();
    let mut first = [0; NONCE];
    first.copy_from_slice(&tag[..NONCE]);
    first
}
