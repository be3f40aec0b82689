//! An issuer of the tests: an Ed25519 key, and tokens with any header and claims.
#![allow(dead_code, reason = "each test binary uses what it needs")]

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use serde_json::{Value, json};
use sessile::{Clock, Options, Store, Time};

/// Where the clock of a test's store stands.
pub const NOW: i64 = 1_767_225_600;
pub const ISSUER: &str = "https://id.example.com";

pub struct Issuer {
    pair: Ed25519KeyPair,
    kid: String,
}

impl Issuer {
    pub fn new(kid: &str) -> Issuer {
        Issuer { pair: Ed25519KeyPair::generate().unwrap(), kid: kid.to_owned() }
    }

    pub fn jwk(&self) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": B64.encode(self.pair.public_key()), "kid": self.kid})
    }

    /// The entry of `issuers`, with these members besides.
    pub fn entry(&self, more: Value) -> Value {
        let entry = json!({"issuer": ISSUER, "audiences": ["shop"], "jwks": {"keys": [self.jwk()]}});
        merged(entry, more)
    }

    /// A token of an hour of user u1, with these claims besides; null leaves one out.
    pub fn token(&self, more: Value) -> String {
        self.typed("JWT", more)
    }

    pub fn typed(&self, typ: &str, more: Value) -> String {
        let claims = json!({"iss": ISSUER, "aud": "shop", "sub": "u1", "iat": NOW, "exp": NOW + 3600});
        self.sign(&json!({"alg": "EdDSA", "kid": self.kid, "typ": typ}), &merged(claims, more))
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string())))
    }

    /// `header.payload`, signed.
    pub fn sign_text(&self, signed: &str) -> String {
        format!("{signed}.{}", B64.encode(self.pair.sign(signed.as_bytes())))
    }
}

/// A store in memory that trusts these entries and keeps events, and its clock.
pub fn store(entries: &[Value]) -> (Store, Clock) {
    let clock = Clock::manual(Time::from_secs(NOW));
    let options = json!({"url": "memory:", "audit": true, "issuers": entries}).to_string();
    (Store::open(Options::from_json(&options).unwrap().clock(clock.clone())).wait().unwrap(), clock)
}

fn merged(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => base.as_object_mut().unwrap().remove(name),
            value => base.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    base
}
