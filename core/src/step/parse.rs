//! Reading a step: every spelling that is accepted, and an error that names the member for every other.

use std::borrow::Cow;

use crate::config::tag;
use crate::error::{Error, Result, fail};
use crate::json::{Entries, FieldName, Json, Kind, nearest};
use crate::limits::{self, Limits};

use super::{Operation, Parsed, Place, SessionType};

/// The members of a step, in the order in which they are printed.
const MEMBERS: &[&str] = &["type", "stepName", "id", "key", "operation", "sessionType", "scoped", "fields", "session"];

/// The fields of a step that names none.
const DEFAULT_FIELDS: [&str; 3] = ["body", "data", "id"];

/// Reads a step. Errors are led by its name as soon as that is known.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<Parsed> {
    let members = members(text, limits).map_err(|error| error.at(Place(None)))?;
    let step_name = members.get("stepName").map(Member::string).transpose().map_err(|error| error.at(Place(None)))?;
    read(&members, step_name.as_deref(), limits).map_err(|error| error.at(Place(step_name.as_deref())))
}

fn read(members: &Members<'_>, step_name: Option<&str>, limits: &Limits) -> Result<Parsed> {
    if let Some(unknown) = &members.unknown {
        return Err(unknown_member(unknown));
    }
    let mut kept = Vec::new();
    for name in ["type", "stepName", "id", "key"] {
        if let Some(member) = members.get(name) {
            member.check_kept()?;
            kept.push((member.name, Json::checked(member.raw)));
        }
    }
    Ok(Parsed {
        kept,
        step_name: step_name.map(str::to_owned),
        operation: members.get("operation").map_or(Ok(Operation::Get), |member| member.word(OPERATIONS))?,
        session_type: members.get("sessionType").map_or(Ok(SessionType::Local), |member| member.word(SESSION_TYPES))?,
        scoped: members.get("scoped").map_or(Ok(false), |member| member.boolean())?,
        fields: fields(members.get("fields"), limits)?,
        session: members.get("session").map(|member| member.tag()).transpose()?,
    })
}

/// A step's members as they stand in the text.
struct Members<'a> {
    known: Vec<Member<'a>>,
    unknown: Option<String>,
}

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&Member<'a>> {
        self.known.iter().find(|member| member.name == name)
    }
}

/// One member of a step.
struct Member<'a> {
    name: &'static str,
    raw: &'a str,
}

fn members<'a>(text: &'a str, limits: &Limits) -> Result<Members<'a>> {
    limits::check("step", text.len(), limits.message, "bytes")?;
    let mut entries = Entries::of(text, Kind::Object, limits.depth)?.map_err(|given| {
        fail!(
            InvalidStep,
            "a step is a JSON object such as {{\"operation\":\"GET\",\"fields\":[\"cart\"]}}, not {given}"
        )
        .with("given", given.as_str())
    })?;
    let mut members = Members { known: Vec::new(), unknown: None };
    while let Some(entry) = entries.next()? {
        let Some(name) = entry.name else { continue };
        let name = name.required()?;
        match MEMBERS.iter().find(|known| **known == name) {
            Some(known) if members.get(known).is_some() => {
                return Err(fail!(InvalidStep, "member {known:?} is there twice; give it once").with("member", *known));
            }
            Some(known) => members.known.push(Member { name: known, raw: &text[entry.value] }),
            None if members.unknown.is_none() => members.unknown = Some(name.chars().take(64).collect()),
            None => {}
        }
    }
    Ok(members)
}

fn unknown_member(name: &str) -> Error {
    match nearest(name, MEMBERS) {
        Some(known) => {
            fail!(InvalidStep, "there is no member {name:?}; did you mean {known:?}?").with("nearest", known)
        }
        None => fail!(InvalidStep, "there is no member {name:?}; a step has {}", MEMBERS.join(", ")),
    }
    .with("member", name)
}

/// Each accepted spelling, in upper case, with what it means.
type Words<T> = &'static [(&'static str, T)];

const OPERATIONS: Words<Operation> = &[
    ("GET", Operation::Get),
    ("PUT", Operation::Put),
    ("DELETE", Operation::Delete),
    ("GET DATA", Operation::Get),
    ("PUT DATA", Operation::Put),
    ("DELETE DATA", Operation::Delete),
];

const SESSION_TYPES: Words<SessionType> = &[("LOCAL", SessionType::Local), ("GLOBAL", SessionType::Global)];

impl<'a> Member<'a> {
    fn kind(&self) -> Kind {
        Kind::of(self.raw)
    }

