//! A configuration in a store: its ends, what people see of it, and what is kept of it.

use serde_json::{Value, json};

use super::stored::State;
use super::*;
use crate::error::Code;

/// Seed 002, steps 3 to 6; made on 31 July 2026 at noon.
fn seed() -> Config {
    let text = r#"{"name":"User session","expiry":7,"period":"Months","schema":{"userId":"string","email":"string","role":"string"},"selector":"userId"}"#;
    config(text)
}

fn config(text: &str) -> Config {
    let (tag, definition) = Definition::read(text, &Limits::default()).unwrap();
    let made = Some(Time::parse("2026-07-31T12:00:00Z").unwrap());
    Config { tag: tag.into(), id: [7; 16], version: 3, created: made, updated: made, definition }
}

fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

#[test]
fn the_seed_ends_after_seven_months() {
    let end = seed().end_of(time("2026-07-31T12:00:00Z")).unwrap();
    assert_eq!(end, Some(time("2027-02-28T12:00:00Z")));
    assert_eq!(seed().idle_millis(time("2026-07-31T12:00:00Z")).unwrap(), None);
}

#[test]
fn a_session_ends_by_the_earlier_of_two_ends() {
    let began = time("2027-01-31T00:00:00Z");
    for (members, ends) in [
        ("", None),
        (r#","expiry":1,"period":"month""#, Some("2027-02-28T00:00:00Z")),
        (r#","maxLifetime":{"value":1,"period":"day"}"#, Some("2027-02-01T00:00:00Z")),
        (r#","expiry":1,"period":"month","maxLifetime":{"value":1,"period":"day"}"#, Some("2027-02-01T00:00:00Z")),
        (r#","expiry":1,"period":"sec","maxLifetime":{"value":1,"period":"day"}"#, Some("2027-01-31T00:00:01Z")),
    ] {
        let config = config(&format!(r#"{{"name":"n"{members}}}"#));
        assert_eq!(config.end_of(began).unwrap(), ends.map(time), "{members}");
    }
}

#[test]
fn an_idle_month_is_as_long_as_the_one_that_follows() {
    let idle = |period: &str, began: &str| {
        let config = config(&format!(r#"{{"name":"n","idle":{{"value":1,"period":"{period}"}}}}"#));
        config.idle_millis(time(began)).unwrap().unwrap() / 3_600_000
    };
    assert_eq!(idle("hour", "2027-02-01T00:00:00Z"), 1);
    assert_eq!(idle("month", "2027-02-01T00:00:00Z"), 28 * 24);
    assert_eq!(idle("month", "2028-02-01T00:00:00Z"), 29 * 24);
    assert_eq!(idle("month", "2027-07-01T00:00:00Z"), 31 * 24);
}

#[test]
fn an_end_that_is_too_far_names_its_member() {
    let began = time("9999-06-01T00:00:00Z");
    for (members, member) in [
        (r#""expiry":1,"period":"year""#, "expiry"),
        (r#""maxLifetime":{"value":1,"period":"year"}"#, "maxLifetime"),
        (r#""idle":{"value":1,"period":"year"}"#, "idle"),
    ] {
        let config = config(&format!(r#"{{"name":"n",{members}}}"#));
        let error = config.end_of(began).and(config.idle_millis(began)).unwrap_err();
        assert_eq!((error.code(), &error.details()["member"]), (Code::ConfigInvalid, &member.into()), "{error}");
        assert!(error.message().starts_with(&format!("{member}: what begins at")), "{error}");
    }
}

#[test]
fn the_seed_as_people_see_it() {
    assert_eq!(
        seed().info(),
        concat!(
            r#"{"tag":"user_session","name":"User session","description":null,"expiry":7,"period":"months","idle":null,"#,
            r#""schema":{"userId":"string","email":"string","role":"string"},"form":"shorthand","#,
            r#""jsonSchema":{"type":"object","properties":{"userId":{"type":"string"},"email":{"type":"string"},"#,
            r#""role":{"type":"string"}},"required":["userId"],"additionalProperties":false},"schemaClass":"separable","#,
            r#""selector":"$Session{userId}","selectorType":"string","#,
            r#""tokenExpiry":24,"tokenPeriod":"hours","refreshExpiry":30,"refreshPeriod":"days","#,
            r#""maxSessionsPerUser":null,"onLimit":"evict_oldest","shred":false,"refreshGrace":10,"maxLifetime":null,"#,
            r#""retention":{"value":90,"period":"days"},"acr":null,"maxAuthAge":null,"#,
            r#""version":3,"createdAt":"2026-07-31T12:00:00.000Z","updatedAt":"2026-07-31T12:00:00.000Z"}"#
        )
    );
}

#[test]
fn the_built_in_config_is_always_the_same_one() {
    let config = global();
    assert!(Arc::ptr_eq(&config, &global()));
    assert_eq!((&*config.tag, config.id), (GLOBAL, [0; 16]));
    assert_eq!(config.end_of(time("2026-01-01T00:00:00Z")).unwrap(), Some(time("2026-01-31T00:00:00Z")));
    let info: Value = serde_json::from_str(&config.info()).unwrap();
    assert_eq!(
        info,
        json!({"tag": "global", "name": "Global", "description": null, "expiry": 30, "period": "days", "idle": null,
            "schema": null, "form": null, "jsonSchema": null, "schemaClass": null, "selector": null, "selectorType": null,
            "tokenExpiry": 24, "tokenPeriod": "hours", "refreshExpiry": 30, "refreshPeriod": "days",
            "maxSessionsPerUser": null, "onLimit": "evict_oldest", "shred": false, "refreshGrace": 10,
            "maxLifetime": null, "retention": {"value": 90, "period": "days"}, "acr": null, "maxAuthAge": null,
            "version": 1, "createdAt": null, "updatedAt": null})
    );
}

#[test]
fn what_is_stored_reads_back() {
    for config in [seed(), config(r#"{"name":"n","tag":"other.tag","retention":null,"acr":"gold"}"#)] {
        for state in [State::Active, State::Deleting] {
            let text = config.to_stored(state);
            let (again, again_state) = Config::from_stored(&text).unwrap();
            assert_eq!((again.to_stored(again_state), again.info(), again.id), (text, config.info(), config.id));
        }
    }
    let text = seed().to_stored(State::Deleting);
    assert!(text.starts_with(&format!(r#"{{"id":"{}","version":3,"state":"deleting","createdAt":"#, "07".repeat(16))));
    // Larger than a new schema may be.
    let large = format!(r#""schema":{{{}}}"#, (0..9_000).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
    let text =
        config(r#"{"name":"n"}"#).to_stored(State::Active).replace("\"tag\":\"n\"", &format!("\"tag\":\"n\",{large}"));
    assert!(large.len() > 64 << 10 && Config::from_stored(&text).is_ok());
}

#[test]
fn what_does_not_read_back_is_corrupt() {
    let text = seed().to_stored(State::Active);
    for (from, to) in [
        ("}}", "}"),
        ("\"active\"", "\"gone\""),
        ("\"version\":3", "\"version\":-3"),
        ("\"version\":3", "\"version\":3,\"version\":3"),
        ("\"version\":3", "\"version\":3,\"owner\":\"x\""),
        ("\"0707", "\"07"),
        ("\"0707", "\"+707"),
        ("\"0707", "\"xx07"),
        ("\"months\"", "\"moons\""),
        ("\"userId\":\"string\"", "\"userId\":\"object\""),
        ("\"name\"", "\"nome\""),
    ] {
        let damaged = text.replacen(from, to, 1);
        assert_ne!(damaged, text, "{from}");
        assert_eq!(Config::from_stored(&damaged).unwrap_err().code(), Code::Corrupt, "{damaged}");
    }
}
