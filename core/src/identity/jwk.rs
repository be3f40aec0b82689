//! Which key is admitted (RFC 7517, RFC 7518 §6, RFC 8037), and why another is not.
//!
//! A key is vetted once, when it is loaded: its purpose, its algorithm, its numbers.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::value::RawValue;

use super::algorithm;
use super::key::Key;
use super::members::{Members, string, strings};

/// Members of private and secret keys (RFC 7518 §6, RFC 8037, and `priv` of the AKP type). Whoever publishes one has
/// given the key away.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A `kid` is a name.
const KID_BYTES: usize = 256;

/// Why a key is refused: `its use is not sig`. Never with the key's numbers.
pub(super) type Reason = String;

/// The key that a JWK makes, or why it makes none.
pub(super) fn admit(jwk: &RawValue) -> Result<Key, Reason> {
    let jwk = Members::read(jwk.get()).map_err(|why| format!("the key {}", why.as_str()))?;
    if let Some(name) = PRIVATE.into_iter().find(|name| jwk.get(name).is_some()) {
        return Err(format!("it has the private member {name}: publish the public key only, and replace this one"));
    }
    check_use(&jwk)?;
    let kid = match jwk.get("kid") {
        None => None,
        Some(value) => Some(kid_text(value)?),
    };
    let named = match text(&jwk, "alg")? {
        None => None,
        Some(name) => Some(algorithm::named(&name).ok_or("its alg is none of those that a store accepts")?),
    };
    match text(&jwk, "kty")?.as_deref() {
        Some("RSA") => rsa(&jwk, kid, named),
        Some("EC") => ec(&jwk, kid, named),
        Some("OKP") => okp(&jwk, kid, named),
        Some("oct") => Err("it is a secret: declare the issuer symmetric and give the secret separately".to_owned()),
        Some(_) => Err("its kty is not RSA, EC or OKP".to_owned()),
        None => Err("it has no kty".to_owned()),
    }
}

/// A key meant for encryption, or for signing only, verifies nothing (RFC 7517 §4.2, §4.3).
fn check_use(jwk: &Members<'_>) -> Result<(), Reason> {
    if text(jwk, "use")?.is_some_and(|purpose| purpose != "sig") {
        return Err("its use is not sig".to_owned());
    }
    match jwk.get("key_ops").map(strings) {
        None => Ok(()),
        Some(Some(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        Some(_) => Err("its key_ops do not have verify".to_owned()),
    }
}

fn kid_text(value: &RawValue) -> Result<String, Reason> {
    let kid = string(value).ok_or("its kid is not a string")?;
    match is_kid(&kid) {
        true => Ok(kid),
        false => Err("its kid does not have 1 to 256 bytes without control characters".to_owned()),
    }
}

/// Whether a `kid` can be compared, printed and logged.
pub(super) fn is_kid(text: &str) -> bool {
    !text.is_empty() && text.len() <= KID_BYTES && !text.chars().any(char::is_control)
}

/// RSA: 2048 to 4096 bits, since shorter is weak and longer only makes each check dear; an odd exponent of at least 65537.
fn rsa(jwk: &Members<'_>, kid: Option<String>, named: Option<Algorithm>) -> Result<Key, Reason> {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    let algorithm = match named {
        Some(algorithm @ (PS256 | PS384 | PS512 | RS256 | RS384 | RS512)) => algorithm,
        Some(_) => return Err("its alg is not one of RSA".to_owned()),
        // One key, one algorithm: large providers publish RSA keys without alg, and mean the one that RFC 9068 §4 has
        // everybody support.
        None => RS256,
    };
    let n = unsigned(jwk, "n")?;
    let e = unsigned(jwk, "e")?;
    let bits = n.len() * 8 - n[0].leading_zeros() as usize;
    if !(2048..=4096).contains(&bits) {
        return Err(format!("its modulus has {bits} bits; 2048 to 4096 are accepted"));
    }
    if n.last().is_some_and(|last| last % 2 == 0) {
        return Err("its modulus is even".to_owned());
    }
    let exponent = e.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    if e.len() > 4 || exponent < 65_537 || exponent % 2 == 0 {
        return Err("its exponent is not an odd number from 65537 to 2^32".to_owned());
    }
    if has_roca_fingerprint(&n) {
        return Err("its modulus was made by a generator whose keys can be factored (ROCA, CVE-2017-15361)".to_owned());
    }
    if (RsaPublicKeyComponents { n: &n, e: &e }).to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).is_err() {
        return Err("its numbers make no RSA key".to_owned());
    }
    Ok(Key::new(kid, algorithm, DecodingKey::from_rsa_raw_components(&n, &e), n.len(), &[&n, &e]))
}

