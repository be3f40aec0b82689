//! A key that was admitted: one name, one algorithm, one way to verify.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier};
use jsonwebtoken::{Algorithm, DecodingKey};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::task::guard;

/// A verification key. It is bound to one algorithm, so a token can't make an RSA key serve as an HMAC secret.
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) algorithm: Algorithm,
    material: DecodingKey,
    signature_bytes: usize,
    print: Print,
    /// The provider is named, not looked up: with two of them compiled in by somebody else's cargo features,
    /// `jsonwebtoken` has no default and panics at first use.
    provider: &'static CryptoProvider,
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
        let print = hash.finalize().into();
        Key { kid, algorithm, material, signature_bytes, print, provider: &DEFAULT_PROVIDER }
    }

    /// Which key it is: the same numbers in another set, under any name, are the same key.
    pub(super) fn print(&self) -> &Print {
        &self.print
    }

    /// Whether `signature` is this key's over `signed`. `PANIC` if the provider panics: whoever sends a token must not end
    /// a thread of the host.
    pub(super) fn verifies(&self, signed: &[u8], signature: Vec<u8>) -> Result<bool> {
        // Raw r ‖ s of fixed length (RFC 7518 §3.4), never DER, never shortened; the same for every other family.
        if signature.len() != self.signature_bytes {
            return Ok(false);
        }
        guard(|| {
            let verifier = (self.provider.verifier_factory)(&self.algorithm, &self.material);
            Ok(verifier.is_ok_and(|verifier: Box<dyn JwtVerifier>| verifier.verify(signed, &signature).is_ok()))
        })
    }

    /// The same key with a provider that panics.
    #[cfg(test)]
    pub(super) fn panicking(self) -> Key {
        use jsonwebtoken::crypto::KeyUtils;

        static PROVIDER: CryptoProvider = CryptoProvider {
            signer_factory: |_, _| panic!("the provider panics"),
            verifier_factory: |_, _| panic!("the provider panics"),
            key_utils: KeyUtils::new_unimplemented(),
        };
        Key { provider: &PROVIDER, ..self }
    }
}
