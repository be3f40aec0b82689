//! The selector: its spellings, what it may be, and whom it picks.

use super::*;
use crate::error::Code;
use crate::limits::Limits;

const SCHEMA: &str = r##"{"type":"object","properties":{
    "userId":{"type":"string"},"age":{"type":"integer"},"score":{"type":"number"},"ok":{"type":"boolean"},
    "details":{"$ref":"#/$defs/Details"},"tags":{"type":"array","items":{"type":"string"},"prefixItems":[{"type":"string"}]},
    "any":{},"two":{"type":["string","null"]},"maybe":{"anyOf":[{"type":"string"}]},"a.b":{"type":"string"},
    "{x}":{"type":"string"},"both":{"allOf":[{"minLength":1},{"type":"string"}]},"parent":{"$ref":"#"}},
    "$defs":{"Details":{"type":"object","properties":{"username":{"type":"string"},"deep":{"properties":{"n":{"type":"integer"}}}}}}}"##;

fn schema(text: &str) -> Schema {
    Schema::compile(text, None, &[], &Limits::default()).unwrap()
}

fn path(text: &str) -> Result<Path> {
    Path::read(Member { name: "selector", raw: &serde_json::Value::from(text).to_string() })
}

fn selector(text: &str) -> Result<Selector> {
    Selector::of(path(text)?, &schema(SCHEMA))
}

#[test]
fn every_spelling_prints_as_the_long_one() {
    for (text, long, kind) in [
        ("userId", "$Session{userId}", "string"),
        (" userId ", "$Session{userId}", "string"),
        ("$Session{userId}", "$Session{userId}", "string"),
        ("details.username", "$Session{details}{username}", "string"),
        ("$Session{details}{username}", "$Session{details}{username}", "string"),
        ("details.deep.n", "$Session{details}{deep}{n}", "integer"),
        ("$Session{a.b}", "$Session{a.b}", "string"),
        ("age", "$Session{age}", "integer"),
        ("score", "$Session{score}", "number"),
        ("ok", "$Session{ok}", "boolean"),
        ("both", "$Session{both}", "string"),
        ("parent.userId", "$Session{parent}{userId}", "string"),
    ] {
        let selector = selector(text).unwrap();
        assert_eq!((selector.to_string().as_str(), selector.kind().as_str()), (long, kind), "{text}");
        assert_eq!(path(&selector.path().short()).unwrap(), *selector.path());
    }
}

