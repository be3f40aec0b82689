//! JSON Schema as sessile validates by it: `jsonschema`, behind functions that are not generic.
//!
//! Generic code is compiled in the crate that asks for it. Asked for by the library itself, all of `jsonschema` was built as
//! quick as that, and as large: a seventh of every artefact. This crate is built small, as `jsonschema` is (`Cargo.toml`),
//! and so shares what that one has compiled for itself.

#![forbid(unsafe_code)]

pub use jsonschema::error::ValidationErrorKind;
pub use jsonschema::{Draft, Registry, RegistryBuilder, Retrieve, Uri, ValidationError, uri};

use jsonschema::PatternOptions;
use serde_json::Value;

/// A schema, compiled.
pub struct Validator(jsonschema::Validator);

impl Validator {
    /// Compiles a schema: formats are asserted, unknown ones refused, nothing is fetched, and a pattern is matched in
    /// linear time by an automaton of at most `pattern` bytes.
    pub fn new(schema: &Value, draft: Draft, pattern: usize) -> Result<Validator, ValidationError<'static>> {
        let validator = jsonschema::options()
            .with_draft(draft)
            .offline()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_pattern_options(PatternOptions::regex().size_limit(pattern))
            .build(schema)?;
        Ok(Validator(validator))
    }

    /// Whether `value` satisfies the schema.
    pub fn is_valid(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    /// Each rule that `value` breaks.
    pub fn errors<'v>(&'v self, value: &'v Value) -> impl Iterator<Item = ValidationError<'v>> {
        self.0.iter_errors(value)
    }
}
