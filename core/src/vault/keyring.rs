//! The keyring: data keys that seal, an index key that blinds, signing keys for the store's own tokens.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keyring_file;
use super::random::fill_random;
use crate::clock::{Clock, Time};
use crate::error::{Error, Result, fail};

/// The keys of a store. A file (JSON) with mode 0600; see `docs/format.md`.
#[derive(Clone)]
pub struct Keyring {
    data: Vec<DataKey>,
    index: Zeroizing<[u8; 32]>,
    signing: Vec<SigningKey>,
}

/// A key that seals and opens.
#[derive(Clone)]
pub(crate) struct DataKey {
    pub(crate) id: u32,
    pub(crate) state: KeyState,
    pub(crate) created: Time,
    pub(crate) bytes: Zeroizing<[u8; 32]>,
}

/// An Ed25519 key for the store's own tokens.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) state: KeyState,
    pub(crate) created: Time,
    pub(crate) seed: Zeroizing<[u8; 32]>,
}

/// Where a key stands in its rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeyState {
    /// Opens, does not seal yet: every process must have read it first.
    Pending,
    /// Seals. There is exactly one.
    Primary,
    /// Opens what was sealed with it.
    Retired,
    /// Opens nothing any more.
    Revoked,
}

impl KeyState {
    pub(crate) fn opens(self) -> bool {
        self != KeyState::Revoked
    }

    /// As the file has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            KeyState::Pending => "pending",
            KeyState::Primary => "primary",
            KeyState::Retired => "retired",
            KeyState::Revoked => "revoked",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    format: u32,
    #[serde(borrow)]
    data: Vec<FileDataKey<'a>>,
    #[serde(borrow)]
    index: FileIndexKey<'a>,
    #[serde(borrow)]
    signing: Vec<FileSigningKey<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDataKey<'a> {
    id: u32,
    state: KeyState,
    created: &'a str,
    key: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileIndexKey<'a> {
    key: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSigningKey<'a> {
    kid: &'a str,
    state: KeyState,
    created: &'a str,
    key: &'a str,
}

impl Keyring {
    /// Makes a new keyring file with fresh keys, readable by this user only. `ALREADY_EXISTS` if something is there;
    /// `IO`.
    ///
    /// ```
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("keyring.json");
    /// sessile::Keyring::generate(&path)?;
    /// assert_eq!(sessile::Keyring::generate(&path).unwrap_err().code(), sessile::Code::AlreadyExists);
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn generate(path: impl AsRef<Path>) -> Result<()> {
        keyring_file::create(path.as_ref(), &Keyring::random()?.to_json()?)
    }

    /// A new keyring as JSON text, for those who keep keys elsewhere than in a file. Keep it as you keep a password.
    pub fn generate_json() -> Result<String> {
        Ok(std::mem::take(&mut *Keyring::random()?.to_json()?))
    }

    /// Fresh keys that are kept nowhere: what `memory:` runs on.
    pub(crate) fn random() -> Result<Keyring> {
        Ok(Keyring {
            data: vec![DataKey::random(1, KeyState::Primary)?],
            index: random_key()?,
            signing: vec![SigningKey::random(KeyState::Primary)?],
        })
    }

    pub(crate) fn from_file(path: &Path) -> Result<Keyring> {
        Keyring::from_bytes(&keyring_file::read(path)?)
            .map_err(|error| error.at(format_args!("keyring {}", path.display())))
    }

    pub(crate) fn from_env(variable: &str) -> Result<Keyring> {
        match std::env::var(variable) {
            Ok(text) => Keyring::from_bytes(Zeroizing::new(text).as_bytes()),
            Err(_) => Err(invalid("missing", format!("the environment variable {variable} is not set or not text"))),
        }
    }

