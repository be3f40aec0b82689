//! The keyring of an open store, as it changes: followed by every operation, given anew by its host, and what it says of
//! itself.

#[cfg(test)]
mod faulty_randomness;
#[cfg(test)]
pub(crate) mod printing;
mod rewrap;
mod usage;
pub(crate) mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::backend::Backend;
use crate::clock::Time;
use crate::error::{Code, Error, Result, fail};
use crate::fork;
use crate::identity::{Confirmation, Missed, OwnKey, Signer, VerifiedToken};
use crate::options::{KeyringCallback, KeyringSource};
use crate::store::{Inner, Store};
use crate::task::Task;
use crate::vault::{InForce, KeyState, Keyring, Ring, Vault, is_refusal};

/// Where a store's keys come from, and how far its signer has followed them.
pub(crate) struct Keys {
    source: Source,
    /// Whoever compares new keys with the store's has it.
    turn: async_lock::Mutex<()>,
    /// The ring's epoch that the signer goes by, and the turn of whoever changes that.
    signed: AtomicU64,
    signing: Mutex<()>,
    /// The store is for reading only: it compares check values, and adds none.
    read_only: bool,
}

enum Source {
    /// Fresh keys that are kept nowhere.
    Random,
    /// The ring follows it.
    File,
    Bytes,
    Env(String),
    Callback(KeyringCallback),
}

impl Keys {
    /// The keyring of the options. `KEYRING_INVALID`; `KEY_REQUIRED` where there must be one.
    pub(crate) fn open(source: KeyringSource, may_be_random: bool, read_only: bool) -> Result<(Keys, Ring)> {
        let (source, ring) = match source {
            KeyringSource::File(path) => (Source::File, Ring::file(path)?),
            KeyringSource::Bytes(bytes) => (Source::Bytes, Ring::given(Keyring::from_bytes(&bytes)?)),
            KeyringSource::Env(variable) => {
                let ring = Ring::given(Keyring::from_env(&variable)?);
                (Source::Env(variable), ring)
            }
            KeyringSource::Callback(give) => {
                let ring = Ring::given(called(&give)?);
                (Source::Callback(give), ring)
            }
            KeyringSource::None if may_be_random => (Source::Random, Ring::given(Keyring::random()?)),
            KeyringSource::None => {
                return Err(fail!(
                    KeyRequired,
                    "this store needs a keyring: make one with Keyring.generate(path) and pass its path"
                ));
            }
        };
        let signed = AtomicU64::new(ring.epoch());
        let keys = Keys { source, turn: async_lock::Mutex::new(()), signed, signing: Mutex::new(()), read_only };
        Ok((keys, ring))
    }
}

fn called(give: &KeyringCallback) -> Result<Keyring> {
    Keyring::from_bytes(&Zeroizing::new(give()?))
}

impl Inner {
    /// What every call asks first that touches the backend: the store is open, it is this process's own, and its keyring
    /// was looked at a moment ago.
    pub(crate) async fn ready(&self) -> Result<()> {
        self.check_usable()?;
        self.catch_up().await?;
        self.tell_of_keys();
        let (ring, now) = (self.vault.ring(), Instant::now());
        // A token that was verified in between may have looked, and could not ask the store.
        if !ring.is_due(now) && !ring.is_unchecked() {
            return Ok(());
        }
        // One looks, the others go on; but not with keys that may have gone while nobody looked.
        let turn = if ring.is_overdue(now) { Some(self.keys.turn.lock().await) } else { self.keys.turn.try_lock() };
        if turn.is_some() {
            if ring.is_due(Instant::now()) {
                ring.look(Instant::now());
            }
            // Where the store can't be asked now, the new keys only open until it can.
            let _ = self.confirm_keys().await;
            self.sign_on();
        }
        Ok(())
    }

    /// The same for calls that never wait: new keys open and verify from here on.
    pub(crate) fn glance_at_keys(&self) {
        let (ring, now) = (self.vault.ring(), Instant::now());
        if ring.is_due(now) && self.check_own().is_ok() {
            ring.look(now);
        }
        self.sign_on();
    }

    /// Reads the keyring's file, and goes by what it says from here on.
    async fn follow_keys_now(&self) -> Result<()> {
        self.vault.ring().reread(Instant::now())?;
        let _turn = self.keys.turn.lock().await;
        let confirmed = self.confirm_keys().await;
        self.sign_on();
        confirmed
    }

