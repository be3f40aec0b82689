//! The one way to seal: XChaCha20-Poly1305 under the derived key of a data key that is named in the clear.
//!
//! A sealed cell: format (1) ‖ key id (4) ‖ clear part ‖ nonce (24) ‖ ciphertext ‖ tag (16). Associated data: the purpose
//! with its length, then format ‖ key id ‖ what the cell is bound to ‖ clear part. The plain text is led by its length
//! (4 bytes) and padded with zeros.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use sha2::Sha256;
use smallvec::SmallVec;
use zeroize::Zeroizing;

use super::cipher::{Cipher, NONCE, TAG};
use super::derive::{Context, derive, write_part};
use super::keyring::{DataKey, KeyState};
use super::namespace::Namespace;
use super::padding::padded;
use super::random::{Entropy, hmac};
use super::ring::Ring;
use crate::error::{Error, Result, fail};

/// The version of everything that is sealed.
pub(crate) const FORMAT: u8 = 1;

const KEY_ID: std::ops::Range<usize> = 1..5;

/// Bytes of the length that leads the plain text.
const LENGTH: usize = 4;

/// Associated data: a place is of 49 bytes at most, a purpose of ten.
type Associated = SmallVec<[u8; 128]>;

/// The keys of one purpose in one place, one for every data key of the keyring in force.
pub(crate) struct Seals {
    purpose: &'static str,
    source: Source,
    derived: RwLock<Derived>,
}

/// Where keys come from.
enum Source {
    /// The keyring's data keys, as they change, and what is made of each before it seals.
    Ring(Arc<Ring>, Arc<Place>, Option<Mix>),
    /// One key, which is no data key.
    One { id: u32, key: Zeroizing<[u8; 32]>, nonces: Zeroizing<[u8; 32]> },
}

/// Makes another key of one.
pub(super) type Mix = Arc<dyn Fn(&[u8; 32]) -> Zeroizing<[u8; 32]> + Send + Sync>;

impl Source {
    /// Another number after each change of the keys.
    fn epoch(&self) -> u64 {
        match self {
            Source::Ring(ring, ..) => ring.epoch(),
            Source::One { .. } => 0,
        }
    }
}

/// What a [`Context`] lends, kept.
struct Place {
    namespace: Namespace,
    tag: Box<str>,
    config: [u8; 16],
}

/// Derived from the keyring of that epoch.
struct Derived {
    epoch: u64,
    keys: Vec<SealKey>,
    sealing: SealKey,
}

struct SealKey {
    id: u32,
    state: KeyState,
    cipher: Cipher,
    /// With its key taken in.
    nonces: Hmac<Sha256>,
}

impl Seals {
    pub(crate) fn derive(ring: &Arc<Ring>, context: &Context, purpose: &'static str) -> Seals {
        let Context { namespace, tag, config } = context;
        let place = Place { namespace: (*namespace).clone(), tag: (*tag).into(), config: **config };
        Seals::of(Source::Ring(ring.clone(), Arc::new(place), None), purpose)
    }

    fn of(source: Source, purpose: &'static str) -> Seals {
        let derived = RwLock::new(Derived::of(&source, purpose));
        Seals { purpose, source, derived }
    }

