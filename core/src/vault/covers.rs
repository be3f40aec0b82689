//! Whether a keyring opens all that another one opens, and knows its tokens and its ids again.

use subtle::ConstantTimeEq;

use super::keyring::{KeyState, Keyring};
use crate::error::{Result, fail};

impl Keyring {
    /// `KEY_UNAVAILABLE` for a key that it lacks, `KEY_MISMATCH` for one with other bytes, `KEY_REVOKED` for one that
    /// opens nothing any more here; the details name it.
    pub(crate) fn covers(&self, other: &Keyring) -> Result<()> {
        if !bool::from(self.index_key().ct_eq(other.index_key())) {
            return Err(fail!(KeyUnavailable, "the two keyrings have different index keys: they are not of one store"));
        }
        for wanted in other.data_keys().iter().filter(|key| key.state.opens()) {
            let id = wanted.id;
            match self.data_keys().iter().find(|key| key.id == id) {
                None => return Err(fail!(KeyUnavailable, "data key {id} is not in the keyring").with("keyId", id)),
                Some(key) if !bool::from(key.bytes.ct_eq(&wanted.bytes[..])) => {
                    return Err(fail!(KeyMismatch, "data key {id} has other bytes in the keyring").with("keyId", id));
                }
                Some(key) if !key.state.opens() => {
                    return Err(fail!(KeyRevoked, "data key {id} is revoked in the keyring").with("keyId", id));
                }
                Some(_) => {}
            }
        }
        let verifies =
            |kid: &str| self.signing_keys().iter().any(|key| key.kid == kid && key.state != KeyState::Revoked);
        for wanted in other.signing_keys().iter().filter(|key| key.state != KeyState::Revoked) {
            if !verifies(&wanted.kid) {
                return Err(fail!(KeyUnavailable, "signing key {} is not in the keyring, or revoked", wanted.kid)
                    .with("kid", &*wanted.kid));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{code, keyring, keyring_of};
    use crate::error::Code;

    #[test]
    fn every_key_that_opens_must_be_there() {
        let one = keyring(&[(1, "primary")]);
        let two = keyring(&[(1, "retired"), (2, "primary")]);
        let gone = keyring(&[(1, "revoked"), (2, "primary")]);
        assert!(one.covers(&one).is_ok() && two.covers(&one).is_ok() && two.covers(&gone).is_ok());
        let refused = one.covers(&two).unwrap_err();
        assert_eq!((refused.code(), &refused.details()["keyId"]), (Code::KeyUnavailable, &2.into()));
        assert_eq!(code(gone.covers(&one)), Code::KeyRevoked);
        assert_eq!(code(keyring_of(&[(1, "primary")], 0xAA).covers(&one)), Code::KeyUnavailable);
    }
}
