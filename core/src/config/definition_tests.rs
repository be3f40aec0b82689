//! Definitions: what is accepted, what is refused and how it is said, and what is merged.

use serde_json::{Value, json};

use super::*;
use crate::config::given::NAMES;
use crate::error::Code;

fn read(text: &str) -> Result<(Box<str>, Definition)> {
    Definition::read(text, &Limits::default())
}

fn definition(text: &str) -> Definition {
    read(text).unwrap().1
}

/// A definition of the name `n` with these members.
fn with(members: &str) -> Result<(Box<str>, Definition)> {
    read(&format!(r#"{{"name":"n",{members}}}"#))
}

/// Every member but the tag, by name.
fn members(definition: &Definition) -> serde_json::Map<String, Value> {
    let members = definition.members().into_iter();
    members.map(|(name, raw)| (name.to_owned(), serde_json::from_str(&raw).unwrap())).collect()
}

/// Seed 002, steps 3 to 6.
const SEED: &str = r#"{"name":"User session","expiry":7,"period":"Months","schema":{"userId":"string","email":"string","role":"string"},"selector":"userId"}"#;

#[test]
fn every_member_has_its_default() {
    let (tag, defined) = read(r#"{"name":"A kind (v2)"}"#).unwrap();
    assert_eq!((&*tag, defined.to_json(&tag)), ("a_kind_v2", r#"{"name":"A kind (v2)","tag":"a_kind_v2"}"#.to_owned()));
    assert_eq!(
        Value::Object(members(&defined)),
        json!({"name": "A kind (v2)", "description": null, "expiry": null, "period": null, "idle": null, "schema": null,
            "form": null, "selector": null, "tokenExpiry": 24, "tokenPeriod": "hours", "refreshExpiry": 30,
            "refreshPeriod": "days", "maxSessionsPerUser": null, "onLimit": "evict_oldest", "shred": false,
            "refreshGrace": 10, "maxLifetime": null, "retention": {"value": 90, "period": "days"}, "acr": null,
            "maxAuthAge": null})
    );
    let names: Vec<_> = defined.members().iter().map(|(name, _)| *name).collect();
    let known: Vec<_> = NAMES.iter().copied().filter(|name| *name != "tag").collect();
    assert_eq!(names, known);
    // `null` means the default, too, but for retention, where it is a value.
    let nulls: Vec<_> =
        known[1..].iter().filter(|name| **name != "retention").map(|n| format!("\"{n}\":null")).collect();
    assert_eq!(with(&nulls.join(",")).unwrap().1.to_json("n"), r#"{"name":"n","tag":"n"}"#);
    assert_eq!(with(r#""retention":null"#).unwrap().1.to_json("n"), r#"{"name":"n","tag":"n","retention":null}"#);
}

#[test]
fn every_member_is_read() {
    let full = concat!(
        r#"{"name":"Ünïcode 日本","tag":"full","description":"two\nlines","expiry":7,"period":"months","#,
        r#""idle":{"value":30,"period":"mins"},"schema":{ "d" : {"id":"integer"},"n":1.50 },"form":"sample","#,
        r#""selector":"$Session{d}{id}","tokenExpiry":24,"tokenPeriod":"mins","refreshExpiry":1,"refreshPeriod":"years","#,
        r#""maxSessionsPerUser":3,"onLimit":"reject","refreshGrace":0,"maxLifetime":{"value":1,"period":"years"},"#,
        r#""retention":{"value":2,"period":"weeks"},"acr":["gold","urn:\"x\""],"maxAuthAge":300}"#
    );
    // In a sample the word "integer" is a string like any other.
    let (tag, defined) = read(full).unwrap();
    assert_eq!(defined.to_json(&tag), full);
    assert_eq!(defined.selector.as_ref().unwrap().kind().as_str(), "string");
    assert_eq!((defined.max_sessions, defined.on_limit), (Some(3), OnLimit::Reject));
    // The other spellings of what was said there.
    let (_, spelled) = with(concat!(
        r#""acr":"gold","idle":{"period":"Minute","value":30},"shred":false,"tokenPeriod":"DAYS","tokenExpiry":2,"#,
        r#""schema":{"a":{"b":"string"}},"form":"shorthand","selector":"a.b","tag":null,"onLimit":"evict_oldest""#
    ))
    .unwrap();
    assert_eq!(
        spelled.to_json("n"),
        concat!(
            r#"{"name":"n","tag":"n","idle":{"value":30,"period":"mins"},"schema":{"a":{"b":"string"}},"#,
            r#""selector":"$Session{a}{b}","tokenExpiry":2,"tokenPeriod":"days","acr":["gold"]}"#
        )
    );
}

#[test]
fn the_form_is_kept_where_the_text_would_be_read_otherwise() {
    for (schema, said, kept) in [
        (r#"{"a":"string"}"#, "shorthand", None),
        (r#"{"a":"string","b":1}"#, "sample", None),
        (r#"{"a":"number","b":1}"#, "sample", Some("sample")),
        (r#"{"a":"string"}"#, "sample", Some("sample")),
        (r#"{"type":"object"}"#, "json-schema", None),
        (r#"{"type":"object"}"#, "shorthand", Some("shorthand")),
        (r#"{"required":["a"]}"#, "json-schema", Some("json-schema")),
    ] {
        let (_, defined) = with(&format!(r#""schema":{schema},"form":"{said}""#)).unwrap();
        let given = defined.schema.as_ref().unwrap();
        assert_eq!((given.schema.form().as_str(), given.form.map(Form::as_str)), (said, kept), "{schema}");
        let again = definition(&defined.to_json("n"));
        assert_eq!(again.schema.unwrap().schema.json_schema(), given.schema.json_schema(), "{schema}");
    }
}

#[test]
fn a_bad_member_is_named_with_what_was_given_and_what_is_meant() {
    let long = |length: usize| format!("{:?}", "x".repeat(length));
    for (members, member, given, nearest) in [
        (r#""tag":"a:b""#, "tag", r#""a:b""#, None),
        (r#""tag":"a/b""#, "tag", r#""a/b""#, None),
        (r#""tag":"""#, "tag", r#""""#, None),
        (r#""tag":7"#, "tag", "7", None),
        (r#""description":7"#, "description", "7", None),
        (r#""expiry":0,"period":"days""#, "expiry", "0", None),
        (r#""expiry":-1,"period":"days""#, "expiry", "-1", None),
        (r#""expiry":1.5,"period":"days""#, "expiry", "1.5", None),
        (r#""expiry":"7","period":"days""#, "expiry", r#""7""#, None),
        (r#""expiry":1000000000000000000,"period":"secs""#, "expiry", "1000000000000000000", None),
        (r#""expiry":7,"period":"fortnight""#, "period", r#""fortnight""#, Some("weeks")),
        (r#""expiry":7,"period":"month s""#, "period", r#""month s""#, Some("months")),
        (r#""expiry":7"#, "period", "nothing", None),
        (r#""expiry":7,"period":null"#, "period", "nothing", None),
        (r#""period":"days""#, "expiry", "nothing", None),
        (r#""period":"days","expiry":null"#, "expiry", "nothing", None),
        (r#""tokenExpiry":7"#, "tokenPeriod", "nothing", None),
        (r#""refreshPeriod":"days""#, "refreshExpiry", "nothing", None),
        (r#""tokenExpiry":0,"tokenPeriod":"days""#, "tokenExpiry", "0", None),
        (r#""refreshExpiry":1,"refreshPeriod":"dais""#, "refreshPeriod", r#""dais""#, Some("days")),
        (r#""idle":30"#, "idle", "30", None),
        (r#""maxLifetime":{"value":1,"period":"yaer"}"#, "maxLifetime.period", r#""yaer""#, Some("year")),
        (r#""retention":{"value":0,"period":"days"}"#, "retention.value", "0", None),
        (r#""schema":[]"#, "schema", "array", None),
        (r#""schema":"string""#, "schema", "string", None),
        (r#""form":"shorthand""#, "schema", "nothing", None),
        (r#""schema":{"a":"string"},"form":"jsonschema""#, "form", r#""jsonschema""#, Some("json-schema")),
        (r#""selector":"userId""#, "selector", r#""userId""#, None),
        (r#""schema":{"a":"object","b":"string"},"selector":"a""#, "selector", "$Session{a}", None),
        (r#""schema":{"a":"array","b":"string"},"selector":"a.0""#, "selector", "$Session{a}{0}", None),
        (r#""schema":{"a":"string"},"selector":"""#, "selector", r#""""#, None),
        (r#""schema":{"userId":"string"},"selector":"userld""#, "selector", "$Session{userld}", Some("userId")),
        (r#""maxSessionsPerUser":0"#, "maxSessionsPerUser", "0", None),
        (r#""maxSessionsPerUser":10001"#, "maxSessionsPerUser", "10001", None),
        (r#""maxSessionsPerUser":"3""#, "maxSessionsPerUser", r#""3""#, None),
        (r#""onLimit":"evict-oldest""#, "onLimit", r#""evict-oldest""#, Some("evict_oldest")),
        (r#""onLimit":true"#, "onLimit", "true", None),
        (r#""shred":"no""#, "shred", r#""no""#, None),
        (r#""refreshGrace":3601"#, "refreshGrace", "3601", None),
        (r#""refreshGrace":-1"#, "refreshGrace", "-1", None),
        (r#""acr":[]"#, "acr", "[]", None),
        (r#""acr":"""#, "acr", r#""""#, None),
        (r#""acr":["gold",7]"#, "acr", r#"["gold",7]"#, None),
        (r#""acr":["gold",""]"#, "acr", r#"["gold",""]"#, None),
        (r#""maxAuthAge":0"#, "maxAuthAge", "0", None),
        (r#""maxAuthAge":4294967296"#, "maxAuthAge", "4294967296", None),
    ] {
        let error = with(members).unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &member.into()), "{error}");
        assert_eq!(error.details()["given"], given, "{error}");
        assert_eq!(error.details().get("nearest").and_then(Value::as_str), nearest, "{error}");
        assert!(error.message().starts_with(member) && error.message().contains(" accepts "), "{error}");
    }
    for (members, member) in [
        (format!(r#""tag":{}"#, long(65)), "tag"),
        (format!(r#""description":{}"#, long(2001)), "description"),
        (format!(r#""acr":{}"#, long(257)), "acr"),
        (format!(r#""acr":[{}]"#, vec![r#""x""#; 17].join(",")), "acr"),
    ] {
        assert_eq!(with(&members).unwrap_err().details()["member"], member);
    }
    assert!(with(&format!(r#""description":{},"acr":{}"#, long(2000), long(256))).is_ok());
    assert!(with(r#""shred":true"#).unwrap().1.shred);
}

#[test]
fn a_name_is_there_and_can_be_read() {
    for name in [&"é".repeat(120), "x", " padded ", "0"] {
        assert_eq!(&*definition(&json!({"name": name, "tag": "t"}).to_string()).name, name);
    }
    for text in [
        "{}",
        r#"{"name":null}"#,
        r#"{"name":7}"#,
        r#"{"name":""}"#,
        r#"{"name":"  \u00a0"}"#,
        r#"{"name":"a\tb"}"#,
        r#"{"name":"a\u0085b"}"#,
        r#"{"name":"\ud800"}"#,
        &format!(r#"{{"name":"{}"}}"#, "é".repeat(121)),
    ] {
        let error = read(text).unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &"name".into()), "{text}");
    }
    // A name of which no tag can be made needs a tag.
    assert_eq!(read(r#"{"name":"日本"}"#).unwrap_err().details()["member"], "tag");
}

#[test]
fn what_is_no_definition_at_all() {
    for (text, code) in [
        ("[]", Code::ConfigInvalid),
        ("null", Code::ConfigInvalid),
        ("7", Code::ConfigInvalid),
        ("\"name\"", Code::ConfigInvalid),
        ("", Code::InvalidJson),
        ("{\"name\":\"n\"", Code::InvalidJson),
        ("[", Code::InvalidJson),
        ("{\"name\":\"n\",\"n\\u0061me\":\"n\"}", Code::InvalidJson),
        ("{\"name\":\"n\",\"schema\":{\"a\":\"string\",\"a\":\"string\"}}", Code::InvalidJson),
        (&format!(r#"{{"name":"n","schema":{{"a":"{}"}}}}"#, "x".repeat(65 << 10)), Code::LimitExceeded),
        (&format!(r#"{{"name":"n","schema":{}1{}}}"#, "{\"a\":".repeat(65), "}".repeat(65)), Code::LimitExceeded),
        (r#"{"name":"n","schema":{"type":"object","propertys":{}}}"#, Code::ConfigInvalid),
    ] {
        let short = text.get(..60).unwrap_or(text);
        assert_eq!(read(text).unwrap_err().code(), code, "{short}");
        assert_eq!(
            definition(SEED).merged("user_session", text, &Limits::default()).unwrap_err().code(),
            code,
            "{short}"
        );
    }
}

#[test]
fn an_unknown_member_is_named_and_the_nearest_told() {
    for (member, nearest) in [
        ("nmae", Some("name")),
        ("expires", Some("expiry")),
        ("token_expiry", Some("tokenExpiry")),
        ("maxAuthage", Some("maxAuthAge")),
        ("jsonSchema", None),
        ("colour", None),
    ] {
        let error = read(&format!(r#"{{"name":"n","{member}":1}}"#)).unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &member.into()), "{error}");
        assert_eq!(error.details().get("nearest").and_then(Value::as_str), nearest, "{error}");
        assert!(NAMES.iter().all(|name| error.message().contains(name)), "{error}");
    }
}

#[test]
fn the_first_member_at_fault_is_told_whatever_the_order() {
    let error = read(r#"{"maxAuthAge":0,"onLimit":"x","idle":1,"name":"n","expiry":0,"period":"days"}"#).unwrap_err();
    assert_eq!(error.details()["member"], "expiry");
    // The schema comes before its selector, also where the selector can't be read.
    let error = with(r#""selector":"","schema":{"type":"object","propertys":{}}"#).unwrap_err();
    assert_eq!(error.details()["member"], "schema");
}

#[test]
fn changes_are_merged() {
    let before = concat!(
        r#"{"name":"n","tag":"t","description":"d","expiry":7,"period":"months","idle":{"value":1,"period":"days"},"#,
        r#""schema":{"id":"string","n":"number"},"form":"sample","selector":"id","tokenExpiry":5,"tokenPeriod":"mins","#,
        r#""maxSessionsPerUser":3,"onLimit":"reject","refreshGrace":0,"maxLifetime":{"value":1,"period":"years"},"#,
        r#""retention":null,"acr":"gold","maxAuthAge":300}"#
    );
    let before = definition(before);
    let unchanged = members(&before);
    for (changes, changed) in [
        ("{}", json!({})),
        (r#"{"name":"N"}"#, json!({"name": "N"})),
        (r#"{"description":null,"idle":null}"#, json!({"description": null, "idle": null})),
        // A number keeps the period in force, a period the number; null ends both.
        (r#"{"expiry":3}"#, json!({"expiry": 3})),
        (r#"{"period":"days"}"#, json!({"period": "days"})),
        (r#"{"expiry":null}"#, json!({"expiry": null, "period": null})),
        (r#"{"expiry":null,"period":null}"#, json!({"expiry": null, "period": null})),
        (r#"{"tokenExpiry":1}"#, json!({"tokenExpiry": 1})),
        (r#"{"tokenExpiry":null}"#, json!({"tokenExpiry": 24, "tokenPeriod": "hours"})),
        (r#"{"refreshExpiry":1}"#, json!({"refreshExpiry": 1})),
        (
            r#"{"maxSessionsPerUser":null,"onLimit":null}"#,
            json!({"maxSessionsPerUser": null, "onLimit": "evict_oldest"}),
        ),
        (r#"{"refreshGrace":null,"maxLifetime":null}"#, json!({"refreshGrace": 10, "maxLifetime": null})),
        (r#"{"retention":{"value":90,"period":"days"}}"#, json!({"retention": {"value": 90, "period": "days"}})),
        (r#"{"retention":null}"#, json!({})),
        (r#"{"acr":null,"maxAuthAge":null,"shred":null}"#, json!({"acr": null, "maxAuthAge": null})),
        // What can't change may be said.
        (r#"{"tag":"t","selector":"$Session{id}","shred":false}"#, json!({})),
        // A new schema brings its form; a form alone reads the schema again.
        (r#"{"schema":{"id":"string"}}"#, json!({"schema": {"id": "string"}, "form": null})),
        (r#"{"form":null}"#, json!({"form": null})),
        (r#"{"form":"shorthand"}"#, json!({"form": null})),
        (r#"{"schema":{"id":"string"},"form":"sample"}"#, json!({"schema": {"id": "string"}, "form": "sample"})),
    ] {
        let after = before.merged("t", changes, &Limits::default()).unwrap();
        let mut expected = unchanged.clone();
        expected.extend(changed.as_object().unwrap().clone());
        assert_eq!(Value::Object(members(&after)), Value::Object(expected), "{changes}");
    }
}

#[test]
fn a_change_that_is_not_good_changes_nothing() {
    let seed = definition(SEED);
    let plain = definition(r#"{"name":"n"}"#);
    for (before, changes, member) in [
        (&seed, r#"{"tag":"other"}"#, "tag"),
        (&seed, r#"{"tag":null}"#, "tag"),
        (&seed, r#"{"selector":"email"}"#, "selector"),
        (&seed, r#"{"selector":null}"#, "selector"),
        (&seed, r#"{"selector":""}"#, "selector"),
        (&seed, r#"{"schema":null}"#, "selector"),
        (&seed, r#"{"schema":{"email":"string"}}"#, "selector"),
        (&seed, r#"{"schema":{"userId":"object"}}"#, "selector"),
        (&plain, r#"{"selector":"userId","schema":{"userId":"string"}}"#, "selector"),
        (&seed, r#"{"shred":true}"#, "shred"),
        (&seed, r#"{"name":null}"#, "name"),
        (&seed, r#"{"period":null}"#, "period"),
        (&seed, r#"{"expiry":0}"#, "expiry"),
        (&seed, r#"{"period":"fortnight"}"#, "period"),
        (&seed, r#"{"form":"json-schema"}"#, "schema"),
        (&plain, r#"{"form":"sample"}"#, "schema"),
        (&plain, r#"{"expiry":7}"#, "period"),
        (&plain, r#"{"tokenPeriod":null}"#, "tokenPeriod"),
        (&plain, r#"{"version":2}"#, "version"),
    ] {
        let tag = if std::ptr::eq(before, &raw const seed) { "user_session" } else { "n" };
        let error = before.merged(tag, changes, &Limits::default()).unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &member.into()), "{error}");
    }
    let error = seed.merged("user_session", r#"{"selector":"email"}"#, &Limits::default()).unwrap_err();
    assert!(error.message().contains("$Session{userId}"), "{error}");
}

#[test]
fn a_schema_that_stays_was_within_the_limits_of_its_day() {
    let seed = definition(SEED);
    let limits = Limits { schema: 20, ..Limits::default() };
    assert_eq!(&*seed.merged("user_session", r#"{"name":"N"}"#, &limits).unwrap().name, "N");
    let error = seed.merged("user_session", r#"{"schema":{"userId":"string","a":"any"}}"#, &limits).unwrap_err();
    assert_eq!(error.code(), Code::LimitExceeded);
}