    /// The keys of the keyring in force.
    fn derived(&self) -> RwLockReadGuard<'_, Derived> {
        let derived = self.derived.read();
        if derived.epoch == self.source.epoch() {
            return derived;
        }
        drop(derived);
        let fresh = Derived::of(&self.source, self.purpose);
        let mut derived = self.derived.write();
        *derived = fresh;
        RwLockWriteGuard::downgrade(derived)
    }

    /// With one key, which is no data key.
    pub(super) fn single(purpose: &'static str, id: u32, key: &[u8; 32], nonces: &[u8; 32]) -> Seals {
        Seals::of(Source::One { id, key: Zeroizing::new(*key), nonces: Zeroizing::new(*nonces) }, purpose)
    }

    /// The same with every key replaced by what `mix` makes of it. They follow the keyring as these do.
    pub(super) fn mixed(&self, mix: Mix) -> Seals {
        let source = match &self.source {
            Source::Ring(ring, place, None) => Source::Ring(ring.clone(), place.clone(), Some(mix)),
            Source::Ring(ring, place, Some(first)) => {
                let first = first.clone();
                Source::Ring(ring.clone(), place.clone(), Some(Arc::new(move |key| mix(&first(key)))))
            }
            Source::One { id, key, nonces } => Source::One { id: *id, key: mix(key), nonces: nonces.clone() },
        };
        Seals::of(source, self.purpose)
    }

    /// Seals `plain`, bound to `place` and to `clear`, which stands readable in the cell.
    pub(crate) fn seal(&self, place: &[u8], clear: &[u8], plain: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.seal_parts(place, clear, &[plain], entropy)
    }

    /// [`seal`](Seals::seal) for what lies in parts: nothing is copied but into the cell.
    pub(super) fn seal_parts(
        &self,
        place: &[u8],
        clear: &[u8],
        parts: &[&[u8]],
        entropy: &mut Entropy,
    ) -> Result<Box<[u8]>> {
        let derived = self.derived();
        let key = &derived.sealing;
        let too_large = || fail!(LimitExceeded, "a {} is too large to be sealed", self.purpose);
        let content: usize = parts.iter().map(|part| part.len()).sum();
        let content_length = u32::try_from(content).map_err(|_| too_large())?;
        let length = padded(LENGTH + content);
        let body = 5 + clear.len() + NONCE;
        let mut cell = Vec::with_capacity(body + length + TAG);
        cell.push(FORMAT);
        cell.extend(key.id.to_be_bytes());
        cell.extend(clear);
        cell.extend([0; NONCE]);
        cell.extend(content_length.to_be_bytes());
        parts.iter().for_each(|part| cell.extend_from_slice(part));
        cell.resize(body + length, 0);

        let associated = self.associated(key.id, place, clear);
        // With a dead or cloned generator equal nonces mean equal associated data and plain texts, and nothing else.
        let mut mac = key.nonces.clone();
        mac.update(entropy.nonce_seed());
        mac.update(&associated);
        mac.update(&cell[body..]);
        let nonce: [u8; NONCE] = first_24(mac);
        cell[body - NONCE..body].copy_from_slice(&nonce);

        let tag = key.cipher.seal(&nonce, &associated, &mut cell[body..]).map_err(|_| too_large())?;
        cell.extend(tag);
        Ok(cell.into())
    }

    /// Opens a cell that was sealed for that place, with that clear part. `FORMAT_TOO_NEW`; `KEY_UNAVAILABLE` and
    /// `KEY_REVOKED` with the `keyId`; `CORRUPT` for everything else.
    pub(crate) fn open(&self, place: &[u8], clear: &[u8], cell: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let mut plain = Zeroizing::default();
        let length = self.open_into(place, clear, cell, &mut plain)?.len();
        plain.truncate(LENGTH + length);
        plain.drain(..LENGTH);
        Ok(plain)
    }

    /// [`open`](Seals::open) into what held another cell's content before: several are opened in one piece of memory.
    pub(super) fn open_into<'a>(
        &self,
        place: &[u8],
        clear: &[u8],
        cell: &[u8],
        plain: &'a mut Zeroizing<Vec<u8>>,
    ) -> Result<&'a [u8]> {
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
        let derived = self.with_key(id)?;
        let key = derived.key(id, self.purpose)?;
        let (nonce, rest) = cell[body - NONCE..].split_first_chunk().ok_or_else(|| self.corrupt())?;
        let sealed = rest.split_last_chunk().ok_or_else(|| self.corrupt())?;
        make_room(plain, sealed.0.len());
        let associated = self.associated(id, place, clear);
        key.cipher.open(nonce, &associated, sealed, plain).map_err(|_| self.corrupt())?;
        self.unpad(plain)
    }

    /// The same content sealed anew, for the same place and with the same clear part. As [`open`](Seals::open).
    pub(crate) fn reseal(&self, place: &[u8], clear: &[u8], cell: &[u8], entropy: &mut Entropy) -> Result<Box<[u8]>> {
        self.seal(place, clear, &self.open(place, clear, cell)?, entropy)
    }

    /// The keys in force. One that is not among them may stand in the file by now.
    fn with_key(&self, id: u32) -> Result<RwLockReadGuard<'_, Derived>> {
        let derived = self.derived();
        if derived.has(id) {
            return Ok(derived);
        }
        drop(derived);
        if let Source::Ring(ring, ..) = &self.source {
            ring.look_for_more();
        }
        Ok(self.derived())
    }

    fn associated(&self, key: u32, place: &[u8], clear: &[u8]) -> Associated {
        let mut associated = Associated::new();
        write_part(self.purpose.as_bytes(), |bytes| associated.extend_from_slice(bytes));
        associated.push(FORMAT);
        associated.extend_from_slice(&key.to_be_bytes());
        associated.extend_from_slice(place);
        associated.extend_from_slice(clear);
        associated
    }

    /// Takes length and padding off. The length must be the one that pads to what is there, and the padding zeros: there
    /// is one way to write a cell.
    fn unpad<'a>(&self, plain: &'a [u8]) -> Result<&'a [u8]> {
        let (length, rest) = plain.split_first_chunk::<LENGTH>().ok_or_else(|| self.corrupt())?;
        let (content, padding) =
            rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(|| self.corrupt())?;
        if padded(LENGTH + content.len()) != plain.len() || padding.iter().any(|byte| *byte != 0) {
            return Err(self.corrupt());
        }
        Ok(content)
    }

    fn corrupt(&self) -> Error {
        fail!(Corrupt, "a sealed {} was damaged, moved or tampered with", self.purpose).with("cell", self.purpose)
    }
}

