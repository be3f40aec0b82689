//! What a schema is refused for: `CONFIG_INVALID`, where it is, what was given, and what to write instead.

use std::fmt;

use serde_json::Value;
use sessile_validator::{ValidationError, ValidationErrorKind};

use crate::config::member::{hint, shortened};
use crate::error::{Error, Result, fail};
use crate::json::nearest;

use super::keywords::{self, Dialect, TYPES};

/// `CONFIG_INVALID` at a place in the schema.
pub(super) fn at(pointer: &str, what: impl fmt::Display) -> Error {
    let place = if pointer.is_empty() { "its root".to_owned() } else { pointer.to_owned() };
    fail!(ConfigInvalid, "schema: at {place}: {what}").with("member", "schema").with("pointer", pointer)
}

/// An unknown keyword, with the one that was probably meant.
pub(super) fn keyword(pointer: &str, name: &str, dialect: Dialect) -> Error {
    let dialect_name = dialect.as_str();
    let name = shortened(name);
    let error =
        at(pointer, format_args!("there is no keyword {name:?} in {dialect_name}")).with("keyword", name.as_str());
    match keywords::meant(&name, dialect) {
        Some(word) => hint(error, word),
        None if pointer.is_empty() => {
            let message =
                format!("{}; if this is no JSON Schema, say so: form \"shorthand\" or \"sample\"", error.message());
            error
                .details()
                .iter()
                .fold(Error::new(error.code(), message), |error, (name, value)| error.with(name, value.clone()))
        }
        None => error,
    }
}

/// A `$schema` that is neither dialect, or another one than the document's.
pub(super) fn dialect(pointer: &str, given: &Value) -> Error {
    let given = shortened(&given.to_string());
    at(
        pointer,
        format_args!(
            "$schema is {given}; it accepts https://json-schema.org/draft/2020-12/schema (meant without it, too) and \
             http://json-schema.org/draft-07/schema, one for the whole document"
        ),
    )
}

/// A reference that leads out of the document or nowhere.
pub(super) fn reference(pointer: &str, uri: &str, why: &dyn fmt::Display) -> Error {
    let uri = shortened(uri);
    at(
        pointer,
        format_args!("the reference {uri:?} leads to no schema in this document: {why}; copy what it means into $defs"),
    )
    .with("keyword", "$ref")
}

/// The words that `type` accepts.
pub(super) fn check_type(pointer: &str, word: &str) -> Result<()> {
    one_of(pointer, "type", word, TYPES)
}

/// The formats that are asserted.
pub(super) fn check_format(pointer: &str, word: &str, dialect: Dialect) -> Result<()> {
    one_of(pointer, "format", word, keywords::formats(dialect))
}

fn one_of(pointer: &str, keyword: &str, word: &str, known: &[&'static str]) -> Result<()> {
    if known.contains(&word) {
        return Ok(());
    }
    let word = shortened(word);
    let error =
        at(&format!("{pointer}/{keyword}"), format_args!("given {word:?}; {keyword} accepts {}", known.join(", ")))
            .with("keyword", keyword);
    Err(match nearest(&word, known) {
        Some(meant) => hint(error, meant),
        None => error,
    })
}

/// What the validator refused as it was built: the dialect's own rules for its keywords.
pub(super) fn built(error: &ValidationError<'_>) -> Error {
    let pointer = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Format { format } if format == "regex" => at(pointer, pattern(error.instance())),
        ValidationErrorKind::Referencing(why) => reference(pointer, "", why),
        kind => {
            at(pointer, format_args!("not as JSON Schema has it ({})", kind.keyword())).with("keyword", kind.keyword())
        }
    }
}

/// Why a pattern is refused, as far as its text tells.
fn pattern(pattern: &Value) -> String {
    let text = pattern.as_str().unwrap_or_default();
    let why = if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| text.contains(look)) {
        "look-around is not supported, because a pattern is matched in linear time"
    } else if text.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && matches!(pair[1], b'1'..=b'9' | b'k')) {
        "back-references are not supported, because a pattern is matched in linear time"
    } else {
        "it is malformed, or its automaton is larger than 1 MiB (long repetitions of large classes)"
    };
    format!("the pattern {:?} is refused: {why}", shortened(text))
}
