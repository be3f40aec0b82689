//! Every case runs with audit events on, and none of them tells what a case has put into its store.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use sessile::{Category, Code, Error};

use crate::suite::Case;

/// Members of calls that hold what events never tell: tokens, claims, users, names and values of fields.
const SECRET: [&str; 14] = [
    "token",
    "claims",
    "data",
    "dataText",
    "fields",
    "fieldsText",
    "value",
    "values",
    "message",
    "user",
    "name",
    "names",
    "pointer",
    "changes",
];

/// The members of an event, in their order.
const MEMBERS: [&str; 10] =
    ["at", "event", "tag", "user", "sessionId", "keyId", "reason", "code", "requestId", "count"];

/// A call that refused somebody's proof is one refusal to watchers, with the error's code and reason; another call is none.
/// (`session_verify` gives its refusals as results, and a refresh token that came twice is an event of its own.)
pub fn check_refusals<T>(got: &Result<T, Error>, told: &[String]) -> Result<(), String> {
    let read = |event: &String| serde_json::from_str::<Value>(event).expect("an event is JSON");
    let refusals: Vec<Value> = told.iter().map(read).filter(|event| event["event"] == "token.refused").collect();
    let Err(error) = got else { return Ok(()) };
    let is_identity = error.code().category() == Category::Identity && error.code() != Code::RefreshReused;
    match (is_identity, refusals.as_slice()) {
        (false, []) => Ok(()),
        (true, [refusal]) => {
            let (code, reason) = (error.code().name(), error.details().get("reason"));
            let is_right = refusal["code"] == code && refusal.get("reason") == reason;
            if is_right { Ok(()) } else { Err(format!("{refusal} tells of {error:?}")) }
        }
        (_, others) => Err(format!("{} refusals were told of {error:?}: {others:?}", others.len())),
    }
}

/// `Err` names the event and what is wrong with it. `kept` are texts that the case was given by its store.
pub fn check<'t>(case: &Case, kept: impl Iterator<Item = &'t String>, events: &[String]) -> Result<(), String> {
    let mut secrets = BTreeSet::new();
    for call in &case.calls {
        for member in SECRET {
            if let Some(value) = call.raw(member).and_then(|raw| serde_json::from_str(raw).ok()) {
                leaves(&value, &mut secrets);
            }
        }
    }
    for kept in kept.filter(|kept| kept.matches('.').count() == 2) {
        secrets.extend(kept.split(['.', ':']).map(str::to_owned));
    }
    let tags = tags(case);
    for event in events {
        let members: Map<String, Value> = serde_json::from_str(event).map_err(|error| format!("{event}: {error}"))?;
        if let Some(wrong) = members.iter().find_map(|(name, value)| wrong(name, value, &tags, &secrets)) {
            return Err(format!("the event {event} has a {wrong}"));
        }
    }
    Ok(())
}

fn wrong(name: &str, value: &Value, tags: &BTreeSet<String>, secrets: &BTreeSet<String>) -> Option<String> {
    if name == "count" && value.is_u64() {
        return None;
    }
    let text = value.as_str().unwrap_or_default();
    let is_id = |text: &str, length| text.len() == length && text.bytes().all(is_base64url);
    let good = match name {
        "at" => sessile::Time::parse(text).is_ok_and(|time| time.to_string() == text),
        "event" => include_str!("../../../docs/events.md").contains(&format!("`{text}`")),
        "tag" => tags.contains(text),
        "user" => is_id(text, 22),
        "sessionId" => text.rsplit_once('.').is_some_and(|(tag, id)| tags.contains(tag) && is_id(id, 24)),
        // A data key's number, or a signing key's name.
        "keyId" => text.parse::<u32>().is_ok() || is_id(text, 12),
        "reason" => is_ours(text),
        "code" => sessile::Code::ALL.iter().any(|code| code.name() == text),
        _ => false,
    };
    let told = || match name {
        "user" | "keyId" => secrets.iter().any(|secret| secret.len() >= 6 && text.contains(&**secret)),
        "sessionId" => secrets.iter().any(|secret| secret.len() >= 6 && text.rsplit('.').next() == Some(secret)),
        _ => false,
    };
    if !MEMBERS.contains(&name) || !good || told() { Some(format!("member {name:?}: {value}")) } else { None }
}

/// Whether the text stands in our source: then it does not come from a case.
fn is_ours(text: &str) -> bool {
    static SOURCE: LazyLock<String> = LazyLock::new(|| {
        let mut source = String::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a readable folder") {
                let path = entry.expect("a readable folder").path();
                match path.extension() {
                    None => folders.push(path),
                    Some(extension) if extension == "rs" => {
                        source.push_str(&std::fs::read_to_string(&path).expect("a readable source"));
                    }
                    _ => {}
                }
            }
        }
        source
    });
    SOURCE.contains(&format!("{text:?}"))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The texts in a value, names of members too.
fn leaves(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            into.insert(name.clone());
            leaves(value, into);
        }),
        Value::Array(elements) => elements.iter().for_each(|element| leaves(element, into)),
        Value::String(text) => drop(into.insert(text.clone())),
        other => drop(into.insert(other.to_string())),
    }
}

/// The configurations that a case may meet: those it names, and those it makes.
fn tags(case: &Case) -> BTreeSet<String> {
    let mut tags = BTreeSet::from(["global".to_owned()]);
    for call in &case.calls {
        tags.extend(call.raw("tag").and_then(|raw| serde_json::from_str::<String>(raw).ok()));
        for member in ["definition", "document", "gives"] {
            let Some(value) = call.raw(member).and_then(|raw| serde_json::from_str::<Value>(raw).ok()) else {
                continue;
            };
            let configs = value["configs"].as_array().cloned().unwrap_or_else(|| vec![value]);
            for config in configs {
                tags.extend(config["tag"].as_str().map(str::to_owned));
                let name = config["name"].as_str().unwrap_or_default().to_lowercase();
                let words: Vec<_> =
                    name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
                tags.insert(words.join("_"));
            }
        }
    }
    tags
}
