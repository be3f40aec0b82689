//! A key that was admitted: one name, one algorithm, one way to verify.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use sha2::{Digest, Sha256};

/// A verification key. It is bound to one algorithm, so a token can't make an RSA key serve as an HMAC secret.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    material: DecodingKey,
    signature_bytes: usize,
    print: Print,
}

/// Which key it is, whatever set it stands in.
pub(super) type Print = [u8; 32];

impl Key {
    /// A key for `algorithm`; `signature_bytes` is the exact length of its signatures, `numbers` what it is made of.
    pub(super) fn new(
        kid: Option<String>,
        algorithm: Algorithm,
        material: DecodingKey,
        signature_bytes: usize,
        numbers: &[&[u8]],
    ) -> Key {
        let mut hash = Sha256::new();
        for number in numbers {
            hash.update((number.len() as u64).to_be_bytes());
            hash.update(number);
        }
        Key { kid, algorithm, material, signature_bytes, print: hash.finalize().into() }
    }

    /// Which key it is: the same numbers in another set, under any name, are the same key.
    pub(super) fn print(&self) -> &Print {
        &self.print
    }

    /// Whether `signature` is this key's over `signed`.
    ///
    /// The provider is named here, not looked up: with two providers compiled in by somebody else's cargo features,
    /// `jsonwebtoken` has no default and panics at first use.
    pub(super) fn verifies(&self, signed: &[u8], signature: Vec<u8>) -> bool {
        // Raw r ‖ s of fixed length (RFC 7518 §3.4), never DER, never shortened; the same for every other family.
        if signature.len() != self.signature_bytes {
            return false;
        }
        match (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.material) {
            Ok(verifier) => verifier.verify(signed, &signature).is_ok(),
            Err(_) => false,
        }
    }
}
