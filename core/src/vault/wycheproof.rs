//! Wycheproof's vectors: the crates are called the way this room calls them. The counts are part of the tests, so that no
//! vector is left out unnoticed.

use hkdf::Hkdf;
use hmac::Mac;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use wycheproof::TestResult;
use wycheproof::{aead, hkdf as hkdf_vectors, mac};

use super::cipher::Cipher;
use super::random::hmac;

/// What a vector says must become of it.
fn must_pass(result: TestResult) -> bool {
    assert!(matches!(result, TestResult::Valid | TestResult::Invalid), "these sets have nothing in between");
    result == TestResult::Valid
}

/// `None`: refused.
fn open(test: &aead::Test) -> Option<Vec<u8>> {
    let cipher = Cipher::new(test.key[..].try_into().ok()?);
    let tag = test.tag[..].try_into().ok()?;
    let mut plain = vec![0; test.ct.len()];
    let opened = cipher.open(test.nonce[..].try_into().ok()?, &test.aad, (&test.ct, tag), &mut plain);
    opened.is_ok().then_some(plain)
}

#[test]
fn xchacha20_poly1305() {
    let set = aead::TestSet::load(aead::TestName::XChaCha20Poly1305).unwrap();
    let mut passed = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        match open(test) {
            Some(text) => {
                assert!(must_pass(test.result), "{}: {} was accepted", test.tc_id, test.comment);
                assert_eq!(text, test.pt[..], "{}", test.tc_id);
                let cipher = Cipher::new(test.key[..].try_into().unwrap());
                let mut text = test.pt.to_vec();
                let tag = cipher.seal(test.nonce[..].try_into().unwrap(), &test.aad, &mut text).unwrap();
                assert_eq!((&text[..], &tag[..]), (&test.ct[..], &test.tag[..]), "{}", test.tc_id);
            }
            None => assert!(!must_pass(test.result), "{}: {} was refused", test.tc_id, test.comment),
        }
        passed += 1;
    }
    assert_eq!((passed, set.number_of_tests), (315, 315));
    println!("wycheproof aead: {passed} passed, 0 failed");
}

#[test]
fn hkdf_sha256() {
    let set = hkdf_vectors::TestSet::load(hkdf_vectors::TestName::HkdfSha256).unwrap();
    let mut passed = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        // RFC 5869 §2.2: without a salt it is a string of zeros, as here.
        let salt = Some(&test.salt[..]).filter(|salt| !salt.is_empty());
        let mut okm = vec![0; test.size];
        let expanded = Hkdf::<Sha256>::new(salt, &test.ikm).expand(&test.info, &mut okm);
        assert_eq!(expanded.is_ok(), must_pass(test.result), "{}: {}", test.tc_id, test.comment);
        if expanded.is_ok() {
            assert_eq!(okm, test.okm[..], "{}", test.tc_id);
        }
        passed += 1;
    }
    assert_eq!((passed, set.number_of_tests), (86, 86));
    println!("wycheproof hkdf: {passed} passed, 0 failed");
}

#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut passed = 0;
    for group in &set.test_groups {
        for test in &group.tests {
            let mut mac = hmac(&test.key);
            mac.update(&test.msg);
            // Cut as ours are, and compared in constant time.
            let made = mac.finalize().into_bytes();
            let good: bool = made[..group.tag_size / 8].ct_eq(&test.tag).into();
            assert_eq!(good, must_pass(test.result), "{}: {}", test.tc_id, test.comment);
            passed += 1;
        }
    }
    assert_eq!((passed, set.number_of_tests), (174, 174));
    println!("wycheproof hmac: {passed} passed, 0 failed");
}
