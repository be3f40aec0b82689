//! What it costs to check a token: one never seen, and one that was seen a moment ago among 10,000.

use std::collections::HashMap;
use std::str::FromStr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};
use sessile::{Options, Store};

use crate::Outcome;
use crate::bench::Bench;
use crate::plan::Signed;

const LIVE: usize = 10_000;

pub fn run(bench: &Bench) -> Outcome {
    // The default is of the process, and ours does not need it.
    let _ = DEFAULT_PROVIDER.install_default();
    for (algorithm, signed) in bench.plan.tokens()? {
        let name = format!("rust.token.{algorithm}.cold");
        if bench.plan.wants(&name) {
            cold(bench, &name, Algorithm::from_str(&algorithm)?, &signed)?;
        }
    }
    if bench.plan.wants("rust.token.known") {
        let store = Store::open(Options::new("memory:")).wait()?;
        let tokens = (0..LIVE)
            .map(|user| store.tokens().issue(&format!(r#"{{"sub": "user{user}"}}"#), 3600).wait())
            .collect::<sessile::Result<Vec<_>>>()?;
        for token in &tokens {
            store.verify(token).wait()?;
        }
        let mut group = bench.group("rust.token.known");
        group.add("sessile, known among 10,000", |n| {
            store.verify(&tokens[bench.payloads.key(n, LIVE)]).wait().expect("a good token")
        });
        group.run();
    }
    Ok(())
}

/// Each token is new to the store that is asked: a fresh store for each batch, its opening left out of the time.
fn cold(bench: &Bench, name: &str, algorithm: Algorithm, signed: &Signed) -> Outcome {
    let key = match (&signed.jwk, &signed.secret) {
        (Some(jwk), _) => DecodingKey::from_jwk(&serde_json::from_value::<Jwk>(jwk.clone())?)?,
        (None, Some(secret)) => DecodingKey::from_secret(&STANDARD.decode(secret)?),
        (None, None) => return Err(format!("{name} has no key").into()),
    };
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&signed.issuer]);
    validation.set_audience(&[&signed.audience]);
    let token = |n: usize| &signed.tokens[n % signed.tokens.len()];
    let bare: Vec<(&str, &str)> = signed.tokens.iter().filter_map(|token| token.rsplit_once('.')).collect();

    let mut group = bench.group(name);
    group.add_round("sessile", |count| {
        let mut took = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            let store = trusting(signed).expect("a store");
            let batch = left.min(signed.tokens.len() - 1);
            store.verify(&signed.tokens[batch]).wait().expect("a good token");
            let started = Instant::now();
            for token in &signed.tokens[..batch] {
                store.verify(token).wait().expect("a good token");
            }
            took += started.elapsed();
            left -= batch;
        }
        took
    });
    group.add("jsonwebtoken decode", |n| {
        decode::<HashMap<String, Value>>(token(n), &key, &validation).expect("a good token").claims
    });
    group.add("the provider's bare verify", |n| {
        let (message, signature) = bare[n % bare.len()];
        assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).expect("verified"));
    });
    group.run();
    Ok(())
}

fn trusting(signed: &Signed) -> Outcome<Store> {
    let mut issuer = json!({"issuer": signed.issuer, "audiences": [signed.audience]});
    if let Some(jwk) = &signed.jwk {
        issuer["jwks"] = json!({"keys": [jwk]});
    } else {
        issuer["symmetric"] = json!(true);
    }
    let mut options = Options::from_json(&json!({"url": "memory:", "issuers": [issuer]}).to_string())?;
    if let Some(secret) = &signed.secret {
        options = options.issuer_secret(&signed.issuer, &STANDARD.decode(secret)?);
    }
    Ok(Store::open(options).wait()?)
}
