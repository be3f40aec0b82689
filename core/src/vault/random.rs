//! Randomness from the system. Never from a thread's generator: after a fork two children drew the same bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Error, Result, fail};

/// Fills `bytes` from the system's generator. A failure is an error, never weaker bytes.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    #[cfg(test)]
    if let Some(fault) = faulty::current() {
        return fault.fill(bytes);
    }
    getrandom::fill(bytes).map_err(|_| no_randomness())
}

fn no_randomness() -> Error {
    fail!(Unavailable, "the system gave no random bytes")
}

/// The randomness of one change: a single draw from the system serves its nonces, stamps and lives.
pub(crate) struct Entropy {
    /// Mixed into every nonce.
    nonces: Zeroizing<[u8; 32]>,
    /// Keys the ids; apart from the nonces, so that an id tells nothing of them.
    ids: Zeroizing<[u8; 32]>,
    given: u64,
}

impl Entropy {
    pub(crate) fn draw() -> Result<Entropy> {
        let mut drawn = Zeroizing::new([0; 64]);
        fill_random(&mut *drawn)?;
        Ok(Entropy::from_bytes(&drawn))
    }

    fn from_bytes(drawn: &[u8; 64]) -> Entropy {
        let mut entropy = Entropy { nonces: Zeroizing::default(), ids: Zeroizing::default(), given: 0 };
        entropy.nonces.copy_from_slice(&drawn[..32]);
        entropy.ids.copy_from_slice(&drawn[32..]);
        entropy
    }

    /// The same bytes for everyone: for the golden records.
    #[cfg(test)]
    pub(crate) fn fixed(byte: u8) -> Entropy {
        Entropy::from_bytes(&[byte; 64])
    }

    /// What every nonce of the change mixes in.
    pub(crate) fn nonce_seed(&self) -> &[u8; 32] {
        &self.nonces
    }

    /// A new random id: HMAC-SHA256(ids, count), its first 16 bytes.
    pub(crate) fn random_id(&mut self) -> [u8; 16] {
        self.given += 1;
        let mut mac = hmac(&self.ids[..]);
        mac.update(&self.given.to_be_bytes());
        first_16(mac)
    }
}

/// HMAC-SHA256, which takes keys of any length.
pub(crate) fn hmac(key: &[u8]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "RFC 2104 sets no bound on the key's length, and the crate checks none")]
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The first half of the tag.
pub(crate) fn first_16(mac: Hmac<Sha256>) -> [u8; 16] {
    let tag = mac.finalize().into_bytes();
    let mut first = [0; 16];
    first.copy_from_slice(&tag[..16]);
    first
}

/// A generator that fails or repeats itself, for the tests: on the thread that asks for it.
#[cfg(test)]
pub(crate) mod faulty {
    use std::cell::Cell;

    use super::*;

    #[derive(Clone, Copy)]
    pub(crate) enum Fault {
        /// Gives this byte for ever: dead, or in a machine that was cloned or set back.
        Stuck(u8),
        Failing,
    }

    thread_local!(static FAULT: Cell<Option<Fault>> = const { Cell::new(None) });

    pub(super) fn current() -> Option<Fault> {
        FAULT.get()
    }

    /// Does `work` with a faulty generator.
    pub(crate) fn with<R>(fault: Fault, work: impl FnOnce() -> R) -> R {
        let before = FAULT.replace(Some(fault));
        let result = work();
        FAULT.set(before);
        result
    }

    impl Fault {
        pub(super) fn fill(self, bytes: &mut [u8]) -> Result<()> {
            match self {
                Fault::Stuck(byte) => bytes.fill(byte),
                Fault::Failing => return Err(no_randomness()),
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_draws_differ() {
        let mut entropy = Entropy::draw().unwrap();
        let (a, b) = (entropy.random_id(), entropy.random_id());
        assert_ne!(a, b);
        assert_ne!(Entropy::draw().unwrap().nonce_seed(), entropy.nonce_seed());
    }
}