/// Makes it so long. What grows would leave a copy of what it held behind.
fn make_room(plain: &mut Zeroizing<Vec<u8>>, length: usize) {
    if plain.capacity() < length {
        *plain = Zeroizing::new(Vec::with_capacity(length));
    }
    plain.resize(length, 0);
}

/// The data key that a cell names; `None` for bytes that are no cell.
pub(crate) fn key_id(cell: &[u8]) -> Option<u32> {
    let id = cell.get(KEY_ID)?;
    (cell[0] == FORMAT).then(|| id.try_into().map(u32::from_be_bytes).ok()).flatten()
}

impl SealKey {
    fn new(id: u32, state: KeyState, key: &[u8; 32], nonces: &[u8; 32]) -> SealKey {
        SealKey { id, state, cipher: Cipher::new(key), nonces: hmac(nonces) }
    }
}

impl Derived {
    fn of(source: &Source, purpose: &'static str) -> Derived {
        let (ring, place, mix) = match source {
            Source::Ring(ring, place, mix) => (ring, place, mix),
            Source::One { id, key, nonces } => {
                let key = || SealKey::new(*id, KeyState::Primary, key, nonces);
                return Derived { epoch: source.epoch(), keys: vec![key()], sealing: key() };
            }
        };
        // In this order: keys that change in between are derived once more.
        let epoch = ring.epoch();
        let in_force = ring.in_force();
        let context = Context { namespace: &place.namespace, tag: &place.tag, config: &place.config };
        let derive = |data: &DataKey| {
            let key = derive(&data.bytes, &context, purpose);
            let key = mix.as_ref().map_or_else(|| key.clone(), |mix| mix(&key));
            SealKey::new(data.id, data.state, &key, &derive(&data.bytes, &context, "nonce"))
        };
        Derived {
            epoch,
            keys: in_force.keyring.data_keys().iter().map(derive).collect(),
            sealing: derive(&in_force.sealing),
        }
    }

    fn has(&self, id: u32) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    fn key(&self, id: u32, purpose: &str) -> Result<&SealKey> {
        match self.keys.iter().find(|key| key.id == id) {
            Some(key) if !key.state.opens() => {
                Err(fail!(KeyRevoked, "a {purpose} was sealed with data key {id}, which is revoked").with("keyId", id))
            }
            Some(key) => Ok(key),
            None => Err(fail!(KeyUnavailable, "a {purpose} was sealed with data key {id}, which this keyring lacks")
                .with("keyId", id)),
        }
    }
}

