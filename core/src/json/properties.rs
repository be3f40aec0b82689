//! The scanner against serde_json, and the verbs against what they mean on parsed values.

use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Exactness, exact, object_members, pointer, scan};
use crate::limits::Limits;

/// JSON text with every liberty the grammar gives: white space, escapes, long numbers, doubled names.
fn written() -> impl Strategy<Value = String> {
    let string = "\"([a-c\u{e9}\u{1F600} ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-f]{4}|\\\\u[dD][89abcAB][0-9A-F]{2}){0,12}\"";
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![string, number, Just("true".to_owned()), Just("false".to_owned()), Just("null".to_owned())];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..5), "[ \n\r\t]{0,2}")
                .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},{space}")))),
            (prop::collection::vec((string, inner), 0..5), "[ \n\r\t]{0,2}").prop_map(|(members, space)| {
                let members: Vec<_> = members.iter().map(|(n, v)| format!("{n}{space}:{space}{v}")).collect();
                format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")))
            }),
        ]
    })
}

/// Text that is nearly JSON: some of it cut out, some put in.
fn damaged() -> impl Strategy<Value = String> {
    (
        written(),
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        "[\\[\\]{},:\"\\\\0-9eE.+ tfn\u{1}\u{e9}-]{0,2}",
    )
        .prop_map(|(text, from, length, insert)| {
            let mut chars: Vec<char> = text.chars().collect();
            let from = from.index(chars.len());
            let to = (from + length.index(3)).min(chars.len());
            chars.splice(from..to, insert.chars());
            chars.into_iter().collect()
        })
}

/// The small objects and arrays that pointers are tried on: no half surrogates, no doubled names, small numbers.
fn value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<i32>().prop_map(Value::from), "[a-c\"\\\\\n]{0,3}".prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[ab/~\"0]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn agree(text: &str) {
    let theirs: Result<&RawValue, _> = serde_json::from_str(text);
    let ours = scan::one_value(text, 1000);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(*ours, theirs.get()),
        (Err(_), Err(_)) => {}
        _ => panic!("{text:?}: ours {ours:?}, theirs {theirs:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_as_json_is_json(text in written()) {
        prop_assert!(scan::one_value(&text, 1000).is_ok(), "{}", text);
        agree(&text);
    }

    #[test]
    fn the_quick_look_at_numbers_overlooks_none(text in written()) {
        let exactness = Exactness::Double;
        prop_assert_eq!(exact::check(&text, exactness).is_ok(), exact::check_each(&text, exactness).is_ok(), "{}", text);
    }

    #[test]
    fn nearly_json_is_accepted_and_refused_as_serde_json_does(text in damaged()) {
        agree(&text);
    }

    #[test]
    fn any_text_is_accepted_and_refused_as_serde_json_does(text in "[\\[\\]{},:\"\\\\0-9a-f.+u \n-]{0,16}") {
        agree(&text);
    }

    #[test]
    fn the_members_are_those_of_the_parsed_object(value in value()) {
        if let Value::Object(object) = &value {
            let text = value.to_string();
            let members = object_members(&text, &Limits::default()).unwrap();
            prop_assert_eq!(members.len(), object.len());
            for (name, raw) in members {
                prop_assert_eq!(&object[&*name], &serde_json::from_str::<Value>(raw).unwrap());
            }
        }
    }

    #[test]
    fn pointers_mean_what_serde_json_means(value in value(), path in "(/[ab0-2-]|/~0|/~1|/){0,3}") {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let found = pointer::get(&text, &path).unwrap().map(|raw| serde_json::from_str::<Value>(raw).unwrap());
        prop_assert_eq!(found.as_ref(), value.pointer(&path));
        if let Ok(put) = pointer::put(&text, &path, "{\"new\":1}", &Limits::default()) {
            let there = path.strip_suffix("/-").map(|parent| value.pointer(parent).is_some_and(Value::is_array));
            if there != Some(true) {
                prop_assert_eq!(pointer::get(&put, &path).unwrap(), Some("{\"new\":1}"));
            }
            serde_json::from_str::<Value>(&put).unwrap();
        } else {
            prop_assert!(found.is_none());
        }
        if !path.is_empty() {
            let deleted = pointer::delete(&text, &path).unwrap();
            prop_assert_eq!(deleted.is_some(), found.is_some());
            if let Some(deleted) = deleted {
                let (parent, _) = path.rsplit_once('/').unwrap();
                let size = |value: Option<&Value>| match value {
                    Some(Value::Array(array)) => array.len(),
                    Some(Value::Object(object)) => object.len(),
                    _ => 0,
                };
                let after: Value = serde_json::from_str(&deleted).unwrap();
                prop_assert_eq!(size(after.pointer(parent)) + 1, size(value.pointer(parent)));
            }
        }
    }
}
