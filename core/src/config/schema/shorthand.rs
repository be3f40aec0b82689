//! Shorthand and sample data, written out as a JSON Schema. Members keep their order.

use crate::config::member::{Member, hint, shortened};
use crate::error::{Error, Result, fail};
use crate::json::{Kind, push_quoted};
use crate::limits::Limits;

use super::form::{Form, members};

/// Each type word, and the schema it stands for.
const WORDS: &[(&str, &str)] = &[
    ("string", r#"{"type":"string"}"#),
    ("number", r#"{"type":"number"}"#),
    ("integer", r#"{"type":"integer"}"#),
    ("boolean", r#"{"type":"boolean"}"#),
    ("object", r#"{"type":"object"}"#),
    ("array", r#"{"type":"array"}"#),
    ("null", r#"{"type":"null"}"#),
    ("any", "{}"),
];

/// The JSON Schema that `text`, an object, stands for, and which of the two it is. The members along `required`, the
/// selector's path, are required. `form`: what somebody said it is; else type words are types and other values samples.
pub(super) fn compile(text: &str, form: Option<Form>, required: &[String], limits: &Limits) -> Result<(String, Form)> {
    let mut writer =
        Writer { out: String::with_capacity(4 * text.len()), form, samples: false, limits, path: Vec::new() };
    writer.object(text, required)?;
    let form = form.unwrap_or(if writer.samples { Form::Sample } else { Form::Shorthand });
    Ok((writer.out, form))
}

struct Writer<'l> {
    out: String,
    form: Option<Form>,
    /// Whether a value was met that is no type word.
    samples: bool,
    limits: &'l Limits,
    path: Vec<String>,
}

impl Writer<'_> {
    fn object(&mut self, text: &str, required: &[String]) -> Result<()> {
        let members = members(text, self.limits)?;
        if members.is_empty() && !self.path.is_empty() {
            // Nothing is known of the members of an empty sample, as nothing is of an array's elements.
            self.out.push_str(r#"{"type":"object"}"#);
            return Ok(());
        }
        self.out.push_str(r#"{"type":"object","properties":{"#);
        let (first, rest) = required.split_first().map_or((None, required), |(first, rest)| (Some(first), rest));
        let mut found = None;
        for (at, (name, value)) in members.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            push_quoted(&mut self.out, name);
            self.out.push(':');
            self.path.push(name.clone().into_owned());
            let selected = first.is_some_and(|first| *first == **name);
            self.value(value, if selected { rest } else { &[] })?;
            self.path.pop();
            if selected {
                found = first;
            }
        }
        self.out.push('}');
        if let Some(name) = found {
            self.out.push_str(r#","required":["#);
            push_quoted(&mut self.out, name);
            self.out.push(']');
        }
        self.out.push_str(r#","additionalProperties":false}"#);
        Ok(())
    }

    fn value(&mut self, raw: &str, required: &[String]) -> Result<()> {
        let word = || WORDS.iter().find(|(word, _)| raw.trim_matches('"') == *word);
        let schema = match (Kind::of(raw), self.form) {
            (Kind::Object, _) => return self.object(raw, required),
            (Kind::String, Some(Form::Sample)) => r#"{"type":"string"}"#,
            (Kind::String, form) => match word() {
                Some((_, schema)) => schema,
                None if form.is_some() => return Err(self.no_word(raw)),
                None => self.sample(r#"{"type":"string"}"#),
            },
            (_, Some(Form::Shorthand)) => return Err(self.no_word(raw)),
            (Kind::Number, _) => self.sample(r#"{"type":"number"}"#),
            (Kind::Boolean, _) => self.sample(r#"{"type":"boolean"}"#),
            (Kind::Array, _) => self.sample(r#"{"type":"array"}"#),
            (Kind::Null, _) => self.sample("{}"),
        };
        self.out.push_str(schema);
        Ok(())
    }

    fn sample(&mut self, schema: &'static str) -> &'static str {
        self.samples = true;
        schema
    }

    fn no_word(&self, raw: &str) -> Error {
        let words: Vec<_> = WORDS.iter().map(|(word, _)| *word).collect();
        let path = self.path.join(".");
        let error = fail!(
            ConfigInvalid,
            "schema: {path:?} is given {}; shorthand accepts {}, or an object of these",
            shortened(raw),
            words.join(", ")
        )
        .with("member", "schema")
        .with("field", path);
        match (Member { name: "schema", raw }).text().and_then(|text| crate::json::nearest(&text, &words)) {
            Some(word) => hint(error, word),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn compiled(text: &str, form: Option<Form>, required: &[&str]) -> Result<(String, Form)> {
        let required: Vec<_> = required.iter().map(|name| (*name).to_owned()).collect();
        compile(text, form, &required, &Limits::default())
    }

    #[test]
    fn shorthand_and_samples_become_a_schema_in_their_order() {
        let closed = |properties: &str| {
            format!(r#"{{"type":"object","properties":{{{properties}}},"additionalProperties":false}}"#)
        };
        for (text, form, properties) in [
            (
                r#"{"userId":"string","email":"string","role":"string"}"#,
                Form::Shorthand,
                r#""userId":{"type":"string"},"email":{"type":"string"},"role":{"type":"string"}"#,
            ),
            (
                r#"{"z":"number","a":"integer","b":"boolean","o":"object","l":"array","n":"null","x":"any"}"#,
                Form::Shorthand,
                r#""z":{"type":"number"},"a":{"type":"integer"},"b":{"type":"boolean"},"o":{"type":"object"},"l":{"type":"array"},"n":{"type":"null"},"x":{}"#,
            ),
            (
                r#"{"id":"u1","age":41,"ok":true,"tags":["a"],"note":null,"role":"string","big":1e400,"meta":{}}"#,
                Form::Sample,
                r#""id":{"type":"string"},"age":{"type":"number"},"ok":{"type":"boolean"},"tags":{"type":"array"},"note":{},"role":{"type":"string"},"big":{"type":"number"},"meta":{"type":"object"}"#,
            ),
            (
                r#"{"address":{"city":"string"}}"#,
                Form::Shorthand,
                r#""address":{"type":"object","properties":{"city":{"type":"string"}},"additionalProperties":false}"#,
            ),
            // A word of a type in another case, or misspelt, is a sample of a string.
            (r#"{"a":"String","b":"nmber"}"#, Form::Sample, r#""a":{"type":"string"},"b":{"type":"string"}"#),
            (r#"{"q\"":"any"}"#, Form::Shorthand, r#""q\"":{}"#),
            ("{}", Form::Shorthand, ""),
        ] {
            assert_eq!(compiled(text, None, &[]).unwrap(), (closed(properties), form), "{text}");
        }
        let (schema, _) = compiled(r#"{"word":"number","n":"any"}"#, Some(Form::Sample), &[]).unwrap();
        assert_eq!(schema, closed(r#""word":{"type":"string"},"n":{"type":"string"}"#));
    }

    #[test]
    fn the_selectors_fields_are_required() {
        let (schema, _) = compiled(r#"{"a":"any","d":{"u":"string","v":"string"}}"#, None, &["d", "u"]).unwrap();
        assert_eq!(
            schema,
            r#"{"type":"object","properties":{"a":{},"d":{"type":"object","properties":{"u":{"type":"string"},"v":{"type":"string"}},"required":["u"],"additionalProperties":false}},"required":["d"],"additionalProperties":false}"#
        );
        // One that is not there is the selector's error to tell.
        assert!(!compiled(r#"{"a":"any"}"#, None, &["b"]).unwrap().0.contains("required"));
    }

    #[test]
    fn said_to_be_shorthand_every_value_is_a_type_word() {
        for (text, field, hint) in [
            (r#"{"a":"strng"}"#, "a", Some("string")),
            (r#"{"a":"String"}"#, "a", Some("string")),
            (r#"{"d":{"n":"numbr"}}"#, "d.n", Some("number")),
            (r#"{"a":1}"#, "a", None),
            (r#"{"a":null}"#, "a", None),
            (r#"{"a":["string"]}"#, "a", None),
        ] {
            let error = compiled(text, Some(Form::Shorthand), &[]).unwrap_err();
            assert_eq!((error.code(), &error.details()["field"]), (Code::ConfigInvalid, &field.into()), "{text}");
            assert_eq!(error.details().get("nearest").and_then(|word| word.as_str()), hint, "{error}");
        }
    }
}
