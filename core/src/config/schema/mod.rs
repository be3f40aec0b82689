//! What a session's data must be like: one JSON Schema, however it was given, checked before anything is stored.
//!
//! `form` tells how a schema was given, `shorthand` writes the short forms out, `document` takes the JSON Schema apart
//! (by the table in `keywords`), `graph` refuses one that would take forever. `reading` and `violation` are the two
//! ends of a check: what the validator is given, and what is said of its answer. `fields` looks up what a selector names.

mod document;
mod fields;
mod form;
mod graph;
mod keywords;
mod reading;
mod refusal;
mod shorthand;
mod violation;

#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};
use sessile_validator::{ValidationError, ValidationErrorKind, Validator};

use crate::error::{Result, fail};
use crate::json::{Entries, FieldName, Json, Kind, object_members};
use crate::limits::{self, Limits};
use document::Document;

pub(crate) use fields::{Found, Primitive};
pub(crate) use form::Form;
pub(crate) use violation::{Violation, refused};

/// How deep a schema may nest, given and compiled.
const DEPTH: usize = 64;

/// How large the compiled automaton of one pattern may be.
const PATTERN: usize = 1 << 20;

/// What a write has to look at to know that it leaves the session valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Its own fields: the schema says nothing about fields together, but which must be there.
    Separable,
    /// The whole session as it will be.
    Whole,
}

impl Class {
    /// The word that `info` prints.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Class::Separable => "separable",
            Class::Whole => "whole",
        }
    }
}

/// A schema, checked and compiled.
pub(crate) struct Schema {
    json_schema: Box<str>,
    form: Form,
    class: Class,
    required: Vec<Box<str>>,
    document: Document,
    /// How deep the data may be, where the schema's recursion limits it.
    levels: Option<usize>,
    validator: Validator,
}

impl Schema {
    /// Compiles a schema given in whichever form (`form` says which; `None`: the text tells). The members along
    /// `selector` are required in what shorthand and samples stand for.
    ///
    /// `CONFIG_INVALID` says what is wrong where, `LIMIT_EXCEEDED` beyond 64 KiB or 64 levels.
    pub(crate) fn compile(text: &str, form: Option<Form>, selector: &[String], limits: &Limits) -> Result<Schema> {
        limits::check("schema", text.len(), limits.schema, "bytes")?;
        let limits = &Limits { depth: DEPTH.min(limits.depth), ..limits.clone() };
        let text = Json::parse(text, limits)?;
        let is_json_schema = match form {
            Some(form) => form == Form::JsonSchema,
            None => Form::is_json_schema(text.as_str(), limits)?,
        };
        if !is_json_schema {
            let (json_schema, form) = shorthand::compile(text.as_str(), form, selector, limits)?;
            Json::parse(&json_schema, limits)?;
            return Schema::of(&json_schema, form);
        }
        form::members(text.as_str(), limits)?;
        refuse_doubles(text.as_str(), limits)?;
        let schema = Schema::of(text.as_str(), Form::JsonSchema)?;
        schema.refuse_no_object()?;
        Ok(schema)
    }

    /// From the text of a JSON Schema.
    fn of(text: &str, form: Form) -> Result<Schema> {
        let schema: Value = serde_json::from_str(text).map_err(|_| {
            fail!(ConfigInvalid, "schema: it holds a number beyond what a double holds, or half of a surrogate pair")
                .with("member", "schema")
        })?;
        let document = Document::of(&schema)?;
        document.graph.check().map_err(|(node, error)| error.with("pointer", document.pointers[node].as_str()))?;
        let validator =
            Validator::new(&schema, document.dialect.draft(), PATTERN).map_err(|error| refusal::built(&error))?;
        Ok(Schema {
            json_schema: text.into(),
            form,
            class: class_of(&schema, &document),
            required: required_of(&schema),
            levels: document.graph.levels(),
            document,
            validator,
        })
    }