    /// Compares new keys with the check values that the store keeps. What is refused is not in force any more.
    async fn confirm_keys(&self) -> Result<()> {
        let ring = self.vault.ring();
        if !ring.is_unchecked() {
            return Ok(());
        }
        let in_force = ring.in_force();
        match self.check_keys(&in_force).await {
            Ok(()) => ring.confirm(&in_force, Instant::now()),
            Err(error) if is_refusal(&error) => {
                ring.reject(&in_force, error.clone());
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// In every backend that there is.
    pub(crate) async fn check_keys(&self, in_force: &Arc<InForce>) -> Result<()> {
        check_keys(&self.vault, in_force, &self.backend, self.keys.read_only).await?;
        match &self.secrets {
            Some(secrets) => check_keys(&self.vault, in_force, secrets.backend(), self.keys.read_only).await,
            None => Ok(()),
        }
    }

    /// Watchers are told of what became of the keys.
    fn tell_of_keys(&self) {
        self.audit.keys_changed(self.vault.ring().take_news());
    }

    /// The signer goes by the keyring in force.
    fn sign_on(&self) {
        self.tell_of_keys();
        let ring = self.vault.ring();
        if self.keys.signed.load(Ordering::Acquire) == ring.epoch() {
            return;
        }
        // One after the other: who was held up must not put back what was in force when it looked.
        let _turn = self.keys.signing.lock();
        let epoch = ring.epoch();
        if self.keys.signed.load(Ordering::Acquire) != epoch {
            // They were checked when the keyring was read.
            let _ = self.signer.adopt(own_keys(&ring.in_force()));
            self.keys.signed.store(epoch, Ordering::Release);
        }
    }

    /// Verifies a token, also one that has expired.
    pub(crate) async fn verify_whenever(&self, token: &str, proven: &Confirmation) -> Result<VerifiedToken> {
        self.with_own_keys(|| self.verifier.verify_whenever(token, proven, &self.clock)).await
    }

    /// Verifies a token.
    pub(crate) async fn verify(&self, token: &str, proven: &Confirmation) -> Result<VerifiedToken> {
        self.with_own_keys(|| self.verifier.verify(token, proven, &self.clock)).await
    }

    /// Verifies a token, whatever key it is bound to.
    pub(crate) async fn verify_unproven(&self, token: &str) -> Result<VerifiedToken> {
        self.with_own_keys(|| self.verifier.verify_unproven(token, &self.clock)).await
    }

    /// Verifies a token, also one that has expired, with the keys that are known.
    pub(crate) fn verify_now(
        &self,
        token: &str,
        proven: &Confirmation,
        now: Time,
    ) -> std::result::Result<VerifiedToken, Missed> {
        self.glance_at_keys();
        match self.verifier.verify_now(token, proven, now) {
            Err(missed) if self.has_others_by_now(&missed.error) => self.verifier.verify_now(token, proven, now),
            other => other,
        }
    }

    async fn with_own_keys<T, F: Future<Output = Result<T>>>(&self, verify: impl Fn() -> F) -> Result<T> {
        self.glance_at_keys();
        match verify().await {
            Err(error) if self.has_others_by_now(&error) => verify().await,
            other => other,
        }
    }

    /// A token that names a key which is not here is looked at again, if the keyring has others by now.
    fn has_others_by_now(&self, error: &Error) -> bool {
        let others = names_unknown_key(error) && self.check_own().is_ok() && self.vault.ring().look_for_more();
        if others {
            self.sign_on();
        }
        others
    }
}

fn names_unknown_key(error: &Error) -> bool {
    error.code() == Code::TokenUntrusted && error.details().get("reason").is_some_and(|reason| reason == "key")
}

impl Store {
    /// Reads the keyring again, now: a file, environment variable or callback as it is (`None`), or `bytes` in place of
    /// those that were given. A file is also followed by itself, within seconds.
    ///
    /// `KEYRING_INVALID`, `KEY_MISMATCH`, `KEY_UNAVAILABLE` say why the new one is not in force; the one before is then.
    /// New keys open at once, and seal once they are 60 seconds old.
    pub fn reload_keys(&self, bytes: Option<&[u8]>) -> Task<()> {
        let inner = self.0.clone();
        // A callback runs on the caller's thread; and no fork comes while the ring's locks are held.
        let read = fork::within(|| inner.check_usable().and_then(|()| inner.reread_keys(bytes)));
        Task::new(&self.0.pool, async move || {
            if read.as_ref().is_ok_and(Result::is_err) {
                inner.tell_of_keys();
            }
            read??;
            let _turn = inner.keys.turn.lock().await;
            let confirmed = inner.confirm_keys().await;
            inner.sign_on();
            confirmed
        })
    }
}

impl Inner {
    fn reread_keys(&self, bytes: Option<&[u8]>) -> Result<()> {
        let (ring, now) = (self.vault.ring(), Instant::now());
        let given = match (&self.keys.source, bytes) {
            (Source::Bytes | Source::Env(_) | Source::Callback(_), Some(bytes)) => Keyring::from_bytes(bytes),
            (Source::Env(variable), None) => Keyring::from_env(variable),
            (Source::Callback(give), None) => called(give),
            (Source::File, None) => return ring.reread(now),
            (Source::File, Some(_)) => {
                return Err(misplaced("the keyring is a file: change the file, and pass nothing"));
            }
            (Source::Bytes, None) => return Err(misplaced("the keyring was given as bytes: pass the new ones")),
            (Source::Random, _) => return Err(misplaced("the store runs on random keys that nobody gave it")),
        };
        ring.offer(given, now)
    }
}

fn misplaced(why: &str) -> Error {
    fail!(InvalidArgument, "bytes: {why}").with("argument", "bytes")
}

/// The signing keys that count: a revoked one neither signs nor verifies.
pub(crate) fn own_keys(in_force: &InForce) -> Vec<OwnKey> {
    let keys = in_force.keyring.signing_keys().iter().filter(|key| key.state != KeyState::Revoked);
    keys.map(|key| OwnKey { kid: key.kid.clone(), seed: key.seed.clone(), primary: key.kid == in_force.signing.kid })
        .collect()
}

/// Compares a keyring with the check values that the store keeps: another key is an error here, not an empty-looking
/// store later. Keys it has not met are added, unless it is for reading only.
pub(crate) async fn check_keys(
    vault: &Vault,
    in_force: &Arc<InForce>,
    backend: &Backend,
    read_only: bool,
) -> Result<()> {
    let key = vault.meta_key();
    let mut stored = backend.read_meta(&key).await?;
    while let Some(new) = vault.check_meta(&in_force.keyring, stored.as_deref())? {
        if read_only {
            return Ok(());
        }
        match backend.apply_meta(&key, stored.as_deref(), &new).await? {
            Ok(()) => return Ok(()),
            Err(other) => stored = other,
        }
    }
    Ok(())
}

/// Signs the store's tokens with the keyring in force.
pub(crate) fn signer(issuer: &str, ring: &Ring, limits: &crate::limits::Limits) -> Result<Arc<Signer>> {
    Ok(Arc::new(Signer::new(issuer, own_keys(&ring.in_force()), limits)?))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;
    use crate::options::Options;

    fn store() -> (tempfile::TempDir, std::path::PathBuf, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.json");
        Keyring::generate(&path).unwrap();
        let store = Store::open(Options::new("memory:").keyring_file(&path)).wait().unwrap();
        (folder, path, store)
    }

    /// A host that verifies a token before each operation always looks at the file there, where nothing can be compared.
    #[test]
    fn keys_that_a_token_brought_are_compared_by_the_next_operation() {
        let (_folder, path, store) = store();
        let ring = store.0.vault.ring();
        Keyring::add(&path, "data").unwrap();
        ring.look(Instant::now());
        assert!(ring.is_unchecked(), "nobody asked the store yet");
        store.configs().list(None).wait().unwrap();
        assert!(!ring.is_unchecked(), "or the new key would never seal");
        assert_eq!(ring.in_force().keyring.data_keys().len(), 2);
    }

    #[test]
    fn the_signer_ends_with_the_keys_in_force_however_many_follow_them() {
        let (_folder, path, store) = store();
        let inner = &store.0;
        let ring = inner.vault.ring();
        let one = Keyring::from_file(&path).unwrap();
        let kid = Keyring::add(&path, "signing").unwrap();
        let two = Keyring::from_file(&path).unwrap();
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        inner.sign_on();
                    }
                });
            }
            let turns = (0..300).map(|turn| {
                let next = if turn % 2 == 0 { two.clone() } else { one.clone() };
                ring.offer(Ok(next), Instant::now()).unwrap();
                thread::yield_now();
                inner.sign_on();
                inner.signer.jwks().contains(&kid) == (turn % 2 == 0)
            });
            let right = turns.filter(|right| *right).count();
            over.store(true, Ordering::Relaxed);
            assert_eq!(right, 300, "a call went on with older keys");
        });
    }
}
