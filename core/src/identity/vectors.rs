//! The cases of `tests/vectors/tokens.json`, run against the verifier itself.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Issuers, OwnKey, Signer, Verifier};
use crate::clock::{Clock, Time};
use crate::error::{Error, Result};
use crate::limits::Limits;

const OWN: &str = "sessile:default/default/dev";

struct Opened {
    verifier: Verifier,
    signer: Arc<Signer>,
}

fn open(case: &Value) -> Result<Opened> {
    let options = &case["options"];
    let limits: Limits = match options.get("limits") {
        Some(limits) => serde_json::from_value(limits.clone()).unwrap(),
        None => Limits::default(),
    };
    let entries: Vec<Box<RawValue>> = serde_json::from_str(&options["issuers"].to_string()).unwrap();
    let secrets: HashMap<String, Zeroizing<Vec<u8>>> = match case.get("secrets") {
        Some(secrets) => secrets
            .as_object()
            .unwrap()
            .iter()
            .map(|(issuer, secret)| {
                (issuer.clone(), Zeroizing::new(STANDARD.decode(secret.as_str().unwrap()).unwrap()))
            })
            .collect(),
        None => HashMap::new(),
    };
    let own = OwnKey { kid: "own".to_owned(), seed: Zeroizing::new([7; 32]), primary: true };
    let signer = Arc::new(Signer::new(OWN, [own], &limits)?);
    let issuers = Issuers::read(entries.iter().map(|entry| &**entry), &secrets, OWN)?;
    Ok(Opened { verifier: Verifier::new(issuers, signer.clone(), &limits), signer })
}

/// Makes one call; what it gives is JSON, a token a string.
fn call(opened: &Opened, clock: &Clock, kept: &HashMap<String, String>, call: &Value) -> Result<Value> {
    match call["call"].as_str().unwrap() {
        "issue" => {
            let token = opened.signer.issue(&call["claims"].to_string(), call["ttl"].as_u64().unwrap(), clock.now())?;
            Ok(Value::from(token))
        }
        "verify" => {
            let given = call["token"].as_str().unwrap();
            let token = given.strip_prefix('$').map_or(given, |name| &kept[name]);
            let proof = opened.verifier.verify_at(token, clock.now())?;
            let expires_at = proof.expires_at().to_string();
            Ok(json!({"realm": proof.realm(), "subject": proof.subject(), "expiresAt": expires_at}))
        }
        "advance" => clock.advance(call["millis"].as_i64().unwrap()).map(|()| Value::Null),
        other => panic!("the suite has a call that this runner does not know: {other}"),
    }
}

/// What is wrong with an answer, if anything is.
fn judge(expected: &Value, answer: &Result<Value>) -> Option<String> {
    match (expected.get("error"), answer) {
        (None, Ok(given)) => match expected.get("gives") {
            Some(wanted) if wanted != given => Some(format!("gave {given}")),
            _ => None,
        },
        (None, Err(error)) => Some(format!("failed: {error:?}")),
        (Some(_), Ok(given)) => Some(format!("gave {given}")),
        (Some(wanted), Err(error)) => (!is_error(wanted, error)).then(|| format!("failed otherwise: {error:?}")),
    }
}

fn is_error(wanted: &Value, error: &Error) -> bool {
    let details = wanted.get("details").and_then(Value::as_object);
    wanted["code"] == error.code().name()
        && details.is_none_or(|details| details.iter().all(|(name, value)| error.details().get(name) == Some(value)))
}

fn run(case: &Value) -> Option<String> {
    let clock = Clock::manual(Time::parse("2026-01-01T00:00:00Z").unwrap());
    let calls = case["do"].as_array().unwrap();
    let opened = match open(case) {
        Ok(opened) => opened,
        Err(error) if calls[0]["call"] == "open" => return judge(&calls[0], &Err(error)),
        Err(error) => return Some(format!("did not open: {error:?}")),
    };
    let mut kept = HashMap::new();
    for expected in calls {
        let answer = match expected["call"] == "open" {
            true => Ok(Value::Null),
            false => call(&opened, &clock, &kept, expected),
        };
        if let Some(wrong) = judge(expected, &answer) {
            return Some(wrong);
        }
        if let (Some(name), Ok(Value::String(token))) = (expected.get("as"), &answer) {
            kept.insert(name.as_str().unwrap().to_owned(), token.clone());
        }
    }
    None
}

#[test]
fn every_case_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/tokens.json");
    let suite: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases = suite["cases"].as_array().unwrap();
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| run(case).map(|why| format!("{}: {why}", case["name"]))).collect();
    assert!(cases.len() > 150);
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
