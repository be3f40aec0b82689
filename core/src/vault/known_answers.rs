//! Known answers of the standards: the crates are called the way this room calls them.

use hkdf::Hkdf;
use hmac::Mac;
use sha2::Sha256;

use super::cipher::Cipher;
use super::golden::bytes;
use super::random::hmac;

/// RFC 4231, test cases 1, 2 and 6 (a key longer than the hash's block).
#[test]
fn hmac_sha256() {
    let table = [
        (vec![0x0b; 20], &b"Hi There"[..], "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            b"Jefe".to_vec(),
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            vec![0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ];
    for (key, message, expected) in table {
        let mut mac = hmac(&key);
        mac.update(message);
        assert_eq!(mac.finalize().into_bytes()[..], bytes(expected)[..]);
    }
}

/// RFC 5869, test case 3: no salt, as here.
#[test]
fn hkdf_sha256() {
    let mut okm = [0; 42];
    Hkdf::<Sha256>::new(None, &[0x0b; 22]).expand(b"", &mut okm).unwrap();
    let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
    assert_eq!(okm[..], bytes(expected)[..]);
}

/// draft-irtf-cfrg-xchacha-03, A.3.1.
#[test]
fn xchacha20_poly1305() {
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
    let associated = bytes("50515253c0c1c2c3c4c5c6c7");
    let key: [u8; 32] = std::array::from_fn(|i| 0x80 + i as u8);
    let nonce: [u8; 24] = std::array::from_fn(|i| 0x40 + i as u8);
    let sealed = bytes(concat!(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb",
        "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452",
        "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
        "21f9664c97637da9768812f615c68b13b52e",
    ));
    let cipher = Cipher::new(&key);
    let mut text = plain.to_vec();
    let tag = cipher.seal(&nonce, &associated, &mut text).unwrap();
    assert_eq!(text, sealed);
    assert_eq!(tag[..], bytes("c0875924c1c7987947deafd8780acf49")[..]);
    let mut opened = vec![0; text.len()];
    cipher.open(&nonce, &associated, (&text, &tag), &mut opened).unwrap();
    assert_eq!(opened, plain);
}
