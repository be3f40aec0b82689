//! Schemas as whole: what compiles, what is refused and where, and what a check says.

use super::*;
use crate::error::{Code, Error};

fn compile(text: &str) -> Result<Schema> {
    Schema::compile(text, None, &[], &Limits::default())
}

fn violations(error: &Error) -> Vec<(String, String)> {
    assert_eq!(error.code(), Code::SchemaViolation, "{error}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let listed = error.details()["violations"].as_array().unwrap();
    listed.iter().map(|violation| (text(&violation["pointer"]), text(&violation["keyword"]))).collect()
}

fn fields(object: &str) -> Vec<(FieldName, Json)> {
    crate::json::fields_from_object(object, &Limits::default()).unwrap()
}

#[test]
fn the_three_forms_of_one_schema() {
    let selector = ["userId".to_owned()];
    let compiled = r#"{"type":"object","properties":{"userId":{"type":"string"},"age":{"type":"number"}},"required":["userId"],"additionalProperties":false}"#;
    for (text, said, form) in [
        (r#"{"userId":"string","age":"number"}"#, None, Form::Shorthand),
        (r#"{"userId":"u1","age":41}"#, None, Form::Sample),
        (r#"{"userId":"string","age":41}"#, Some(Form::Sample), Form::Sample),
        (compiled, None, Form::JsonSchema),
        (compiled, Some(Form::JsonSchema), Form::JsonSchema),
    ] {
        let schema = Schema::compile(text, said, &selector, &Limits::default()).unwrap();
        assert_eq!((schema.json_schema(), schema.form(), schema.class()), (compiled, form, Class::Separable), "{text}");
        assert!(schema.check(r#"{"userId":"u1"}"#).is_ok());
        assert_eq!(violations(&schema.check(r#"{"age":1}"#).unwrap_err()), [("/userId".into(), "required".into())]);
    }
    // The form that is said decides against what the text looks like.
    let schema =
        Schema::compile(r#"{"type":"object","properties":"any"}"#, Some(Form::Shorthand), &[], &Limits::default());
    assert!(schema.unwrap().check(r#"{"type":{},"properties":[1]}"#).is_ok());
    assert!(Schema::compile(r#"{"userId":"string"}"#, Some(Form::JsonSchema), &[], &Limits::default()).is_err());
}

#[test]
fn what_is_refused_says_where_and_what_was_meant() {
    for (text, pointer, hint) in [
        (r#"{"type":"object","propertes":{}}"#, "", Some("properties")),
        (r#"{"type":"object","name":"string"}"#, "", None),
        (r#"{"properties":{"a":{"typ":"string"}}}"#, "/properties/a", Some("type")),
        (r#"{"properties":{"a":{"type":"strng"}}}"#, "/properties/a/type", Some("string")),
        (r#"{"properties":{"a":{"type":["null","int"]}}}"#, "/properties/a/type", None),
        (r#"{"properties":{"a/b":{"anyOf":[true,{"minumum":1}]}}}"#, "/properties/a~1b/anyOf/1", Some("minimum")),
        (r#"{"properties":{"a":{"format":"emial"}}}"#, "/properties/a/format", Some("email")),
        (r#"{"properties":{"a":{"format":"idn-hostname"}}}"#, "/properties/a/format", None),
        (r#"{"properties":{"a":{"minLength":-1}}}"#, "/properties/a/minLength", None),
        (r#"{"properties":{"a":{"pattern":"^(?!x)"}}}"#, "/properties/a/pattern", None),
        (r#"{"properties":{"a":{"pattern":"(.)\\1"}}}"#, "/properties/a/pattern", None),
        (r#"{"properties":{"a":{"pattern":"("}}}"#, "/properties/a/pattern", None),
        (r#"{"properties":{"a":{"pattern":"(x{900}){900}"}}}"#, "/properties/a/pattern", None),
        (r#"{"properties":{},"patternProperties":{"(?=x)":false}}"#, "/patternProperties/(?=x)", None),
        (r#"{"properties":{"a":{"$ref":"https://example.com/x"}}}"#, "/properties/a", None),
        (r#"{"properties":{"a":{"$ref":"file:///etc/passwd"}}}"#, "/properties/a", None),
        (r#"{"properties":{"a":{"$ref":"other.json#/a"}}}"#, "/properties/a", None),
        (r#"{"properties":{"a":{"$ref":"https://json-schema.org/draft/2020-12/schema"}}}"#, "/properties/a", None),
        (r##"{"properties":{"a":{"$ref":"#/$defs/b"}},"$defs":{}}"##, "/properties/a", None),
        (r##"{"properties":{"a":{"$ref":"#/$defs"}},"$defs":{}}"##, "/properties/a", None),
        (r##"{"properties":{"a":true},"$defs":{"b":{"$ref":"#/nowhere"}}}"##, "/$defs/b", None),
        (r#"{"$schema":"https://json-schema.org/draft/2019-09/schema"}"#, "", None),
        (r#"{"$schema":7}"#, "", None),
        (r#"{"type":"object","$defs":{"a":{"$schema":"http://json-schema.org/draft-07/schema#"}}}"#, "/$defs/a", None),
        (r#"{"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[]}"#, "", None),
        (
            r#"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"format":"uuid"}}}"#,
            "/properties/a/format",
            None,
        ),
        (r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"string"}"#, "/type", None),
        (r#"{"properties":{},"type":["string","null"]}"#, "/type", None),
        (r#"{"properties":{},"required":["a","a"]}"#, "/required", None),
    ] {
        let error = compile(text).unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{text}: {error}");
        assert_eq!(
            (&error.details()["member"], &error.details()["pointer"]),
            (&"schema".into(), &pointer.into()),
            "{text}: {error}"
        );
        assert_eq!(error.details().get("nearest").and_then(Value::as_str), hint, "{text}: {error}");
    }
    for (text, part) in [
        (r#"{"type":"object","name":"string"}"#, "form \"shorthand\""),
        (r#"{"properties":{"a":{"pattern":"^(?!x)"}}}"#, "look-around"),
        (r#"{"properties":{"a":{"pattern":"(.)\\1"}}}"#, "back-references"),
        (r#"{"properties":{"a":{"$ref":"file:///etc/passwd"}}}"#, "file:///etc/passwd"),
    ] {
        assert!(compile(text).unwrap_err().message().contains(part), "{text}");
    }
}

#[test]
fn what_is_no_schema_at_all() {
    let many_patterns: Vec<_> = (0..129).map(|n| format!(r#""a{n}":{{"pattern":"^{n}"}}"#)).collect();
    for (text, code) in [
        ("[]".to_owned(), Code::ConfigInvalid),
        ("\"string\"".to_owned(), Code::ConfigInvalid),
        ("true".to_owned(), Code::ConfigInvalid),
        ("{".to_owned(), Code::InvalidJson),
        (r#"{"properties":{"a":{"type":"string","type":"number"}}}"#.to_owned(), Code::InvalidJson),
        (r#"{"properties":{"a":{"anyOf":[{"const":{"x":1,"x":1}}]}}}"#.to_owned(), Code::InvalidJson),
        (r#"{"properties":{"a":{"maximum":1e400}}}"#.to_owned(), Code::ConfigInvalid),
        (format!(r#"{{"a":"{}"}}"#, "x".repeat(65 << 10)), Code::LimitExceeded),
        ("{\"a\":".repeat(65) + "1" + &"}".repeat(65), Code::LimitExceeded),
        // Written out, each level of shorthand takes two.
        ("{\"a\":".repeat(40) + "1" + &"}".repeat(40), Code::LimitExceeded),
        (format!(r#"{{"properties":{{{}}}}}"#, many_patterns.join(",")), Code::LimitExceeded),
    ] {
        let short = &text[..text.len().min(60)];
        assert_eq!(compile(&text).unwrap_err().code(), code, "{short}");
    }
    let most = format!(r#"{{"a":"{}"}}"#, "x".repeat((64 << 10) - 8));
    assert!(compile(&most).is_ok());
}

#[test]
fn references_that_explode_are_refused_and_recursion_is_not() {
    let chain = |levels: usize, each: &str| {
        let level =
            |n: usize| format!(r#""a{n}":{}"#, each.replace("NEXT", &format!(r##"{{"$ref":"#/$defs/a{}"}}"##, n + 1)));
        let levels_text: Vec<_> = (0..levels).map(level).collect();
        format!(
            r##"{{"properties":{{"x":{{"$ref":"#/$defs/a0"}}}},"$defs":{{{},"a{levels}":{{"type":"string"}}}}}}"##,
            levels_text.join(",")
        )
    };
    let recursive = |node: &str| format!(r##"{{"properties":{{"x":{{"$ref":"#/$defs/n"}}}},"$defs":{{"n":{node}}}}}"##);
    for (text, refused) in [
        (chain(7, r#"{"allOf":[NEXT]}"#), None),
        (chain(8, r#"{"allOf":[NEXT]}"#), Some("16 schemas deep")),
        (chain(1_500, "NEXT"), Some("16 schemas deep")),
        (chain(1_000, r#"{"properties":{"a":NEXT}}"#), None),
        (chain(7, r#"{"allOf":[NEXT,NEXT]}"#), None),
        (chain(7, r#"{"allOf":[NEXT,NEXT,NEXT,NEXT]}"#), Some("written out")),
        (chain(400, r#"{"items":NEXT,"contains":NEXT}"#), Some("too many to count")),
        (chain(3, r#"{"allOf":[NEXT],"unevaluatedProperties":false}"#), None),
        (chain(5, r#"{"allOf":[NEXT],"unevaluatedItems":false}"#), Some("4 unevaluated")),
        (chain(20, r#"{"properties":{"a":NEXT,"b":NEXT}}"#), Some("written out")),
        (recursive(r##"{"properties":{"left":{"$ref":"#/$defs/n"},"right":{"$ref":"#/$defs/n"}}}"##), None),
        (recursive(r##"{"properties":{"a":{"$ref":"#/$defs/n"}},"additionalProperties":{"$ref":"#/$defs/n"}}"##), None),
        (
            recursive(
                r##"{"anyOf":[{"type":"string"},{"items":{"$ref":"#/$defs/n"}},{"additionalProperties":{"$ref":"#/$defs/n"}}]}"##,
            ),
            None,
        ),
        (
            recursive(r##"{"prefixItems":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n"}],"items":{"$ref":"#/$defs/n"}}"##),
            None,
        ),
        (r##"{"properties":{"parent":{"$ref":"#"},"id":{"type":"string"}},"required":["id"]}"##.to_owned(), None),
        (recursive(r##"{"$ref":"#/$defs/n"}"##), Some("never end")),
        (recursive(r##"{"allOf":[{"not":{"anyOf":[{"$ref":"#/$defs/n"}]}}]}"##), Some("never end")),
        (recursive(r##"{"allOf":[{"items":{"$ref":"#/$defs/n"}},{"items":{"$ref":"#/$defs/n"}}]}"##), Some("two ways")),
        (recursive(r##"{"items":{"$ref":"#/$defs/n"},"contains":{"$ref":"#/$defs/n"}}"##), Some("two ways")),
        (
            recursive(r##"{"properties":{"a":{"$ref":"#/$defs/n"}},"patternProperties":{"^a":{"$ref":"#/$defs/n"}}}"##),
            Some("two ways"),
        ),
        (
            recursive(
                r##"{"anyOf":[{"properties":{"a":{"$ref":"#/$defs/n"}}},{"additionalProperties":{"$ref":"#/$defs/n"}}]}"##,
            ),
            Some("two ways"),
        ),
        (recursive(r##"{"items":{"allOf":[{"$ref":"#/$defs/n"},{"$ref":"#/$defs/n"}]}}"##), Some("two ways")),
    ] {
        let error = compile(&text).err().map(|error| error.message().to_owned());
        assert_eq!(error.is_some(), refused.is_some(), "{text}: {error:?}");
        assert!(
            refused.is_none_or(|part| error.as_ref().is_some_and(|error| error.contains(part))),
            "{text}: {error:?}"
        );
    }
}

#[test]
fn an_error_lists_pointers_and_keywords_and_no_value() {
    let schema = compile(
        r##"{"type":"object","required":["userId"],"additionalProperties":false,"propertyNames":{"maxLength":8},
             "properties":{"userId":{"type":"string","pattern":"^u"},"age":{"type":"integer","minimum":0},
             "mail":{"format":"email"},"deep":{"properties":{"a/b":{"enum":["hunter2"]}},"dependentRequired":{"x":["y"]}},
             "list":{"items":{"type":"null"},"uniqueItems":true},"never":false,"either":{"oneOf":[{"type":"string"},{"maximum":5}]}}}"##,
    )
    .unwrap();
    for (data, expected) in [
        (r#"{"userId":"u1","age":1.0,"mail":"a@b.c","list":[null],"either":7}"#, vec![("/either", "oneOf")]),
        (r#"{"userId":"hunter2"}"#, vec![("/userId", "pattern")]),
        (r#"{"age":-1}"#, vec![("/age", "minimum"), ("/userId", "required")]),
        (r#"{"userId":"u","age":"41","mail":"hunter2"}"#, vec![("/age", "type"), ("/mail", "format")]),
        (r#"{"userId":"u","age":1e400}"#, vec![]),
        (r#"{"userId":"u","mail":"\ud800"}"#, vec![("/mail", "format")]),
        (r#"{"userId":"u","deep":{"a/b":"x","x":1}}"#, vec![("/deep/a~1b", "enum"), ("/deep/y", "dependentRequired")]),
        (r#"{"userId":"u","list":[null,null,1]}"#, vec![("/list", "uniqueItems"), ("/list/2", "type")]),
        (r#"{"userId":"u","never":1,"a~b":1}"#, vec![("/a~0b", "additionalProperties"), ("/never", "false")]),
        (
            r#"{"userId":"u","hunter2hunter2":1}"#,
            vec![("/hunter2hunter2", "additionalProperties"), ("/hunter2hunter2", "propertyNames")],
        ),
        ("[]", vec![("", "type")]),
    ] {
        let found = schema.check(data).err().map(|error| violations(&error)).unwrap_or_default();
        let expected: Vec<_> = expected.into_iter().map(|(at, keyword)| (at.to_owned(), keyword.to_owned())).collect();
        assert_eq!(found, expected, "{data}");
    }
    let error = schema.check(r#"{"userId":"hunter2","age":"hunter2"}"#).unwrap_err();
    assert!(!error.to_string().contains("hunter2") && !error.details_json().contains("hunter2"), "{error:?}");
    let many: Vec<_> = (0..40).map(|n| format!("\"f{n:02}\":1")).collect();
    let error = schema.check(&format!("{{{},\"userId\":\"u\"}}", many.join(","))).unwrap_err();
    assert_eq!((violations(&error).len(), &error.details()["count"]), (32, &40.into()));
}

#[test]
fn a_separable_schema_checks_fields_for_themselves() {
    let schema = compile(
        r##"{"title":"t","type":"object","required":["id"],"properties":{"id":{"type":"string"},"parent":{"$ref":"#"},
             "deep":{"type":"object","required":["a"]}},"patternProperties":{"^n_":{"type":"number"}},"additionalProperties":false}"##,
    )
    .unwrap();
    assert_eq!(schema.class(), Class::Separable);
    for (put, expected) in [
        (r#"{"n_a":1}"#, None),
        (r#"{}"#, None),
        (r#"{"parent":{"id":"x"}}"#, None),
        (r#"{"n_a":"1"}"#, Some(("/n_a", "type"))),
        (r#"{"other":1}"#, Some(("/other", "additionalProperties"))),
        (r#"{"deep":{}}"#, Some(("/deep/a", "required"))),
        // Deeper down the root's own rule is one like any other.
        (r#"{"parent":{}}"#, Some(("/parent/id", "required"))),
        (r#"{"id":null}"#, Some(("/id", "type"))),
    ] {
        let put_fields = fields(put);
        let checked = schema.check_fields(put_fields.iter().map(|(name, value)| (name, value)));
        let expected = expected.map(|(at, keyword)| vec![(at.to_owned(), keyword.to_owned())]);
        assert_eq!(checked.err().map(|error| violations(&error)), expected, "{put}");
    }
    let [a, id] = [FieldName::stored("n_a"), FieldName::stored("id")];
    assert!(schema.check_delete([&a]).is_ok());
    assert_eq!(violations(&schema.check_delete([&a, &id]).unwrap_err()), [("/id".into(), "required".into())]);
}

#[test]
fn what_is_said_about_fields_together_makes_a_schema_whole() {
    for (keyword, class) in [
        (r#""title":"x""#, Class::Separable),
        (r#""$defs":{"a":{"minProperties":1}}"#, Class::Separable),
        (r#""propertyNames":{"pattern":"^[a-z]+$"}"#, Class::Separable),
        (r#""minProperties":1"#, Class::Whole),
        (r#""maxProperties":9"#, Class::Whole),
        (r#""dependentRequired":{}"#, Class::Whole),
        (r#""if":true"#, Class::Whole),
        (r#""allOf":[]"#, Class::Whole),
        (r#""unevaluatedProperties":false"#, Class::Whole),
        (r##""$ref":"#/$defs/a","$defs":{"a":true}"##, Class::Whole),
        (r#""const":{}"#, Class::Whole),
    ] {
        let text = format!(r#"{{"properties":{{}},{keyword}}}"#).replace("[]", "[true]");
        assert_eq!(compile(&text).unwrap().class(), class, "{keyword}");
    }
}

#[test]
fn each_dialect_has_its_own_meaning() {
    let draft07 =
        |rest: &str| compile(&format!(r#"{{"$schema":"http://json-schema.org/draft-07/schema#",{rest}}}"#)).unwrap();
    // Beside a $ref draft-07 ignores everything; its definitions are found all the same.
    let schema = draft07(r##""$ref":"#/definitions/a","minProperties":9,"definitions":{"a":{"required":["id"]}}"##);
    assert!(schema.check(r#"{"id":1}"#).is_ok());
    assert!(schema.check("{}").is_err());
    let schema = draft07(r#""properties":{"t":{"items":[{"type":"string"}],"additionalItems":false}}"#);
    assert!(schema.check(r#"{"t":["a"]}"#).is_ok());
    assert_eq!(violations(&schema.check(r#"{"t":["a",1]}"#).unwrap_err()), [("/t".into(), "additionalItems".into())]);
    let schema = compile(
        r##"{"$id":"https://example.com/s","properties":{"a":{"$ref":"#x"}},"$defs":{"x":{"$anchor":"x","type":"null"}}}"##,
    );
    assert!(schema.unwrap().check(r#"{"a":1}"#).is_err());
}

/// The deepest that checks may go, when all is well and when every level has a violation to gather.
#[test]
fn the_deepest_check_fits_a_small_stack() {
    for (alternatives, levels) in [(0, 64), (3, 25), (13, 8)] {
        let mut inner = r##"{"type":["array","integer"],"items":{"$ref":"#/$defs/n"}}"##.to_owned();
        for _ in 0..alternatives {
            inner = format!(r#"{{"oneOf":[{inner},false]}}"#);
        }
        let schema =
            compile(&format!(r##"{{"properties":{{"x":{{"$ref":"#/$defs/n"}}}},"$defs":{{"n":{inner}}}}}"##)).unwrap();
        assert_eq!(schema.levels, Some(levels));
        let check = move || {
            let nested = |leaf: &str, depth: usize| {
                format!("{{\"x\":{}{leaf}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1))
            };
            schema.check(&nested("1", levels)).unwrap();
            assert_eq!(violations(&schema.check(&nested("null", levels)).unwrap_err()).len(), 1);
            assert_eq!(schema.check(&nested("1", levels + 1)).unwrap_err().code(), Code::LimitExceeded);
        };
        std::thread::Builder::new().stack_size(512 << 10).spawn(check).unwrap().join().unwrap();
    }
    assert_eq!(compile(r#"{"a":{"b":{"c":"any"}}}"#).unwrap().levels, None);
}
