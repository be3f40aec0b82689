//! A key that was admitted: one name, one algorithm, one way to verify.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};

/// A verification key. It is bound to one algorithm, so a token can't make an RSA key serve as an HMAC secret.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    material: DecodingKey,
    signature_bytes: usize,
}

impl Key {
    /// A key for `algorithm`; `signature_bytes` is the exact length of its signatures.
    pub(super) fn new(kid: Option<String>, algorithm: Algorithm, material: DecodingKey, signature_bytes: usize) -> Key {
        Key { kid, algorithm, material, signature_bytes }
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
