//! Any definition, printed and read again.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Definition;
use super::given::NAMES;
use crate::limits::Limits;

/// Any definition: each member there or not, in any order.
fn written() -> impl Strategy<Value = String> {
    let duration = (1u32..1000, "(secs|Mins|hour|DAYS|week|month|years)");
    let object = duration.clone().prop_map(|(value, period)| json!({"value": value, "period": period}));
    let pair = |value: &'static str, period: &'static str| {
        let both = move |(n, unit): (u32, String)| vec![(value, json!(n)), (period, json!(unit))];
        duration.clone().prop_map(both)
    };
    let one = |name: &'static str| move |value: Value| vec![(name, value)];
    let data = prop::sample::select(vec![
        r#"{"schema":{"id":"string","n":"number"},"selector":"id"}"#,
        r#"{"schema":{"id":"string","n":"number"},"form":"sample","selector":"n"}"#,
        r#"{"schema":{"id":{"x":"u1"}},"selector":"id.x"}"#,
        r#"{"schema":{"a.b":"integer"},"form":"shorthand","selector":"$Session{a.b}"}"#,
        r#"{"schema":{"type":"object","properties":{"ok":{"type":"boolean"}},"minProperties":1},"selector":"ok"}"#,
        r#"{"schema":{}}"#,
    ]);
    let data = data.prop_map(|text| {
        let members: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        let known = |name: &str| *NAMES.iter().find(|known| **known == name).unwrap();
        members.into_iter().map(|(name, value)| (known(&name), value)).collect::<Vec<_>>()
    });
    let whole = |range: std::ops::RangeInclusive<u32>| range.prop_map(|n| json!(n));
    let maybe_null = |value: BoxedStrategy<Value>| prop_oneof![3 => value, 1 => Just(Value::Null)];
    let choices: Vec<BoxedStrategy<Vec<(&'static str, Value)>>> = vec![
        "[a-zA-Z\"\\\\é ]{0,20}".prop_map(|text| vec![("description", json!(text))]).boxed(),
        pair("expiry", "period").boxed(),
        maybe_null(object.clone().boxed()).prop_map(one("idle")).boxed(),
        data.boxed(),
        pair("tokenExpiry", "tokenPeriod").boxed(),
        pair("refreshExpiry", "refreshPeriod").boxed(),
        maybe_null(whole(1..=10_000).boxed()).prop_map(one("maxSessionsPerUser")).boxed(),
        "(reject|evict_oldest)".prop_map(|word| vec![("onLimit", json!(word))]).boxed(),
        whole(0..=3_600).prop_map(one("refreshGrace")).boxed(),
        maybe_null(object.clone().boxed()).prop_map(one("maxLifetime")).boxed(),
        maybe_null(object.boxed()).prop_map(one("retention")).boxed(),
        prop::collection::vec("[a-z\"]{1,5}", 1..4).prop_map(|words| vec![("acr", json!(words))]).boxed(),
        whole(1..=u32::MAX).prop_map(one("maxAuthAge")).boxed(),
    ];
    let count = choices.len();
    let chosen = choices.into_iter().map(|choice| prop::option::of(choice).boxed()).collect::<Vec<_>>();
    ("[a-zA-Z][\"é a-z]{0,20}", chosen, Just((0..count).collect::<Vec<_>>()).prop_shuffle()).prop_map(
        |(name, chosen, order)| {
            let members = order.iter().filter_map(|at| chosen[*at].clone()).flatten();
            let members: Vec<_> = members.map(|(name, value)| format!("\"{name}\":{value}")).collect();
            format!("{{{}}}", [members, vec![format!("\"name\":{}", json!(name))]].concat().join(" , "))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_reads_back_to_the_same(text in written()) {
        let (tag, defined) = Definition::read(&text, &Limits::default()).unwrap();
        let printed = defined.to_json(&tag);
        let (again_tag, again) = Definition::read(&printed, &Limits::default()).unwrap();
        prop_assert_eq!(&again_tag, &tag);
        prop_assert_eq!(again.to_json(&again_tag), printed.clone());
        prop_assert_eq!(again.members(), defined.members());
        // Its own members change nothing in it, and make it of any other definition of that kind.
        let limits = Limits::default();
        prop_assert_eq!(defined.merged(&tag, &printed, &limits).unwrap().members(), defined.members());
        let bare = Definition { schema: again.schema, selector: again.selector, ..Definition::named("bare") };
        prop_assert_eq!(bare.merged(&tag, &printed, &limits).unwrap().members(), defined.members());
    }
}
