//! The three ways in which a schema is given, and how they are told apart.

use crate::config::member::Member;
use crate::error::{Result, fail};
use crate::json::{Kind, object_members};
use crate::limits::Limits;

/// How a schema is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `{"userId": "string"}`: every value is a type word, or an object of such.
    Shorthand,
    /// `{"userId": "u1"}`: sample data, where each value gives its own type.
    Sample,
    /// A JSON Schema.
    JsonSchema,
}

const WORDS: &[(&str, Form)] =
    &[("shorthand", Form::Shorthand), ("sample", Form::Sample), ("json-schema", Form::JsonSchema)];

impl Form {
    /// Reads the member `form`. `CONFIG_INVALID` if it is none of the three words.
    pub(crate) fn read(member: Member<'_>) -> Result<Form> {
        match member.text().and_then(|text| WORDS.iter().find(|(word, _)| *word == text)) {
            Some((_, form)) => Ok(*form),
            None => Err(member.refused("shorthand, sample or json-schema", &["shorthand", "sample", "json-schema"])),
        }
    }

    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        WORDS[self as usize].0
    }

    /// Whether an object is a JSON Schema, when nobody says: it has `$schema`, or `type` is `"object"`, or `properties`
    /// is an object whose values are all objects or booleans.
    pub(super) fn is_json_schema(text: &str, limits: &Limits) -> Result<bool> {
        for (name, raw) in members(text, limits)? {
            let tells = match &*name {
                "$schema" => true,
                "type" => raw == "\"object\"",
                "properties" if Kind::of(raw) == Kind::Object => members(raw, limits)?
                    .iter()
                    .all(|(_, value)| matches!(Kind::of(value), Kind::Object | Kind::Boolean)),
                _ => false,
            };
            if tells {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The members of the object that a schema, or a part of it, is.
pub(super) fn members<'a>(text: &'a str, limits: &Limits) -> Result<Vec<(std::borrow::Cow<'a, str>, &'a str)>> {
    if Kind::of(text) != Kind::Object {
        crate::json::Json::parse(text, limits)?;
        let given = Kind::of(text);
        return Err(fail!(
            ConfigInvalid,
            "schema: given {given}; it accepts a JSON object: {{\"userId\": \"string\"}}, sample data, or a JSON Schema"
        )
        .with("member", "schema")
        .with("given", given.as_str()));
    }
    object_members(text, limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn what_a_json_schema_is_told_by() {
        for (text, json_schema) in [
            (r#"{"userId":"string"}"#, false),
            (r#"{"type":"object"}"#, true),
            (r#"{"type":"string"}"#, false),
            (r#"{"type":["object"]}"#, false),
            (r#"{"type":"object","userId":"string"}"#, true),
            (r#"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#, true),
            (r#"{"$schema":1}"#, true),
            (r#"{"properties":{}}"#, true),
            (r#"{"properties":{"a":{"type":"string"},"b":true}}"#, true),
            (r#"{"properties":{"a":"string"}}"#, false),
            (r#"{"properties":{"a":{},"b":"string"}}"#, false),
            (r#"{"properties":"object"}"#, false),
            (r#"{"properties":[{}]}"#, false),
            (r#"{"a":{"type":"object"}}"#, false),
            (r#"{"$id":"x","required":["a"]}"#, false),
            ("{}", false),
        ] {
            assert_eq!(Form::is_json_schema(text, &Limits::default()).unwrap(), json_schema, "{text}");
        }
    }

    #[test]
    fn a_schema_is_an_object() {
        for (text, code) in [
            ("[]", Code::ConfigInvalid),
            ("\"string\"", Code::ConfigInvalid),
            ("true", Code::ConfigInvalid),
            ("null", Code::ConfigInvalid),
            ("7", Code::ConfigInvalid),
            ("[", Code::InvalidJson),
            ("", Code::InvalidJson),
            ("{\"a\":1,\"\\u0061\":2}", Code::InvalidJson),
        ] {
            assert_eq!(Form::is_json_schema(text, &Limits::default()).unwrap_err().code(), code, "{text}");
        }
    }

    #[test]
    fn the_form_may_be_said() {
        for word in ["shorthand", "sample", "json-schema"] {
            assert_eq!(Form::read(Member { name: "form", raw: &format!("{word:?}") }).unwrap().as_str(), word);
        }
        let error = Form::read(Member { name: "form", raw: "\"jsonschema\"" }).unwrap_err();
        assert_eq!((error.code(), &error.details()["nearest"]), (Code::ConfigInvalid, &"json-schema".into()));
    }
}