/// Whether the modulus is a power of 65537 modulo each of these primes, as that generator's are; one in 2^27 others is too.
fn has_roca_fingerprint(n: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
        109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.into_iter().all(|prime| {
        let remainder = n.iter().fold(0, |rest, byte| (rest << 8 | u32::from(*byte)) % prime);
        let mut power = 1;
        (0..prime).any(|_| {
            power = power * (65_537 % prime) % prime;
            power == remainder
        })
    })
}

/// EC: the curve decides the algorithm (RFC 7518 §3.4); the point is on it.
fn ec(jwk: &Members<'_>, kid: Option<String>, named: Option<Algorithm>) -> Result<Key, Reason> {
    let (algorithm, size, curve): (_, usize, &'static EcdsaVerificationAlgorithm) = match text(jwk, "crv")?.as_deref() {
        Some("P-256") => (Algorithm::ES256, 32, &ECDSA_P256_SHA256_FIXED),
        Some("P-384") => (Algorithm::ES384, 48, &ECDSA_P384_SHA384_FIXED),
        _ => return Err("its crv is not P-256 or P-384".to_owned()),
    };
    if named.is_some_and(|named| named != algorithm) {
        return Err("its crv does not fit its alg".to_owned());
    }
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // Coordinates have the curve's full length, leading zeros and all (RFC 7518 §6.2.1.2).
    if x.len() != size || y.len() != size {
        return Err(format!("its coordinates do not have {size} bytes each"));
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    if ParsedPublicKey::new(curve, &point).is_err() {
        return Err("its point is not on the curve".to_owned());
    }
    Ok(Key::new(kid, algorithm, DecodingKey::from_ec_der(&point), 2 * size, &[&point]))
}

/// OKP: Ed25519 only (RFC 8037).
fn okp(jwk: &Members<'_>, kid: Option<String>, named: Option<Algorithm>) -> Result<Key, Reason> {
    if text(jwk, "crv")?.as_deref() != Some("Ed25519") {
        return Err("its crv is not Ed25519".to_owned());
    }
    if named.is_some_and(|named| named != Algorithm::EdDSA) {
        return Err("its crv does not fit its alg".to_owned());
    }
    let x: [u8; 32] = bytes(jwk, "x")?.try_into().map_err(|_| "its x does not have 32 bytes")?;
    if !is_strong_ed25519(&x) {
        return Err("its point is of small order or not canonical: it would accept forged signatures".to_owned());
    }
    Ok(ed25519(kid, &x))
}

/// The Ed25519 key of those 32 bytes.
pub(super) fn ed25519(kid: Option<String>, x: &[u8; 32]) -> Key {
    Key::new(kid, Algorithm::EdDSA, DecodingKey::from_ed_der(x), 64, &[x])
}

/// The y coordinates of the points whose order divides 8: 1, −1, 0, and the two of order 8. Under such a key the
/// equation of RFC 8032 §5.1.7 holds for signatures that anybody can make.
const SMALL_ORDER: [[u8; 32]; 5] = {
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    [
        [0; 32],
        one,
        minus_one,
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ]
};

fn is_strong_ed25519(x: &[u8; 32]) -> bool {
    let mut y = *x;
    y[31] &= 0x7f;
    // y < 2^255 − 19, or the same point would have a second spelling.
    let canonical = y[31] != 0x7f || y[0] < 0xed || y[1..31].iter().any(|byte| *byte != 0xff);
    canonical && !SMALL_ORDER.contains(&y)
}

fn text(jwk: &Members<'_>, name: &str) -> Result<Option<String>, Reason> {
    match jwk.get(name) {
        None => Ok(None),
        Some(value) => string(value).map(Some).ok_or_else(|| format!("its {name} is not a string")),
    }
}

fn bytes(jwk: &Members<'_>, name: &str) -> Result<Vec<u8>, Reason> {
    let text = text(jwk, name)?.ok_or_else(|| format!("it has no {name}"))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| format!("its {name} is not base64url without padding"))
}

