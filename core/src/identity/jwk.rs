//! Which keys of a JWK set are admitted (RFC 7517), and why the others are not.
//!
//! A key is vetted once, when it is loaded. One that is refused doesn't spoil the set; a set of which nothing is left does.

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
use super::members::{Members, array, string, strings};

/// Members of private and secret keys (RFC 7518 §6, RFC 8037, and `priv` of the AKP type). Whoever publishes one has
/// given the key away.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// Members that bring a second key along, or fetch one.
const INDIRECT: [&str; 3] = ["x5c", "x5u", "jku"];

/// A `kid` is a name.
const KID_BYTES: usize = 256;

/// The keys of one issuer.
pub(super) struct KeySet {
    keys: Vec<Key>,
}

/// A key that was not admitted, by its place in the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) index: usize,
    pub(super) kid: Option<String>,
    pub(super) reason: String,
}

type Reason = String;

impl KeySet {
    /// Keys that need no vetting: our own.
    pub(super) fn of(keys: Vec<Key>) -> KeySet {
        KeySet { keys }
    }

    /// Admits what is fit of `{"keys": […]}`; an error if that is nothing.
    pub(super) fn admit(jwks: &str) -> Result<(KeySet, Vec<Refused>), Reason> {
        let members = Members::read(jwks).map_err(|why| format!("the key set {}", why.as_str()))?;
        let given = members.get("keys").and_then(array).ok_or("a key set is an object {\"keys\": [...]}")?;
        if given.is_empty() {
            return Err("the key set is empty".to_owned());
        }
        let kids: Vec<Option<String>> = given.iter().map(|jwk| kid_of(jwk)).collect();
        let mut keys = Vec::new();
        let mut refused = Vec::new();
        for (index, jwk) in given.iter().enumerate() {
            match check_name(&kids, index).and_then(|()| admit_key(jwk)) {
                Ok(key) => keys.push(key),
                Err(reason) => refused.push(Refused { index, kid: kids[index].clone(), reason }),
            }
        }
        match keys.is_empty() {
            false => Ok((KeySet { keys }, refused)),
            true => Err(format!("no key of the set can be used: {}", list(&refused))),
        }
    }

    /// The key of that exact name. A token without one means the only key there is (RFC 7515 §4.1.4 makes `kid`
    /// optional); with several, guessing would be trial verification.
    pub(super) fn find(&self, kid: Option<&str>) -> Option<&Key> {
        match (kid, self.keys.as_slice()) {
            (Some(_), keys) => keys.iter().find(|key| key.kid.as_deref() == kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

fn list(refused: &[Refused]) -> String {
    let reasons: Vec<String> = refused
        .iter()
        .map(|key| match &key.kid {
            Some(kid) => format!("keys[{}] (kid {kid:?}): {}", key.index, key.reason),
            None => format!("keys[{}]: {}", key.index, key.reason),
        })
        .collect();
    reasons.join("; ")
}

/// The key's name, if it has a proper one.
fn kid_of(jwk: &RawValue) -> Option<String> {
    let kid = string(Members::read(jwk.get()).ok()?.get("kid")?)?;
    (!kid.is_empty() && kid.len() <= KID_BYTES && !kid.chars().any(char::is_control)).then_some(kid)
}

fn check_name(kids: &[Option<String>], index: usize) -> Result<(), Reason> {
    match &kids[index] {
        None if kids.len() > 1 => Err("one of several keys needs a kid".to_owned()),
        Some(kid) if kids.iter().flatten().filter(|other| *other == kid).count() > 1 => {
            Err("another key of the set has the same kid".to_owned())
        }
        _ => Ok(()),
    }
}

fn admit_key(jwk: &RawValue) -> Result<Key, Reason> {
    let jwk = Members::read(jwk.get()).map_err(|why| format!("the key {}", why.as_str()))?;
    if let Some(name) = PRIVATE.into_iter().find(|name| jwk.get(name).is_some()) {
        return Err(format!("it has the private member {name}: publish the public key only, and replace this one"));
    }
    if let Some(name) = INDIRECT.into_iter().find(|name| jwk.get(name).is_some()) {
        return Err(format!("it has {name}: a key is given by its own numbers"));
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
    match !kid.is_empty() && kid.len() <= KID_BYTES && !kid.chars().any(char::is_control) {
        true => Ok(kid),
        false => Err("its kid does not have 1 to 256 bytes without control characters".to_owned()),
    }
}

/// RSA: 2048 to 4096 bits, since shorter is weak and longer only makes each check dear; an odd exponent of at least 65537.
fn rsa(jwk: &Members<'_>, kid: Option<String>, named: Option<Algorithm>) -> Result<Key, Reason> {
    use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};
    let algorithm = match named {
        Some(algorithm @ (PS256 | PS384 | PS512 | RS256 | RS384 | RS512)) => algorithm,
        Some(_) => return Err("its alg is not one of RSA".to_owned()),
        None => return Err("an RSA key must say its alg: one key, one algorithm".to_owned()),
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
    if (RsaPublicKeyComponents { n: &n, e: &e }).to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).is_err() {
        return Err("its numbers make no RSA key".to_owned());
    }
    Ok(Key::new(kid, algorithm, DecodingKey::from_rsa_raw_components(&n, &e), n.len()))
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
    Ok(Key::new(kid, algorithm, DecodingKey::from_ec_der(&point), 2 * size))
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
    Key::new(kid, Algorithm::EdDSA, DecodingKey::from_ed_der(x), 64)
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
