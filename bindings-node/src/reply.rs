//! What a native call gives to the façade.

use std::collections::BTreeMap;

use napi::bindgen_prelude::{Buffer, Either7, Null};
use serde_json::value::RawValue;
use sessile::{Committed, Error, Exactness, Fields, Json, Limits, Result, Time, Versioned};

use crate::table::Entry;

/// A result of the core, ready to cross. Made on any thread; becomes a [`Reply`] on the environment's.
pub enum Value {
    /// Nothing to say, or nothing found: `undefined`.
    Nothing,
    Text(String),
    Texts(Vec<String>),
    Flag(bool),
    Number(f64),
    Bytes(Vec<u8>),
    /// An object of the core: its handle.
    Entry(Entry),
}

/// What JavaScript gets. `null` has one meaning only: the operation is under way and will answer under its ticket.
pub type Reply = Either7<(), Null, String, Vec<String>, bool, f64, Buffer>;

pub const NOTHING: Reply = Either7::A(());
pub const PENDING: Reply = Either7::B(Null);

impl Value {
    pub fn into_reply(self, insert: impl FnOnce(Entry) -> u32) -> Reply {
        match self {
            Value::Nothing => NOTHING,
            Value::Text(text) => Either7::C(text),
            Value::Texts(texts) => Either7::D(texts),
            Value::Flag(flag) => Either7::E(flag),
            Value::Number(number) => Either7::F(number),
            Value::Bytes(bytes) => Either7::G(Buffer::from(bytes)),
            Value::Entry(entry) => Either7::F(f64::from(insert(entry))),
        }
    }
}

/// A value that JavaScript will read, refused when that would lose something. What needs no parser crosses as itself.
pub fn exact(json: Option<Json>) -> Result<Value> {
    let Some(json) = json else { return Ok(Value::Nothing) };
    json.check_exact(Exactness::Double)?;
    let text = json.as_str();
    Ok(match text.as_bytes() {
        b"true" => Value::Flag(true),
        b"false" => Value::Flag(false),
        [b'-' | b'0'..=b'9', ..] => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Number),
        _ => Value::Text(text.to_owned()),
    })
}

/// A value as its text, whatever its numbers.
pub fn raw(json: Option<Json>) -> Result<Value> {
    Ok(json.map_or(Value::Nothing, |json| Value::Text(json.as_str().to_owned())))
}

pub fn exact_fields(fields: Fields) -> Result<Value> {
    fields.check_exact(Exactness::Double)?;
    Ok(Value::Text(fields.to_json()))
}

/// JSON text that JavaScript will read as values, all of it.
pub fn exact_text(text: String) -> Result<Value> {
    check_exact(&text)?;
    Ok(Value::Text(text))
}

/// What `verify` gives. Where its `data` would lose something, the error names the field, as that of `all` does.
pub fn verification(text: String) -> Result<Value> {
    check_exact(&text).map_err(|error| inexact_field(&text).unwrap_or(error))?;
    Ok(Value::Text(text))
}

fn inexact_field(verification: &str) -> Option<Error> {
    let data = members(verification).remove("data")?;
    members(data.get()).into_iter().find_map(|(name, value)| {
        let error = check_exact(value.get()).err()?;
        Some(error.at(format_args!("field {name:?}")).with("field", name))
    })
}

fn members(object: &str) -> BTreeMap<String, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

/// The text comes from the core, which has held it to its limits.
fn check_exact(text: &str) -> Result<()> {
    let beyond = Limits { depth: usize::MAX, message: usize::MAX, ..Limits::default() };
    Json::parse(text, &beyond)?.check_exact(Exactness::Double)
}

/// Name, text, name, text, …
pub fn raw_fields(fields: Fields) -> Result<Value> {
    let mut texts = Vec::new();
    for (name, value) in fields.iter() {
        texts.push(name.to_owned());
        texts.push(value.as_str().to_owned());
    }
    Ok(Value::Texts(texts))
}

pub fn versioned(found: Option<Versioned>) -> Result<Value> {
    match found {
        None => Ok(Value::Nothing),
        Some(Versioned { value, version }) => {
            value.check_exact(Exactness::Double)?;
            Ok(Value::Texts(vec![value.as_str().to_owned(), version]))
        }
    }
}

pub fn nothing((): ()) -> Result<Value> {
    Ok(Value::Nothing)
}

pub fn flag(flag: bool) -> Result<Value> {
    Ok(Value::Flag(flag))
}

pub fn count(count: u64) -> Result<Value> {
    Ok(Value::Number(count as f64))
}

pub fn text(text: String) -> Result<Value> {
    Ok(Value::Text(text))
}

pub fn bytes(bytes: Vec<u8>) -> Result<Value> {
    Ok(Value::Bytes(bytes))
}

pub fn committed(committed: Committed) -> Result<Value> {
    Ok(Value::Text(committed.to_json()))
}

/// Milliseconds since 1970; `false`: it is there and stays; nothing: it is not there.
pub fn expiry(found: Option<Option<Time>>) -> Result<Value> {
    Ok(match found {
        None => Value::Nothing,
        Some(None) => Value::Flag(false),
        Some(Some(time)) => Value::Number(time.millis() as f64),
    })
}
