//! GET and PUT on text against what they mean on parsed objects.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::message::{splice, take};
use crate::json::{FieldName, Fields, Json};
use crate::limits::Limits;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        "[a\"\\\\\n\u{e9}]{0,9}".prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-c]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::hash_map("[a-f\"\n]{1,2}", value(), 0..12).prop_map(|map| map.into_iter().collect())
}

/// The object as text, with white space or without, every character of its names escaped or none.
fn written(object: &Map<String, Value>, pretty: bool, escaped: bool) -> String {
    let space = if pretty { "\n  " } else { "" };
    let members: Vec<_> = object
        .iter()
        .map(|(name, value)| {
            let name = if escaped {
                format!("\"{}\"", name.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>())
            } else {
                Value::from(name.as_str()).to_string()
            };
            format!("{space}{name}{space}:{space}{value}{space}")
        })
        .collect();
    format!("{space}{{{}{space}}}{space}", members.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spliced_then_parsed_is_parsed_then_set(
        message in object(), held in object(), extra in "[a-f]{1,2}", pretty: bool, escaped: bool,
    ) {
        let limits = Limits::default();
        let text = written(&message, pretty, escaped);
        let names: Vec<_> = held.keys().map(String::as_str).filter(|name| *name != extra).chain([extra.as_str()])
            .map(FieldName::stored).collect();
        let found: Fields = held.iter()
            .map(|(name, value)| (FieldName::stored(name), Json::parse(&value.to_string(), &limits).unwrap()))
            .collect();
        let mut expected = message.clone();
        expected.extend(held.clone());
        let spliced = splice(&text, &names, &found, &limits).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&spliced).unwrap(), Value::Object(expected));
        // What was set is what a PUT of the same step takes out again.
        let taken: Vec<(FieldName, Json)> = take(&names, &spliced, &limits).unwrap();
        for (name, value) in found.iter() {
            let again = taken.iter().find(|(taken, _)| taken.as_str() == name).map(|(_, value)| value);
            prop_assert_eq!(again, Some(value));
        }
    }

    #[test]
    fn taken_is_what_the_parsed_object_holds(message in object(), wanted in object(), pretty: bool, escaped: bool) {
        let names: Vec<_> = wanted.keys().map(|name| FieldName::stored(name)).collect();
        let taken = take(&names, &written(&message, pretty, escaped), &Limits::default()).unwrap();
        let expected: Vec<_> = wanted.keys().filter_map(|name| Some((name.as_str(), message.get(name)?))).collect();
        prop_assert_eq!(taken.len(), expected.len());
        for ((name, value), (expected_name, expected)) in taken.iter().zip(expected) {
            prop_assert_eq!(name.as_str(), expected_name);
            prop_assert_eq!(&serde_json::from_str::<Value>(value.as_str()).unwrap(), expected);
        }
    }
}
