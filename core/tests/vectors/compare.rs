//! What a call gave, against what the case expects.

use std::collections::HashMap;

use serde_json::Value;
use sessile::Result;

use crate::suite::Call;

/// What a call gave.
#[derive(Debug, PartialEq)]
pub enum Got {
    /// Nothing to look at.
    Done,
    /// The thing asked for is not there.
    Absent,
    /// JSON text.
    Json(String),
    /// Text that is compared as it stands: an output message, a raw value.
    Text(String),
}

/// What these give is compared with at least what is wanted.
const AT_LEAST: [&str; 17] = [
    "config_create",
    "config_get",
    "config_list",
    "config_update",
    "dashboard",
    "info",
    "key_usage",
    "keyring_describe",
    "refresh",
    "rewrap",
    "session_list",
    "session_verify",
    "start",
    "stats",
    "user",
    "users",
    "verify",
];

/// `Err` says what was expected and what came. `kept` are the texts that `"$name"` stands for.
pub fn check(call: &Call, got: &Result<Got>, kept: &HashMap<String, String>) -> Result<(), String> {
    if let Some(wanted) = call.read::<Value>("error") {
        return match got {
            Ok(got) => Err(format!("expected the error {wanted}, got {got:?}")),
            Err(error) => check_error(&wanted, error),
        };
    }
    let got = got.as_ref().map_err(|error| format!("expected {}, got the error {error:?}", expectation(call)))?;
    if let Some(wanted) = call.read::<String>("text") {
        return match got {
            Got::Text(text) | Got::Json(text) if *text == wanted => Ok(()),
            other => Err(format!("expected the text {wanted:?}, got {other:?}")),
        };
    }
    if call.read("absent") == Some(true) {
        return if *got == Got::Absent { Ok(()) } else { Err(format!("expected nothing, got {got:?}")) };
    }
    // `gives` may be null, so it is looked for as text.
    let Some(wanted) = call.raw("gives") else { return Ok(()) };
    let wanted = with_kept(serde_json::from_str(wanted).expect("JSON in `gives`"), kept);
    let matches = match got {
        Got::Json(text) => {
            let given: Value = serde_json::from_str(text).map_err(|error| format!("gave no JSON: {error}: {text}"))?;
            if AT_LEAST.contains(&call.verb().as_str()) { holds(&given, &wanted) } else { same(&given, &wanted) }
        }
        Got::Done | Got::Absent | Got::Text(_) => false,
    };
    if matches { Ok(()) } else { Err(format!("expected {wanted}, got {got:?}")) }
}

fn check_error(wanted: &Value, error: &sessile::Error) -> Result<(), String> {
    let details = Value::Object(error.details().clone());
    let code = wanted["code"] == error.code().name();
    if code && wanted.get("details").is_none_or(|wanted| holds(&details, wanted)) {
        return Ok(());
    }
    Err(format!("expected the error {wanted}, got {error:?}"))
}

fn expectation(call: &Call) -> String {
    let named =
        ["gives", "text", "absent"].iter().find_map(|member| call.raw(member).map(|raw| format!("{member} {raw}")));
    named.unwrap_or_else(|| "success".to_owned())
}

/// The value with the kept texts in the place of the strings that name them; other strings with `$` are literal.
pub fn with_kept(value: Value, kept: &HashMap<String, String>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('$').and_then(|name| kept.get(name)) {
            Some(kept) => Value::from(kept.as_str()),
            None => Value::String(text),
        },
        Value::Array(elements) => elements.into_iter().map(|element| with_kept(element, kept)).collect(),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, with_kept(value, kept))).collect())
        }
        other => other,
    }
}

/// Whether `given` has at least the members of `wanted`, all the way down; arrays have as many elements.
fn holds(given: &Value, wanted: &Value) -> bool {
    match (given, wanted) {
        (Value::Object(given), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| given.get(name).is_some_and(|given| holds(given, value)))
        }
        (Value::Array(given), Value::Array(wanted)) => {
            given.len() == wanted.len() && given.iter().zip(wanted).all(|(given, wanted)| holds(given, wanted))
        }
        _ => same(given, wanted),
    }
}

/// Equal as JSON: member order aside, integers exactly, other numbers as doubles.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || !(is_integer(a) && is_integer(b)) && a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

fn is_integer(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64()
}