    /// Reads the JSON of a keyring file. `KEYRING_INVALID` with the reason; no key is ever quoted.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Keyring> {
        // serde's own message could quote a key: only where it stopped is told.
        let file: File = serde_json::from_slice(bytes).map_err(|e| {
            invalid("format", format!("not a keyring's JSON (line {}, column {})", e.line(), e.column()))
        })?;
        if file.format != 1 {
            return Err(invalid("format", format!("format {} given, this version reads 1", file.format)));
        }
        let created = |text: &str| {
            Time::parse(text).map_err(|_| invalid("format", "`created` is not an RFC 3339 time".to_owned()))
        };
        let data = file
            .data
            .iter()
            .map(|key| {
                Ok(DataKey {
                    id: key.id,
                    state: key.state,
                    created: created(key.created)?,
                    bytes: key_bytes(key.key, &format!("data key {}", key.id))?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let signing = file
            .signing
            .iter()
            .map(|key| {
                Ok(SigningKey {
                    kid: key.kid.to_owned(),
                    state: key.state,
                    created: created(key.created)?,
                    seed: key_bytes(key.key, &format!("signing key {:?}", key.kid))?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let keyring = Keyring { data, index: key_bytes(file.index.key, "index key")?, signing };
        keyring.check()?;
        Ok(keyring)
    }

    pub(super) fn check(&self) -> Result<()> {
        let primaries =
            |states: &mut dyn Iterator<Item = KeyState>| states.filter(|state| *state == KeyState::Primary).count();
        if primaries(&mut self.data.iter().map(|key| key.state)) != 1 {
            return Err(invalid("primary", "exactly one data key must be primary".to_owned()));
        }
        if primaries(&mut self.signing.iter().map(|key| key.state)) != 1 {
            return Err(invalid("primary", "exactly one signing key must be primary".to_owned()));
        }
        let mut ids = HashSet::new();
        if !self.data.iter().all(|key| key.id >= 1 && ids.insert(key.id)) {
            return Err(invalid("id", "data key ids must be whole numbers of at least 1, none twice".to_owned()));
        }
        let mut kids = HashSet::new();
        if !self.signing.iter().all(|key| !key.kid.is_empty() && key.kid.len() <= 64 && kids.insert(&key.kid)) {
            return Err(invalid("id", "signing key ids must have 1 to 64 characters, none twice".to_owned()));
        }
        let keys: Vec<&[u8; 32]> = self
            .data
            .iter()
            .map(|key| &*key.bytes)
            .chain([&*self.index])
            .chain(self.signing.iter().map(|key| &*key.seed))
            .collect();
        for (i, key) in keys.iter().enumerate() {
            if bool::from(key.ct_eq(&[0; 32])) || keys[..i].iter().any(|other| bool::from(other.ct_eq(*key))) {
                return Err(invalid(
                    "key",
                    "every key must be its own random bytes: one is zero or there twice".to_owned(),
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn data_keys(&self) -> &[DataKey] {
        &self.data
    }

    /// The key that seals, once every process knows it.
    pub(crate) fn primary(&self) -> &DataKey {
        // There is one: it was checked.
        self.data.iter().find(|key| key.state == KeyState::Primary).unwrap_or(&self.data[0])
    }

    pub(crate) fn index_key(&self) -> &[u8; 32] {
        &self.index
    }

    /// The key that signs, once every process knows it.
    pub(crate) fn primary_signing(&self) -> &SigningKey {
        self.signing.iter().find(|key| key.state == KeyState::Primary).unwrap_or(&self.signing[0])
    }

    pub(crate) fn signing_keys(&self) -> &[SigningKey] {
        &self.signing
    }

    /// The keys, for a step of their rotation.
    pub(super) fn keys_mut(&mut self) -> (&mut Vec<DataKey>, &mut Vec<SigningKey>) {
        (&mut self.data, &mut self.signing)
    }

    pub(super) fn to_json(&self) -> Result<Zeroizing<String>> {
        let created: Vec<String> = self.data.iter().map(|key| key.created.to_string()).collect();
        let signing_created: Vec<String> = self.signing.iter().map(|key| key.created.to_string()).collect();
        let text = |bytes: &[u8; 32]| Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes));
        let data: Vec<_> = self.data.iter().map(|key| text(&key.bytes)).collect();
        let signing: Vec<_> = self.signing.iter().map(|key| text(&key.seed)).collect();
        let index = text(&self.index);
        let file = File {
            format: 1,
            data: self
                .data
                .iter()
                .zip(&data)
                .zip(&created)
                .map(|((key, text), created)| FileDataKey { id: key.id, state: key.state, created, key: text })
                .collect(),
            index: FileIndexKey { key: &index },
            signing: self
                .signing
                .iter()
                .zip(&signing)
                .zip(&signing_created)
                .map(|((key, text), created)| FileSigningKey { kid: &key.kid, state: key.state, created, key: text })
                .collect(),
        };
        // Pretty: people edit the states. Room for all of it from the start: a vector that grows leaves copies behind.
        let room = 512 * (2 + file.data.len() + file.signing.len());
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer_pretty(&mut *text, &file)
            .map_err(|_| fail!(Internal, "the keyring could not be written as JSON"))?;
        text.push(b'\n');
        debug_assert!(text.len() <= room);
        let text = String::from_utf8(std::mem::take(&mut *text))
            .map_err(|_| fail!(Internal, "the keyring's JSON is not text"))?;
        Ok(Zeroizing::new(text))
    }
}

impl DataKey {
    pub(super) fn random(id: u32, state: KeyState) -> Result<DataKey> {
        Ok(DataKey { id, state, created: Clock::system().now(), bytes: random_key()? })
    }
}

impl SigningKey {
    pub(super) fn random(state: KeyState) -> Result<SigningKey> {
        let mut kid = [0; 9];
        fill_random(&mut kid)?;
        let kid = URL_SAFE_NO_PAD.encode(kid);
        Ok(SigningKey { kid, state, created: Clock::system().now(), seed: random_key()? })
    }
}

fn random_key() -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    fill_random(&mut *bytes)?;
    Ok(bytes)
}

/// 32 bytes of strict base64url without padding.
fn key_bytes(text: &str, what: &str) -> Result<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    match URL_SAFE_NO_PAD.decode_slice(text, &mut *bytes) {
        Ok(32) => Ok(bytes),
        _ => Err(invalid("key", format!("{what} is not 32 bytes of base64url without padding"))),
    }
}

/// `KEYRING_INVALID` with its reason.
pub(super) fn invalid(reason: &str, message: String) -> Error {
    fail!(KeyringInvalid, "{message}").with("reason", reason)
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data: Vec<String> = self.data.iter().map(|key| format!("{} {:?}", key.id, key.state)).collect();
        f.debug_struct("Keyring").field("data", &data).finish_non_exhaustive()
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Code;

    fn key(byte: u8) -> String {
        URL_SAFE_NO_PAD.encode([byte; 32])
    }

    fn good() -> Value {
        let created = "2026-01-01T00:00:00Z";
        json!({
            "format": 1,
            "data": [
                {"id": 1, "state": "retired", "created": created, "key": key(1)},
                {"id": 2, "state": "primary", "created": created, "key": key(2)},
                {"id": 4294967295_u32, "state": "pending", "created": created, "key": key(3)},
                {"id": 4, "state": "revoked", "created": created, "key": key(4)},
            ],
            "index": {"key": key(5)},
            "signing": [
                {"kid": "a", "state": "primary", "created": created, "key": key(6)},
                {"kid": "b", "state": "retired", "created": created, "key": key(7)},
            ],
        })
    }

    /// `KEYRING_INVALID` and its reason; no key of the text may be in it.
    fn reason(text: &[u8]) -> String {
        let error = Keyring::from_bytes(text).unwrap_err();
        assert_eq!(error.code(), Code::KeyringInvalid);
        let shown = format!("{error} {error:?} {}", error.details_json());
        for key in (0..8).map(key) {
            assert!(!shown.contains(&key[..8]), "{shown}");
        }
        error.details()["reason"].as_str().unwrap().to_owned()
    }

    #[test]
    fn every_part_is_read() {
        let read = Keyring::from_bytes(good().to_string().as_bytes()).unwrap();
        let data: Vec<_> = read.data_keys().iter().map(|key| (key.id, key.state, key.bytes[0])).collect();
        use KeyState::{Pending, Primary, Retired, Revoked};
        assert_eq!(data, [(1, Retired, 1), (2, Primary, 2), (u32::MAX, Pending, 3), (4, Revoked, 4)]);
        assert_eq!(read.index_key(), &[5; 32]);
        let signing: Vec<_> =
            read.signing_keys().iter().map(|key| (key.kid.as_str(), key.state, key.seed[31])).collect();
        assert_eq!(signing, [("a", Primary, 6), ("b", Retired, 7)]);
    }

    #[test]
    fn a_random_keyring_is_written_and_read_back() {
        let made = Keyring::random().unwrap();
        let read = Keyring::from_bytes(made.to_json().unwrap().as_bytes()).unwrap();
        assert_eq!(read.index_key(), made.index_key());
        assert_eq!(read.data_keys()[0].bytes, made.data_keys()[0].bytes);
        assert_eq!(read.signing_keys()[0].seed, made.signing_keys()[0].seed);
        assert_eq!(read.signing_keys()[0].kid, made.signing_keys()[0].kid);
        assert_ne!(Keyring::generate_json().unwrap(), Keyring::generate_json().unwrap());
    }

    #[test]
    fn bad_values_are_refused_with_their_reason() {
        let table = [
            ("/format", json!(2), "format"),
            ("/format", json!(0), "format"),
            ("/format", json!("1"), "format"),
            ("/data", json!({}), "format"),
            ("/data", json!([]), "primary"),
            ("/data/0/id", json!(0), "id"),
            ("/data/0/id", json!(2), "id"),
            ("/data/0/id", json!(-1), "format"),
            ("/data/0/id", json!(1.5), "format"),
            ("/data/0/id", json!(4294967296_u64), "format"),
            ("/data/0/state", json!("Primary"), "format"),
            ("/data/0/state", json!(key(1)), "format"),
            ("/data/0/state", json!("primary"), "primary"),
            ("/data/1/state", json!("retired"), "primary"),
            ("/data/0/created", json!("yesterday"), "format"),
            ("/data/0/created", json!(key(1)), "format"),
            ("/data/0/key", json!(key(2)), "key"),
            ("/data/0/key", json!(key(5)), "key"),
            ("/data/0/key", json!(key(7)), "key"),
            ("/data/0/key", json!(key(0)), "key"),
            ("/data/0/key", json!(""), "key"),
            ("/data/0/key", json!(key(1)[..42]), "key"),
            ("/data/0/key", json!(key(1) + "A"), "key"),
            ("/data/0/key", json!(key(1) + "="), "key"),
            ("/data/0/key", json!(format!(" {}", &key(1)[1..])), "key"),
            ("/data/0/key", json!("+".repeat(43)), "key"),
            // The last character's two spare bits must be zero: one text a key.
            ("/data/0/key", json!(format!("{}B", &key(1)[..42])), "key"),
            ("/data/0/key", json!(7), "format"),
            ("/index", json!(key(5)), "format"),
            ("/index/key", json!(key(6)), "key"),
            ("/signing", json!([]), "primary"),
            ("/signing/0/state", json!("retired"), "primary"),
            ("/signing/1/state", json!("primary"), "primary"),
            ("/signing/0/kid", json!(""), "id"),
            ("/signing/0/kid", json!("b"), "id"),
            ("/signing/0/kid", json!("x".repeat(65)), "id"),
            ("/signing/0/key", json!("short"), "key"),
            ("/signing/0/created", json!(""), "format"),
        ];
        for (path, value, expected) in table {
            let mut text = good();
            *text.pointer_mut(path).unwrap() = value.clone();
            assert_eq!(reason(text.to_string().as_bytes()), expected, "{path} {value}");
        }
    }

    #[test]
    fn members_are_all_there_and_no_others() {
        for place in ["", "/data/0", "/index", "/signing/1"] {
            let names: Vec<String> = good().pointer(place).unwrap().as_object().unwrap().keys().cloned().collect();
            let edited = |edit: &dyn Fn(&mut serde_json::Map<String, Value>)| {
                let mut text = good();
                edit(text.pointer_mut(place).unwrap().as_object_mut().unwrap());
                text.to_string()
            };
            for name in names {
                let text = edited(&|object| drop(object.remove(&name)));
                assert_eq!(reason(text.as_bytes()), "format", "{place} without {name}");
            }
            let text = edited(&|object| drop(object.insert(key(1), json!(key(2)))));
            assert_eq!(reason(text.as_bytes()), "format", "{place} with another member");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let good = good().to_string();
        let twice = good.replacen("\"format\":1", "\"format\":1,\"format\":1", 1);
        let texts = ["", "null", "[]", "{}", &key(1), &format!("{good}x"), &format!("\u{feff}{good}"), &twice];
        for text in texts {
            assert_eq!(reason(text.as_bytes()), "format", "{text}");
        }
        assert_eq!(reason(b"\xff\xfe"), "format");
        for length in 0..good.len() {
            assert_eq!(reason(&good.as_bytes()[..length]), "format", "{length} bytes");
        }
    }

    #[test]
    fn keys_are_not_printed() {
        let read = Keyring::from_bytes(good().to_string().as_bytes()).unwrap();
        let shown = format!("{read:?} {:?} {:?}", read.data_keys(), read.signing_keys());
        for secret in [&key(1)[..8], &key(2)[..8], &key(5)[..8], &key(6)[..8], "1, 1", "2, 2", "5, 5", "6, 6"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn an_environment_variable_that_is_not_there() {
        let error = Keyring::from_env("SESSILE_NO_SUCH_VARIABLE").unwrap_err();
        assert_eq!((error.code(), &error.details()["reason"]), (Code::KeyringInvalid, &json!("missing")));
    }
}