fn first_24(mac: Hmac<Sha256>) -> [u8; NONCE] {
    let tag = mac.finalize().into_bytes();
    let mut first = [0; NONCE];
    first.copy_from_slice(&tag[..NONCE]);
    first
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, keyring, namespace};
    use super::*;
    use crate::error::Code;

    fn seals(data: &[(u8, &str)], tag: &str, purpose: &'static str) -> Seals {
        Seals::derive(
            &Arc::new(Ring::given(keyring(data))),
            &Context { namespace: &namespace(), tag, config: &[9; 16] },
            purpose,
        )
    }

    const KEYS: &[(u8, &str)] = &[(1, "primary")];

    #[test]
    fn what_is_sealed_opens() {
        let seals = seals(KEYS, "tag", "head");
        for length in (0..200).chain([1000, 70_000]) {
            let plain: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let cell = seals.seal(b"place", b"clear", &plain, &mut Entropy::fixed(1)).unwrap();
            assert_eq!(cell.len(), 5 + 5 + NONCE + padded(4 + length) + TAG);
            assert_eq!(cell[..10], *b"\x01\0\0\0\x01clear");
            assert_eq!(**seals.open(b"place", b"clear", &cell).unwrap(), plain);
        }
    }

    #[test]
    fn formats() {
        let seals = seals(KEYS, "tag", "head");
        let mut cell = seals.seal(b"", b"", b"plain", &mut Entropy::fixed(1)).unwrap();
        for format in 0..=255 {
            cell[0] = format;
            match format {
                0 => assert_eq!(code(seals.open(b"", b"", &cell)), Code::Corrupt),
                1 => drop(seals.open(b"", b"", &cell).unwrap()),
                _ => assert_eq!(code(seals.open(b"", b"", &cell)), Code::FormatTooNew),
            }
        }
        assert_eq!(code(seals.open(b"", b"", &[2])), Code::FormatTooNew, "whatever its length");
    }

    #[test]
    fn a_key_does_what_its_state_says() {
        let cell = seals(KEYS, "tag", "head").seal(b"", b"", b"plain", &mut Entropy::fixed(1)).unwrap();
        let id = |cell: &[u8]| cell[KEY_ID].to_vec();
        for state in ["pending", "retired"] {
            let seals = seals(&[(1, state), (2, "primary")], "tag", "head");
            assert_eq!(**seals.open(b"", b"", &cell).unwrap(), *b"plain", "{state}");
            let new = seals.seal(b"", b"", b"plain", &mut Entropy::fixed(1)).unwrap();
            assert_eq!(id(&new), [0, 0, 0, 2], "{state} never seals");
        }
        for (keys, expected) in
            [(&[(1, "revoked"), (2, "primary")][..], Code::KeyRevoked), (&[(2, "primary")], Code::KeyUnavailable)]
        {
            let error = seals(keys, "tag", "head").open(b"", b"", &cell).unwrap_err();
            assert_eq!((error.code(), &error.details()["keyId"]), (expected, &1.into()));
        }
    }

    #[test]
    fn places_clear_parts_and_purposes_are_bound() {
        let home = seals(KEYS, "tag", "head");
        let cell = home.seal(b"place", b"clear", b"plain", &mut Entropy::fixed(1)).unwrap();
        for (place, clear) in [
            (&b"other"[..], &b"clear"[..]),
            (b"", b"clear"),
            (b"place", b"other"),
            (b"placec", b"lear"),
            (b"place", b""),
        ] {
            assert_eq!(code(home.open(place, clear, &cell)), Code::Corrupt);
        }
        assert_eq!(code(seals(KEYS, "tag", "user").open(b"place", b"clear", &cell)), Code::Corrupt, "another key");
        let renamed = Seals { purpose: "user", ..home };
        assert_eq!(code(renamed.open(b"place", b"clear", &cell)), Code::Corrupt, "the same key under another name");
    }

    /// Seals a plain text as it stands: length and padding are the caller's.
    fn seal_raw(seals: &Seals, padded: &[u8]) -> Vec<u8> {
        let derived = seals.derived();
        let key = &derived.sealing;
        let mut body = padded.to_vec();
        let associated = seals.associated(key.id, b"", b"");
        let tag = key.cipher.seal(&[7; NONCE], &associated, &mut body).unwrap();
        [&[FORMAT][..], &key.id.to_be_bytes(), &[7; NONCE], &body, &tag].concat()
    }

    #[test]
    fn there_is_one_way_to_pad() {
        let seals = seals(KEYS, "tag", "head");
        let raw = |length: u32, plain: &[u8], total: usize| {
            let mut body = [&length.to_be_bytes()[..], plain].concat();
            body.resize(total, 0);
            body
        };
        let table = [
            ("a plain text", raw(5, b"plain", 32), true),
            ("a full one", raw(28, &[1; 28], 32), true),
            ("an empty one", raw(0, b"", 32), true),
            ("padded more", raw(5, b"plain", 36), false),
            ("padded much more", raw(5, b"plain", 64), false),
            ("not padded", raw(5, b"plain", 9), false),
            ("not padded above the floor", raw(30, &[1; 30], 34), false),
            ("a byte in the padding", raw(4, b"plain", 32), false),
            (
                "a bit in the last byte",
                {
                    let mut body = raw(5, b"plain", 32);
                    body[31] = 0x80;
                    body
                },
                false,
            ),
            ("longer than what is there", raw(29, b"plain", 32), false),
            ("far longer", raw(u32::MAX, b"plain", 32), false),
            ("longest but 3", raw(u32::MAX - 3, b"plain", 32), false),
            ("nothing", Vec::new(), false),
            ("half a length", vec![0; 3], false),
        ];
        for (what, body, good) in table {
            let opened = seals.open(b"", b"", &seal_raw(&seals, &body));
            if good { drop(opened.unwrap()) } else { assert_eq!(code(opened), Code::Corrupt, "{what}") }
        }
    }

    #[test]
    fn equal_nonces_mean_equal_everything() {
        let home = seals(KEYS, "tag", "head");
        let nonce = |seals: &Seals, place: &[u8], clear: &[u8], plain: &[u8], entropy: u8| {
            let cell = seals.seal(place, clear, plain, &mut Entropy::fixed(entropy)).unwrap();
            cell[5 + clear.len()..][..NONCE].to_vec()
        };
        let all = [
            nonce(&home, b"place", b"clear", b"plain", 1),
            nonce(&home, b"place", b"clear", b"plain", 2),
            nonce(&home, b"placf", b"clear", b"plain", 1),
            nonce(&home, b"place", b"cleas", b"plain", 1),
            nonce(&home, b"place", b"clear", b"plaim", 1),
            nonce(&home, b"place", b"clear", b"plain\0", 1),
            nonce(&seals(KEYS, "tag", "user"), b"place", b"clear", b"plain", 1),
            nonce(&seals(KEYS, "other", "head"), b"place", b"clear", b"plain", 1),
            nonce(&seals(&[(2, "primary")], "tag", "head"), b"place", b"clear", b"plain", 1),
        ];
        assert_eq!(all[0], nonce(&home, b"place", b"clear", b"plain", 1));
        for (i, one) in all.iter().enumerate() {
            assert!(!all[..i].contains(one), "{i}");
        }
    }

    #[test]
    fn nonces_of_one_draw_differ_by_what_is_sealed_only() {
        // A put of equal bytes into one cell under one draw is the same cell: nothing is told that was not known.
        let (seals, mut entropy) = (seals(KEYS, "tag", "field"), Entropy::draw().unwrap());
        let one = seals.seal(b"place", b"", b"plain", &mut entropy).unwrap();
        assert_eq!(one, seals.seal(b"place", b"", b"plain", &mut entropy).unwrap());
        assert_ne!(one, seals.seal(b"place", b"", b"plain", &mut Entropy::draw().unwrap()).unwrap());
    }
}