    /// The member's text. The raw value is a whole JSON string, so only half a surrogate pair can stand in the way.
    fn string(&self) -> Result<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return Err(self.given(self.kind().as_str(), "a string"));
        }
        text_of(self.raw).ok_or_else(|| self.given("a string with half of a surrogate pair", "text"))
    }

    fn boolean(&self) -> Result<bool> {
        match self.raw {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.given(self.kind().as_str(), "true or false")),
        }
    }

    /// One of a few words, in any case.
    fn word<T: Copy>(&self, words: Words<T>) -> Result<T> {
        let accepted = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>();
        if self.kind() != Kind::String {
            return Err(self.given(self.kind().as_str(), &accepted().join(", ")));
        }
        let given = self.string()?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(&given)) {
            return Ok(*meaning);
        }
        let error = self.given("another word", &accepted().join(", "));
        Err(match nearest(&given, &accepted()) {
            Some(word) => error.with("nearest", word),
            None => error,
        })
    }

    /// The tag of a config.
    fn tag(&self) -> Result<Box<str>> {
        let given = self.string()?;
        if tag::is_tag(&given) { Ok(given.into()) } else { Err(self.given("another string", tag::ACCEPTED)) }
    }

    /// `type` and `stepName` are strings, `id` and `key` may be numbers too: exports have both.
    fn check_kept(&self) -> Result<()> {
        match (self.name, self.kind()) {
            (_, Kind::String) | ("id" | "key", Kind::Number) => Ok(()),
            ("id" | "key", kind) => Err(self.given(kind.as_str(), "a string or a number")),
            (_, kind) => Err(self.given(kind.as_str(), "a string")),
        }
    }

    /// `INVALID_STEP`: the member, what it was given and what it accepts.
    fn given(&self, given: &str, accepts: &str) -> Error {
        fail!(InvalidStep, "member {:?} accepts {accepts}; given: {given}", self.name)
            .with("member", self.name)
            .with("given", given)
    }
}

/// The names of a step's fields, each once, the first place kept.
fn fields(member: Option<&Member<'_>>, limits: &Limits) -> Result<Vec<FieldName>> {
    let Some(member) = member else {
        return DEFAULT_FIELDS.iter().map(|name| FieldName::new(name, limits)).collect();
    };
    let mut names = Names { names: Vec::new(), limits };
    match member.kind() {
        Kind::String => {
            for name in member.string()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                names.push(name)?;
            }
        }
        Kind::Array => {
            let mut elements = match Entries::of(member.raw, Kind::Array, limits.depth)? {
                Ok(elements) => elements,
                Err(kind) => return Err(member.given(kind.as_str(), ACCEPTED_FIELDS)),
            };
            while let Some(element) = elements.next()? {
                let raw = &member.raw[element.value];
                let Some(name) = text_of(raw) else {
                    let kind = Kind::of(raw);
                    let what = if kind == Kind::String { "half of a surrogate pair" } else { kind.as_str() };
                    return Err(member.given(&format!("an array with {what} in it"), ACCEPTED_FIELDS));
                };
                if name.is_empty() {
                    return Err(member.given("an array with an empty name in it", ACCEPTED_FIELDS));
                }
                names.push(&name)?;
            }
        }
        kind => return Err(member.given(kind.as_str(), ACCEPTED_FIELDS)),
    }
    Ok(names.names)
}

const ACCEPTED_FIELDS: &str = "an array of names, or one string of names with commas between";

struct Names<'l> {
    names: Vec<FieldName>,
    limits: &'l Limits,
}

impl Names<'_> {
    fn push(&mut self, name: &str) -> Result<()> {
        if self.names.iter().any(|known| known.as_str() == name) {
            return Ok(());
        }
        limits::check("fields of a step", self.names.len() + 1, self.limits.step_fields, "fields")?;
        self.names.push(FieldName::new(name, self.limits)?);
        Ok(())
    }
}

