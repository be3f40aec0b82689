//! The signed examples of RFC 7515, 7520, 7797 and 8037: those that a token could look like verify, the others are refused
//! by what they are. None is a token for a store: they have no claims, or say nothing of whom they are for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::Value;
use serde_json::value::RawValue;

use super::compact::Compact;
use super::header::Header;
use super::key::Key;
use super::{algorithm, jwk, secret};
use crate::error::{Error, Result};

/// Reads the text as far as a key is needed, and asks the key.
fn verify(example: &Value) -> Result<bool> {
    let token = Compact::read(example["token"].as_str().unwrap(), 8192)?;
    let header = Header::read(&token.header)?;
    let key = match (example.get("jwk"), example.get("secret")) {
        (Some(jwk), None) => {
            let raw: Box<RawValue> = serde_json::from_str(&jwk.to_string()).unwrap();
            jwk::admit(&raw).expect("a key that is admitted")
        }
        (None, Some(text)) => {
            let text = URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap();
            assert!(secret::admit(&text, header.algorithm).is_err(), "everybody knows this secret");
            let bytes = algorithm::hmac_bytes(header.algorithm).unwrap();
            Key::new(None, header.algorithm, DecodingKey::from_secret(&text), bytes, &[])
        }
        _ => panic!("no key was needed"),
    };
    assert_eq!(key.algorithm, header.algorithm);
    let mut forged = token.signature.clone();
    forged[0] ^= 1;
    assert!(!key.verifies(token.signed, forged).unwrap());
    key.verifies(token.signed, token.signature)
}

#[test]
fn each_is_accepted_or_refused_as_it_should_be() {
    let file: Value = serde_json::from_str(include_str!("examples.json")).unwrap();
    let examples = file["examples"].as_array().unwrap();
    for example in examples {
        let (name, verdict) = (&example["name"], verify(example));
        match example.get("error") {
            None => assert!(verdict.unwrap(), "{name}"),
            Some(code) => {
                let error: Error = verdict.expect_err(name.as_str().unwrap());
                assert_eq!(error.code().name(), code, "{name}");
                assert_eq!(error.details()["reason"], example["reason"], "{name}");
            }
        }
    }
    assert_eq!(examples.len(), 18);
}
