//! The signature algorithms that a token may name, and nothing else: `none` and ES512 are not in the list.

use jsonwebtoken::Algorithm;

const NAMES: [(&str, Algorithm); 12] = [
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("HS256", Algorithm::HS256),
    ("HS384", Algorithm::HS384),
    ("HS512", Algorithm::HS512),
];

/// The algorithm of that exact name: RFC 7515 §4.1.1 makes `alg` case-sensitive.
pub(super) fn named(name: &str) -> Option<Algorithm> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

/// The bytes of an HMAC's hash (RFC 7518 §3.2); absent for every other algorithm.
pub(super) fn hmac_bytes(algorithm: Algorithm) -> Option<usize> {
    match algorithm {
        Algorithm::HS256 => Some(32),
        Algorithm::HS384 => Some(48),
        Algorithm::HS512 => Some(64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        assert_eq!(named("ES256"), Some(Algorithm::ES256));
        for name in
            ["none", "None", "NONE", "", "es256", "ES256 ", "ES512", "ES256K", "HS1", "RSA-OAEP", "eddsa", "Ed25519"]
        {
            assert_eq!(named(name), None, "{name:?}");
        }
    }
}
