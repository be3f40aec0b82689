//! Bytes as a step, and as the message that one is run on.

use serde::de::IgnoredAny;

use super::{Step, message};
use crate::error::Code;
use crate::json::{FieldName, Fields, Json, Kind, is_blank};
use crate::limits::Limits;

/// Text as a step: what is taken prints as a step that is taken and prints the same.
pub fn step(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(step) = Step::parse(text) {
        let printed = step.to_json();
        assert_eq!(Step::parse(&printed).unwrap().to_json(), printed);
    }
}

/// Text as a message: we and serde_json agree on what JSON is, and a GET sets what it says and nothing else.
pub fn message(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let limits = Limits::default();
    let names: Vec<FieldName> = ["body", "id", "é"].iter().map(|name| FieldName::new(name, &limits).unwrap()).collect();
    let taken = match message::take(&names, text, &limits) {
        Ok(taken) => taken,
        Err(error) => {
            let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
            let is_twice = error.details().get("member").is_some();
            match error.code() {
                Code::InvalidJson => assert!(!is_json || is_twice, "serde_json takes it"),
                Code::MessageNotObject => assert_ne!(Kind::of(text.trim_start()), Kind::Object),
                code => assert_eq!(code, Code::LimitExceeded),
            }
            return;
        }
    };
    let given = if is_blank(text) { "{}" } else { text };
    serde_json::from_str::<IgnoredAny>(given).expect("serde_json refuses it");
    assert_eq!(message::splice(text, &names, &Fields::default(), &limits).unwrap(), given);

    let set: Fields =
        ["[1]", "\"\\u00e9\""].iter().zip(&names).map(|(value, name)| (name.clone(), Json::checked(value))).collect();
    let spliced = message::splice(text, &names, &set, &limits).unwrap();
    serde_json::from_str::<IgnoredAny>(&spliced).unwrap();
    assert_eq!(message::splice(&spliced, &names, &set, &limits).unwrap(), spliced, "setting it again changes nothing");
    let found = message::take(&names, &spliced, &limits).unwrap();
    let mut wanted: Vec<(FieldName, Json)> =
        names.iter().cloned().zip(set.iter().map(|(_, value)| value.clone())).collect();
    wanted.extend(taken.into_iter().filter(|(name, _)| *name == names[2]));
    assert!(found == wanted, "what was set, and the third as it was");
}
