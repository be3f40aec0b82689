//! Bytes as a schema with data to check, and as a selector.

use super::member::Member;
use super::schema::{Form, Schema};
use super::selector::{self, Path, Selector};
use crate::error::{Code, Result};
use crate::fuzz::two_texts;
use crate::json::Json;
use crate::limits::Limits;

/// The first line as data, the rest as a schema in any of its forms.
pub fn schema(data: &[u8]) {
    let Some((object, text)) = two_texts(data) else { return };
    let limits = Limits::default();
    let Some(schema) = taken(Schema::compile(text, None, &[], &limits)) else { return };
    // What it was written out as is a schema, and means the same.
    let again = taken(Schema::compile(schema.json_schema(), Some(Form::JsonSchema), &[], &limits));
    let Ok(object) = Json::parse(object, &limits) else { return };
    let verdict = checked(schema.check(object.as_str()));
    if let Some(again) = again {
        assert_eq!(checked(again.check(object.as_str())), verdict);
    }
    for option in selector::options(&schema).unwrap() {
        assert!(Selector::of(option.path().clone(), &schema).is_ok(), "an option that is offered can be taken");
        let _ = option.pick(object.as_str());
    }
}

/// Text as a selector's JSON: its long spelling is a selector, and the same one.
pub fn selector(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if Json::parse(text, &Limits::default()).is_err() {
        return;
    }
    let read = |raw: &str| Path::read(Member { name: "selector", raw });
    if let Some(path) = taken(read(text)) {
        let printed = serde_json::to_string(&path.to_string()).unwrap();
        assert!(read(&printed).unwrap() == path, "{printed}");
    }
}

/// What was taken; what is refused is refused as a configuration is.
fn taken<T>(given: Result<T>) -> Option<T> {
    match given {
        Ok(given) => Some(given),
        Err(error) => {
            let refusals = [Code::ConfigInvalid, Code::InvalidJson, Code::LimitExceeded];
            assert!(refusals.contains(&error.code()), "{error}");
            None
        }
    }
}

fn checked(verdict: Result<()>) -> Option<Code> {
    let code = verdict.err()?.code();
    assert!([Code::SchemaViolation, Code::LimitExceeded].contains(&code), "{code:?}");
    Some(code)
}
