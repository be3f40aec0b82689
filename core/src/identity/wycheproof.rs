//! Signatures of Project Wycheproof, against the keys that a store admits and the one way in which they verify.
//!
//! Where the vectors' keys or encodings are none that a token can have (DER signatures, a 1024-bit modulus, a truncated
//! tag) they are left out by group, and the counts say how many were run.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use wycheproof::TestResult;

use super::jwk;
use super::key::Key;

fn admit(jwk: Value) -> Option<Key> {
    jwk::admit(&serde_json::from_str::<Box<RawValue>>(&jwk.to_string()).unwrap()).ok()
}

fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A number as few bytes as it needs.
fn number(bytes: &[u8]) -> String {
    b64(&bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len())..])
}

/// Whether the key said what the vectors say. `acceptable` ones may go either way.
fn agrees(key: &Key, message: &[u8], signature: &[u8], expected: TestResult) -> bool {
    let verified = key.verifies(message, signature.to_vec()).unwrap();
    match expected {
        TestResult::Valid => verified,
        TestResult::Invalid => !verified,
        TestResult::Acceptable => true,
    }
}

#[test]
fn ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let key = admit(json!({"kty": "OKP", "crv": "Ed25519", "x": b64(&group.key.pk)})).expect("a strong point");
        for test in group.tests {
            assert!(agrees(&key, &test.msg, &test.sig, test.result), "{} {}", test.tc_id, test.comment);
            run += 1;
        }
    }
    println!("wycheproof eddsa: {run} passed, 0 failed");
    assert!(run >= 150, "{run}");
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::{TestName, TestSet};
    let mut run = 0;
    for (name, crv, size) in
        [(TestName::EcdsaSecp256r1Sha256P1363, "P-256", 32), (TestName::EcdsaSecp384r1Sha384P1363, "P-384", 48)]
    {
        for group in TestSet::load(name).unwrap().test_groups {
            let point = &group.key.key[1..];
            let (x, y) = point.split_at(size);
            let key = admit(json!({"kty": "EC", "crv": crv, "x": b64(x), "y": b64(y)})).expect("a point of the curve");
            for test in group.tests {
                assert!(agrees(&key, &test.msg, &test.sig, test.result), "{crv} {} {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    println!("wycheproof ecdsa: {run} passed, 0 failed");
    assert!(run >= 500, "{run}");
}

#[test]
fn rsa_pkcs1() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    let sets = [
        (TestName::Rsa2048Sha256, "RS256"),
        (TestName::Rsa3072Sha256, "RS256"),
        (TestName::Rsa4096Sha256, "RS256"),
        (TestName::Rsa3072Sha384, "RS384"),
        (TestName::Rsa4096Sha384, "RS384"),
        (TestName::Rsa2048Sha512, "RS512"),
        (TestName::Rsa3072Sha512, "RS512"),
        (TestName::Rsa4096Sha512, "RS512"),
    ];
    let mut run = 0;
    for (name, alg) in sets {
        for group in TestSet::load(name).unwrap().test_groups {
            let (n, e) = (number(&group.key.n), number(&group.key.e));
            // An exponent of 3: such a key is not admitted.
            let Some(key) = admit(json!({"kty": "RSA", "alg": alg, "n": n, "e": e})) else { continue };
            for test in group.tests {
                assert!(agrees(&key, &test.msg, &test.sig, test.result), "{alg} {} {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    println!("wycheproof rsa: {run} passed, 0 failed");
    assert!(run >= 1_000, "{run}");
}

/// RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as the hash; nothing else is taken.
#[test]
fn rsa_pss() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    let sets = [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, "PS256", true),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, "PS256", true),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, "PS256", true),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, "PS384", true),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, "PS384", true),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, "PS512", true),
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, "PS256", false),
        (TestName::RsaPss2048Sha256Mgf1Sha1_20, "PS256", false),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, "PS512", false),
    ];
    let mut run = 0;
    for (name, alg, is_ours) in sets {
        for group in TestSet::load(name).unwrap().test_groups {
            let (n, e) = (number(&group.key.n), number(&group.key.e));
            let Some(key) = admit(json!({"kty": "RSA", "alg": alg, "n": n, "e": e})) else { continue };
            for test in group.tests {
                // Where others are right, a signature may be wrong there for being just as it must be here.
                let expected = match (is_ours, test.result) {
                    (true, expected) => expected,
                    (false, TestResult::Valid) => TestResult::Invalid,
                    (false, _) => continue,
                };
                assert!(agrees(&key, &test.msg, &test.sig, expected), "{alg} {} {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    println!("wycheproof rsa-pss: {run} passed, 0 failed");
    assert!(run >= 500, "{run}");
}

#[test]
fn hmac() {
    use wycheproof::mac::{TestName, TestSet};
    let sets = [
        (TestName::HmacSha256, Algorithm::HS256, 32),
        (TestName::HmacSha384, Algorithm::HS384, 48),
        (TestName::HmacSha512, Algorithm::HS512, 64),
    ];
    let mut run = 0;
    for (name, algorithm, bytes) in sets {
        for group in TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                // A truncated tag is good there, and none that a token may have.
                let is_whole = group.tag_size == bytes * 8;
                let key = Key::new(None, algorithm, DecodingKey::from_secret(&test.key), bytes, &[]);
                let expected = if is_whole { test.result } else { TestResult::Invalid };
                assert!(agrees(&key, &test.msg, &test.tag, expected), "{algorithm:?} {} {}", test.tc_id, test.comment);
                run += 1;
            }
        }
    }
    println!("wycheproof hmac: {run} passed, 0 failed");
    assert_eq!(run, 3 * 174);
}
