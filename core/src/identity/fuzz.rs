//! Bytes as a token, signed and not, and as a key set.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::confirmation::Confirmation;
use super::issuer::Issuers;
use super::jwks::KeySet;
use super::signer::{OwnKey, Signer};
use super::verifier::Verifier;
use crate::clock::Time;
use crate::error::{Category, Code};
use crate::fuzz::two_texts;
use crate::limits::Limits;

const ISSUER: &str = "https://id.example.com";
const SECRET: &[u8; 32] = b"N7yQ2vZp8LrX4tBk9WsD6hJm1cGf5eAu";
/// 2026-01-01T00:00:00Z, in seconds.
const NOW: i64 = 1_767_225_600;

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let limits = Limits::default();
    let key = OwnKey { kid: "k".to_owned(), seed: Zeroizing::new([1; 32]), primary: true };
    let own = Arc::new(Signer::new("sessile:a/b/c", [key], &limits).unwrap());
    let entry = format!(r#"{{"issuer":"{ISSUER}","audiences":["shop"],"symmetric":true}}"#);
    let entry = RawValue::from_string(entry).unwrap();
    let secrets = [(ISSUER.to_owned(), Zeroizing::new(SECRET.to_vec()))].into();
    Verifier::new(Issuers::read([&*entry], &secrets, own.issuer()).unwrap(), own, &limits)
});

/// A text as it is: nobody signed it. Then its two lines as header and payload, properly signed: what is taken says
/// itself, to serde_json, who its user is and that it is good now.
pub fn token(data: &[u8]) {
    let Some((header, payload)) = two_texts(data) else { return };
    let now = Time::from_millis(NOW * 1000);
    let verify = |text: &str| VERIFIER.verify_now(text, &Confirmation::default(), now).map_err(|missed| missed.error);
    if let Ok(text) = std::str::from_utf8(data) {
        let error = verify(text).unwrap_err();
        assert!(error.code().category() == Category::Identity || error.code() == Code::LimitExceeded, "{error}");
    }
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()));
    let Ok(proof) = verify(&token) else { return };
    let header: Value = serde_json::from_str(header).unwrap();
    assert_eq!(header["alg"], "HS256");
    assert!(
        ["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc", "cty"].iter().all(|name| header.get(name).is_none())
    );
    let claims: Value = serde_json::from_str(payload).unwrap();
    assert_eq!((&claims["iss"], &claims["sub"]), (&ISSUER.into(), &proof.subject().into()));
    assert!(claims["aud"] == "shop" || claims["aud"].as_array().unwrap().contains(&"shop".into()));
    let second = |name: &str| claims[name].as_f64().unwrap();
    assert!(second("exp") - second("iat") <= 86_400.0 && second("iat") <= NOW as f64 + 30.0);
    assert_eq!(proof.is_good_at(now), second("exp") + 30.0 > NOW as f64);
    assert!(!proof.subject().is_empty());
}

/// Text as a key set: every key of it is admitted or refused with a reason.
pub fn key_set(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match KeySet::admit(text) {
        Err(reason) => assert!(!reason.is_empty()),
        Ok((keys, refused)) => {
            let set: Value = serde_json::from_str(text).unwrap();
            assert_eq!(keys.kids().count() + refused.len(), set["keys"].as_array().unwrap().len());
            assert!(refused.iter().all(|key| !key.reason.is_empty()));
            assert!(
                !["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| {
                    let admitted = |index: &usize| !refused.iter().any(|key| key.index == *index);
                    (0..set["keys"].as_array().unwrap().len())
                        .filter(admitted)
                        .any(|at| set["keys"][at].get(private).is_some())
                }),
                "a private key was admitted"
            );
        }
    }
}