/// A Base64urlUInt: as few bytes as the number needs (RFC 7518 §2).
fn unsigned(jwk: &Members<'_>, name: &str) -> Result<Vec<u8>, Reason> {
    let bytes = bytes(jwk, name)?;
    match bytes.first() {
        Some(first) if *first != 0 => Ok(bytes),
        _ => Err(format!("its {name} is empty or has a leading zero byte")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
    use serde_json::{Value, json};

    use super::*;

    pub(in super::super) fn ed() -> Value {
        let pair = Ed25519KeyPair::generate().unwrap();
        json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key()), "kid": "ed"})
    }

    pub(in super::super) fn p256() -> Value {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y), "kid": "p256"})
    }

    /// `key` with one member replaced, or left out by null.
    pub(in super::super) fn with(mut key: Value, name: &str, value: Value) -> Value {
        match value {
            Value::Null => key.as_object_mut().unwrap().remove(name),
            value => key.as_object_mut().unwrap().insert(name.to_owned(), value),
        };
        key
    }

    /// Whether the key is admitted.
    fn is_fit(key: &Value) -> bool {
        admit(&serde_json::from_str::<Box<RawValue>>(&key.to_string()).unwrap()).is_ok()
    }

    #[test]
    fn each_member_is_checked() {
        let zeros = |bytes| json!(URL_SAFE_NO_PAD.encode(vec![0u8; bytes]));
        let cases: Vec<(Value, bool)> = vec![
            (ed(), true),
            (p256(), true),
            (with(p256(), "alg", json!("ES256")), true),
            (with(p256(), "use", json!("sig")), true),
            (with(p256(), "key_ops", json!(["verify"])), true),
            (with(p256(), "x5t", json!("AA")), true),
            (with(p256(), "alg", json!("ES384")), false),
            (with(p256(), "alg", json!("EdDSA")), false),
            (with(p256(), "alg", json!("none")), false),
            (with(p256(), "alg", json!(1)), false),
            (with(p256(), "crv", json!("P-384")), false),
            (with(p256(), "crv", json!("secp256k1")), false),
            (with(p256(), "crv", Value::Null), false),
            (with(p256(), "kty", json!("ec")), false),
            (with(p256(), "kty", Value::Null), false),
            (with(p256(), "y", Value::Null), false),
            (with(p256(), "y", zeros(32)), false),
            (with(p256(), "x", zeros(33)), false),
            (with(with(p256(), "x", zeros(32)), "y", zeros(32)), false),
            (with(p256(), "use", json!(["sig"])), false),
            (with(p256(), "key_ops", json!("verify")), false),
            (with(p256(), "key_ops", json!(["sign"])), false),
            (with(p256(), "kid", json!("")), false),
            (with(p256(), "kid", json!(7)), false),
            (with(p256(), "kid", json!("a\nb")), false),
            (with(ed(), "crv", json!("X25519")), false),
            (with(ed(), "crv", json!("Ed448")), false),
            (with(ed(), "alg", json!("ES256")), false),
            (with(ed(), "x", zeros(0)), false),
            (with(ed(), "x", zeros(16)), false),
            (with(ed(), "x", zeros(31)), false),
            (with(ed(), "x", zeros(33)), false),
            (with(ed(), "x", zeros(32)), false),
            (json!({"kty": "oct", "alg": "HS256", "kid": "s"}), false),
        ];
        for (key, good) in cases {
            assert_eq!(is_fit(&key), good, "{key}");
        }
        for name in PRIVATE {
            assert!(!is_fit(&with(p256(), name, json!("AA"))), "{name}");
        }
    }

    /// Providers publish certificates beside their keys. They are neither read nor fetched: a key is its own numbers.
    #[test]
    fn certificates_beside_a_key_are_ignored() {
        for name in ["x5c", "x5u", "x5t", "jku"] {
            assert!(is_fit(&with(p256(), name, json!(["AA"]))), "{name}");
        }
    }

    #[test]
    fn rsa_numbers_are_checked() {
        // What counts is the shape: no private half of this modulus is known or needed.
        let modulus = |bits: usize, last: u8| {
            let mut n = vec![0xb7u8; bits.div_ceil(8)];
            if !bits.is_multiple_of(8) {
                n[0] = 1 << (bits % 8 - 1);
            }
            *n.last_mut().unwrap() = last;
            n
        };
        let rsa = |n: &[u8], e: &[u8], alg: &str| {
            let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
            is_fit(&json!({"kty": "RSA", "n": n, "e": e, "alg": alg}))
        };
        let f4 = [1, 0, 1];
        for (bits, good) in [
            (1024, false),
            (2047, false),
            (2048, true),
            (3072, true),
            (4096, true),
            (4097, false),
            (8192, false),
            (16_384, false),
        ] {
            assert_eq!(rsa(&modulus(bits, 0xb7), &f4, "RS256"), good, "{bits} bits");
        }
        let n = modulus(2048, 0xb7);
        assert!(!rsa(&modulus(2048, 0xb6), &f4, "RS256"), "an even modulus");
        assert!(!rsa(&[&[0], n.as_slice()].concat(), &f4, "RS256"), "a leading zero");
        assert!(!rsa(&[], &f4, "RS256"));
        for (e, good) in [
            (&[1, 0, 1][..], true),
            (&[1, 0, 3], true),
            (&[0xff, 0xff, 0xff, 0xff], true),
            (&[], false),
            (&[0], false),
            (&[1], false),
            (&[3], false),
            (&[0xff, 0xff], false),
            (&[1, 0, 0], false),
            (&[1, 0, 2], false),
            (&[0, 1, 0, 1], false),
            (&[1, 0, 0, 0, 1], false),
        ] {
            assert_eq!(rsa(&n, e, "PS256"), good, "exponent {e:?}");
        }
        for (alg, good) in [("RS512", true), ("PS384", true), ("ES256", false), ("HS256", false), ("RSA-OAEP", false)] {
            assert_eq!(rsa(&n, &f4, alg), good, "{alg}");
        }
    }

    /// A multiple of all those primes, and one more: a power of 65537 (its zeroth) modulo each.
    #[test]
    fn moduli_of_the_broken_generator_are_refused() {
        let times = |number: &mut Vec<u8>, factor: u32| {
            let mut carry = 0u32;
            for byte in number.iter_mut().rev() {
                carry += u32::from(*byte) * factor;
                *byte = carry as u8;
                carry >>= 8;
            }
            if carry > 0 {
                number.insert(0, carry as u8);
            }
        };
        let mut n = vec![2];
        for odd in (3..168).step_by(2) {
            times(&mut n, odd);
        }
        while n.len() < 256 {
            times(&mut n, 173);
        }
        *n.last_mut().unwrap() += 1;
        assert!(has_roca_fingerprint(&n));
        let key = |n: &[u8]| json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB"});
        let raw: Box<RawValue> = serde_json::from_str(&key(&n).to_string()).unwrap();
        assert!(admit(&raw).err().unwrap().contains("ROCA") || n[0] < 0x80);
        *n.last_mut().unwrap() += 2;
        assert!(!has_roca_fingerprint(&n));
    }

    #[test]
    fn weak_ed25519_points_are_refused_with_either_sign() {
        for weak in SMALL_ORDER {
            for sign in [0, 0x80] {
                let mut x = weak;
                x[31] |= sign;
                assert!(!is_strong_ed25519(&x), "{x:02x?}");
            }
        }
        // y = p … p + 18 is a second spelling of y = 0 … 18.
        for low in 0xed..=0xff {
            let mut x = [0xff; 32];
            (x[0], x[31]) = (low, 0x7f);
            assert!(!is_strong_ed25519(&x));
        }
        for _ in 0..32 {
            let pair = Ed25519KeyPair::generate().unwrap();
            assert!(is_strong_ed25519(pair.public_key().as_ref().try_into().unwrap()));
        }
    }
}