/// The text of a JSON string; `None` for another kind, or half of a surrogate pair.
fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        _ => serde_json::from_str(raw).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Step;
    use super::*;
    use crate::error::Code;

    #[test]
    fn every_accepted_spelling_and_its_wire_form() {
        let local = r#""sessionType":"LOCAL","scoped":false"#;
        for (text, wire) in [
            ("{}", format!(r#"{{"operation":"GET",{local},"fields":["body","data","id"]}}"#)),
            (" { } ", format!(r#"{{"operation":"GET",{local},"fields":["body","data","id"]}}"#)),
            (r#"{"operation":"put"}"#, format!(r#"{{"operation":"PUT",{local},"fields":["body","data","id"]}}"#)),
            (r#"{"operation":"Get Data"}"#, format!(r#"{{"operation":"GET",{local},"fields":["body","data","id"]}}"#)),
            (r#"{"operation":"PUT DATA"}"#, format!(r#"{{"operation":"PUT",{local},"fields":["body","data","id"]}}"#)),
            (
                r#"{"operation":"delete data"}"#,
                format!(r#"{{"operation":"DELETE",{local},"fields":["body","data","id"]}}"#),
            ),
            (
                r#"{"fields":" body, data ,,id,"}"#,
                format!(r#"{{"operation":"GET",{local},"fields":["body","data","id"]}}"#),
            ),
            (
                r#"{"fields":["a.b"," c","d,e","\u0061"]}"#,
                format!(r#"{{"operation":"GET",{local},"fields":["a.b"," c","d,e","a"]}}"#),
            ),
            (r#"{"fields":["a","b","\u0061"]}"#, format!(r#"{{"operation":"GET",{local},"fields":["a","b"]}}"#)),
            (r#"{"fields":[]}"#, format!(r#"{{"operation":"GET",{local},"fields":[]}}"#)),
            (r#"{"fields":" , "}"#, format!(r#"{{"operation":"GET",{local},"fields":[]}}"#)),
            (r#"{"fields":["q\"\n"]}"#, format!(r#"{{"operation":"GET",{local},"fields":["q\"\n"]}}"#)),
            (
                r#"{"session":"user_session","fields":"cart","scoped":true,"sessionType":"global","operation":"PUT",
                    "key":"k","id":7,"stepName":"Load \u0063art","type":"session-management"}"#,
                concat!(
                    r#"{"type":"session-management","stepName":"Load \u0063art","id":7,"key":"k","operation":"PUT","#,
                    r#""sessionType":"GLOBAL","scoped":true,"fields":["cart"],"session":"user_session"}"#
                )
                .to_owned(),
            ),
        ] {
            let step = Step::parse(text).unwrap();
            assert_eq!(step.to_json(), wire, "{text}");
            assert_eq!(Step::parse(&wire).unwrap().to_json(), wire);
        }
    }

    #[test]
    fn a_wrong_member_is_named() {
        for (text, member, hint) in [
            (r#"{"feilds":[]}"#, "feilds", Some("fields")),
            (r#"{"Fields":[]}"#, "Fields", Some("fields")),
            (r#"{"session_type":"LOCAL"}"#, "session_type", Some("sessionType")),
            (r#"{"timeout":1}"#, "timeout", None),
            (r#"{"operation":"GTE"}"#, "operation", Some("GET")),
            (r#"{"operation":"MERGE"}"#, "operation", None),
            (r#"{"operation":1}"#, "operation", None),
            (r#"{"operation":null}"#, "operation", None),
            (r#"{"sessionType":"GLOBL"}"#, "sessionType", Some("GLOBAL")),
            (r#"{"scoped":"true"}"#, "scoped", None),
            (r#"{"scoped":0}"#, "scoped", None),
            (r#"{"fields":{"a":1}}"#, "fields", None),
            (r#"{"fields":[1]}"#, "fields", None),
            (r#"{"fields":[""]}"#, "fields", None),
            (r#"{"fields":["\ud800"]}"#, "fields", None),
            (r#"{"session":"Upper"}"#, "session", None),
            (r#"{"session":""}"#, "session", None),
            (r#"{"session":"-a"}"#, "session", None),
            (r#"{"type":1}"#, "type", None),
            (r#"{"stepName":"\ud800"}"#, "stepName", None),
            (r#"{"id":{}}"#, "id", None),
            (r#"{"id":1,"id":2}"#, "id", None),
        ] {
            let error = Step::parse(text).unwrap_err();
            assert_eq!(error.code(), Code::InvalidStep, "{text}: {error}");
            assert_eq!(error.details()["member"], member, "{text}: {error}");
            assert_eq!(error.details().get("nearest").and_then(|word| word.as_str()), hint, "{text}: {error}");
            assert!(error.message().contains(member) && error.message().starts_with("step"), "{error}");
        }
    }

    #[test]
    fn what_is_no_step_at_all() {
        let limits = Limits { step_fields: 2, field_name: 4, depth: 2, ..Limits::default() };
        for (text, code) in [
            ("", Code::InvalidJson),
            ("{", Code::InvalidJson),
            ("{\"\\ud800\":1}", Code::InvalidJson),
            ("[]", Code::InvalidStep),
            ("\"GET\"", Code::InvalidStep),
            ("{\"fields\":\"a,b,c\"}", Code::LimitExceeded),
            ("{\"fields\":[\"abcde\"]}", Code::LimitExceeded),
            ("{\"fields\":[[\"a\"]]}", Code::LimitExceeded),
        ] {
            assert_eq!(Step::parse_within(text, &limits).unwrap_err().code(), code, "{text}");
        }
        assert!(Step::parse_within("{\"fields\":\"a,b,a,b\"}", &limits).is_ok());
    }

    #[test]
    fn errors_are_led_by_the_name_of_the_step() {
        let step = Step::parse(r#"{"stepName":"Load \"cart\""}"#).unwrap();
        assert_eq!(step.place().to_string(), r#"step "Load \"cart\"""#);
        assert_eq!(Step::parse("{}").unwrap().place().to_string(), "step");
        let error = Step::parse(r#"{"scoped":1,"stepName":"Load"}"#).unwrap_err();
        assert_eq!(error.message(), r#"step "Load": member "scoped" accepts true or false; given: number"#);
    }
}