    /// A session is an object: a schema that no object satisfies by its type is a mistake.
    fn refuse_no_object(&self) -> Result<()> {
        let types = crate::json::pointer::get(&self.json_schema, "/type")?;
        if types.is_none_or(|types| types.contains("\"object\"")) {
            return Ok(());
        }
        Err(refusal::at("/type", "a session is an object; the type of its schema accepts \"object\"")
            .with("keyword", "type"))
    }

    /// The JSON Schema, as it was given or as the short form was written out.
    pub(crate) fn json_schema(&self) -> &str {
        &self.json_schema
    }

    /// How it was given.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// What a write has to look at.
    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// The fields that the root requires.
    pub(crate) fn required(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(|name| &**name)
    }

    /// Checks a whole session, an object's text that is known to be JSON. `SCHEMA_VIOLATION` lists pointers and
    /// keywords in `details.violations`; `LIMIT_EXCEEDED` for data that is too deep for a recursive schema.
    pub(crate) fn check(&self, object: &str) -> Result<()> {
        self.check_value(&reading::value(object, self.levels)?, |_| true)
    }

    /// Checks the fields of a Put under a separable schema: each for itself, whatever else the session holds.
    pub(crate) fn check_fields<'f>(&self, fields: impl IntoIterator<Item = (&'f FieldName, &'f Json)>) -> Result<()> {
        let levels = self.levels.map(|levels| levels - 1);
        let object = fields
            .into_iter()
            .map(|(name, value)| {
                let value =
                    reading::value(value.as_str(), levels).map_err(|error| error.at(format_args!("field {name:?}")))?;
                Ok((name.as_str().to_owned(), value))
            })
            .collect::<Result<Map<_, _>>>()?;
        // What the other fields are, nobody knows here: the ones required at the root may be there.
        self.check_value(&Value::Object(object), |error| {
            !(matches!(error.kind(), ValidationErrorKind::Required { .. }) && error.instance_path().as_str().is_empty())
        })
    }

    /// Checks that none of the names is required at the root: a field that is may not be deleted, nor end by itself.
    pub(crate) fn check_delete<'f>(&self, names: impl IntoIterator<Item = &'f FieldName>) -> Result<()> {
        let missing: Vec<_> = names
            .into_iter()
            .filter(|name| self.required.iter().any(|required| **required == *name.as_str()))
            .map(|name| Violation::new(format!("/{}", crate::json::pointer::escape(name.as_str())), "required"))
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(refused(missing)) }
    }

    fn check_value(&self, value: &Value, matters: impl Fn(&ValidationError<'_>) -> bool) -> Result<()> {
        if self.validator.is_valid(value) {
            return Ok(());
        }
        let violations: Vec<_> =
            self.validator.errors(value).filter(matters).flat_map(|error| violation::of(&error)).collect();
        if violations.is_empty() { Ok(()) } else { Err(refused(violations)) }
    }
}

/// The form and class; the schema itself is nobody's secret, but long.
impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({}, {})", self.form.as_str(), self.class.as_str())
    }
}

fn class_of(schema: &Value, document: &Document) -> Class {
    let separable = |name: &String| keywords::is_separable(name, document.dialect);
    match schema.as_object() {
        Some(keywords) if keywords.keys().all(separable) => Class::Separable,
        _ => Class::Whole,
    }
}

/// The fields that the root requires.
fn required_of(schema: &Value) -> Vec<Box<str>> {
    let names = schema.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(|name| name.as_str().map(Box::from)).collect()
}

/// `INVALID_JSON` if any object in the text has a name twice: readers would disagree on what the schema says.
fn refuse_doubles(text: &str, limits: &Limits) -> Result<()> {
    match Kind::of(text) {
        Kind::Object => {
            object_members(text, limits)?.into_iter().try_for_each(|(_, value)| refuse_doubles(value, limits))
        }
        Kind::Array => {
            if let Ok(mut elements) = Entries::of(text, Kind::Array, limits.depth)? {
                while let Some(element) = elements.next()? {
                    refuse_doubles(&text[element.value], limits)?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