#[test]
fn what_is_no_selector_says_what_is() {
    for (text, part, hint) in [
        ("details", "type object", None),
        ("tags", "elements can't be selected", None),
        ("tags.0", "leads into an array", None),
        ("tags.items", "leads into an array", None),
        ("any", "type any", None),
        ("two", "several types", None),
        ("maybe", "type any", None),
        ("userid", "no field of the schema", Some("userId")),
        ("details.usrname", "details has no such member", Some("details.username")),
        ("userId.x", "userId has no such member", Some("userId")),
        ("nothing", "it accepts userId, age, score, ok, details.username", None),
        ("", "it accepts a field", None),
        (" ", "it accepts a field", None),
        ("a..b", "it accepts a field", None),
        ("$Session", "it accepts a field", None),
        ("$Session{}", "it accepts a field", None),
        ("$Session{a", "it accepts a field", None),
        ("$Session{a}b}", "it accepts a field", None),
        ("$Session{a}.{b}", "it accepts a field", None),
        ("session{a}", "it accepts a field", None),
        ("{x}", "it accepts a field", None),
    ] {
        let error = selector(text).unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &"selector".into()), "{text}");
        assert!(error.message().contains(part), "{text}: {error}");
        assert_eq!(error.details().get("nearest").and_then(|word| word.as_str()), hint, "{text}: {error}");
    }
    for raw in ["null", "7", "[\"userId\"]", "\"\\ud800\""] {
        assert_eq!(Path::read(Member { name: "selector", raw }).unwrap_err().code(), Code::ConfigInvalid, "{raw}");
    }
    let error = Selector::of(path("a").unwrap(), &schema(r#"{"a":"array"}"#)).unwrap_err();
    assert!(error.message().contains("no field that could be"), "{error}");
}

#[test]
fn the_options_come_in_the_order_of_the_schema() {
    let paths =
        |text: &str| options(&schema(text)).unwrap().iter().map(|option| option.path().short()).collect::<Vec<_>>();
    assert_eq!(
        paths(SCHEMA),
        ["userId", "age", "score", "ok", "details.username", "details.deep.n", "$Session{a.b}", "both"]
    );
    assert_eq!(paths(r#"{"userId":"string","email":"string","role":"string"}"#), ["userId", "email", "role"]);
    assert_eq!(paths(r#"{"z":"u1","m":{"b":1,"a":true},"l":[1],"n":null,"o":{}}"#), ["z", "m.b", "m.a"]);
    assert!(paths("{}").is_empty());
    let wide: Vec<_> = (0..1_200).map(|n| format!("\"f{n}\":\"string\"")).collect();
    assert_eq!(paths(&format!("{{{}}}", wide.join(","))).len(), 1_000);
}

#[test]
fn an_identifier_is_typed_and_names_somebody() {
    use Identifier::{Boolean, Integer, Number, String};
    for (text, data, picked) in [
        ("userId", r#"{"userId":"u1"}"#, Some(String("u1".into()))),
        ("userId", r#"{"userId":"\u00751"}"#, Some(String("u1".into()))),
        ("userId", r#"{"userId":"1"}"#, Some(String("1".into()))),
        ("userId", r#"{"userId":""}"#, None),
        ("userId", r#"{"userId":null}"#, None),
        ("userId", r#"{"userId":1}"#, None),
        ("userId", r#"{"userId":["u1"]}"#, None),
        ("userId", r#"{"userId":"\ud800"}"#, None),
        ("userId", "{}", None),
        ("details.username", r#"{"details":{"username":"u1"}}"#, Some(String("u1".into()))),
        ("details.username", r#"{"details":null}"#, None),
        ("details.username", r#"{"details.username":"u1"}"#, None),
        ("$Session{a.b}", r#"{"a.b":"u1"}"#, Some(String("u1".into()))),
        ("age", r#"{"age":1}"#, Some(Integer(1))),
        ("age", r#"{"age":1.0}"#, Some(Integer(1))),
        ("age", r#"{"age":1e3}"#, Some(Integer(1000))),
        ("age", r#"{"age":-9007199254740991}"#, Some(Integer(-9_007_199_254_740_991))),
        ("age", r#"{"age":9007199254740992}"#, None),
        ("age", r#"{"age":9223372036854775807}"#, None),
        ("age", r#"{"age":1.5}"#, None),
        ("age", r#"{"age":"1"}"#, None),
        ("score", r#"{"score":1}"#, Some(Number(1.0))),
        ("score", r#"{"score":-0.5}"#, Some(Number(-0.5))),
        ("score", r#"{"score":9007199254740991}"#, Some(Number(EXACT))),
        ("score", r#"{"score":9007199254740993}"#, None),
        ("score", r#"{"score":1e400}"#, None),
        ("ok", r#"{"ok":true}"#, Some(Boolean(true))),
        ("ok", r#"{"ok":"true"}"#, None),
    ] {
        let selector = selector(text).unwrap();
        match (selector.pick(data), picked) {
            (Ok(found), Some(picked)) => assert!(found == picked, "{data}: {found:?}"),
            (Err(error), None) => {
                assert_eq!(
                    (error.code(), &error.details()["violations"][0]["keyword"]),
                    (Code::SchemaViolation, &"selector".into())
                );
            }
            (found, _) => panic!("{data}: {found:?}"),
        }
    }
    let error = selector("details.username").unwrap().pick("{}").unwrap_err();
    assert_eq!(error.details()["violations"][0]["pointer"], "/details/username");
}
