//! Golden records: `golden.json` fixes the bytes of format 1 for good. Anyone who implements `docs/format.md` can open
//! them; `tests/format/open_golden.py` does.
//!
//! The inputs stand in the file. `UPDATE=1 cargo test -p sessile --lib golden` fills in what they give: for new
//! cases only. If the bytes of a case change, format 1 was broken.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Entropy, Head, HeadState, Identifier, Keyring, Namespace, Owner, Ring, User, Vault, meta};
use crate::backend::SealedField;
use crate::clock::Time;

const FILE: &str = include_str!("golden.json");

/// Hexadecimal text.
pub(super) fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value.as_str().unwrap()).try_into().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// `null` is none.
fn time(value: &Value) -> Option<Time> {
    value.as_i64().map(Time::from_millis)
}

fn identifier(value: &Value) -> Identifier {
    match value {
        Value::String(text) => Identifier::String(text.clone()),
        Value::Bool(truth) => Identifier::Boolean(*truth),
        Value::Number(number) if number.is_i64() => Identifier::Integer(number.as_i64().unwrap()),
        other => Identifier::Number(other.as_f64().unwrap()),
    }
}

fn owner(case: &Value) -> Owner {
    Owner::plain(text(&case["realm"]), &identifier(&case["identifier"]))
}

fn head(case: &Value, owner: Owner) -> Head {
    let state = match text(&case["state"]) {
        "alive" => HeadState::Alive,
        "ended" => HeadState::Ended,
        "evicted" => HeadState::Evicted,
        "revoked" => HeadState::Revoked,
        other => panic!("{other:?}"),
    };
    Head {
        life: array(&case["life"]),
        state,
        not_before: time(&case["notBefore"]),
        began: time(&case["began"]).unwrap(),
        ends: time(&case["ends"]),
        idle: case["idle"].as_i64(),
        config_version: u32::try_from(case["configVersion"].as_u64().unwrap()).unwrap(),
        refresh_counter: case["refreshCounter"].as_u64().unwrap(),
        refresh_time: time(&case["refreshTime"]),
        owner,
    }
}

fn user(case: &Value, owner: Owner) -> User {
    User {
        owner,
        first_seen: time(&case["firstSeen"]).unwrap(),
        last_end: time(&case["lastEnd"]),
        begun: case["begun"].as_u64().unwrap_or_default(),
        until: time(&case["until"]),
    }
}

fn keyring(file: &Value) -> Keyring {
    Keyring::from_bytes(file["keyring"].to_string().as_bytes()).unwrap()
}

fn namespace(file: &Value) -> Namespace {
    let part = |name: &str| text(&file["namespace"][name]);
    Namespace::new(part("workspace"), part("product"), part("env")).unwrap()
}

fn vault(file: &Value) -> Vault {
    Vault::new(Arc::new(Ring::given(keyring(file))), namespace(file))
}

/// What the inputs in the file give.
fn filled(mut file: Value) -> Value {
    let vault = vault(&file);
    let config = vault.config(text(&file["config"]["tag"]), &array(&file["config"]["id"]));
    let byte = u8::try_from(file["entropy"].as_u64().unwrap()).unwrap();
    let entropy = || Entropy::fixed(byte);

    file["space"] = hex(&config.space());
    file["metaKey"] = hex(&vault.meta_key());
    file["meta"] = hex(&meta::check(&keyring(&file), &namespace(&file), None).unwrap().unwrap());
    for case in file["users"].as_array_mut().unwrap() {
        let blind = config.user(text(&case["realm"]), &identifier(&case["identifier"]));
        let sealed = config.seal_user(&blind, &user(case, owner(case)), &mut entropy()).unwrap();
        case["blind"] = hex(&blind);
        case["sealed"] = hex(&sealed);
    }
    for case in file["standing"].as_array_mut().unwrap() {
        let (realm, subject) = (text(&case["realm"]), text(&case["subject"]));
        let user = config.user(realm, &Identifier::String(subject.to_owned()));
        let (id, mac) = (config.standing(realm, subject, &user), vault.identity_mac(realm, subject));
        case["id"] = hex(&id);
        case["identityMac"] = hex(&mac);
    }
    for case in file["heads"].as_array_mut().unwrap() {
        case["sealed"] = hex(&config.seal_head(&array(&case["id"]), &head(case, owner(case)), &mut entropy()).unwrap());
    }
    for case in file["fields"].as_array_mut().unwrap() {
        let (id, life, stamp) = (array(&case["id"]), array(&case["life"]), array(&case["stamp"]));
        let (name, value) = (text(&case["name"]), text(&case["value"]));
        let (cell, sealed) = config
            .field_seals(None, &id, &life)
            .seal(name, value, time(&case["expires"]), stamp, &mut entropy())
            .unwrap();
        case["cell"] = hex(&cell);
        case["sealed"] = hex(&sealed.0);
    }
    file["secretSpace"] = hex(&config.secret_space());
    for case in file["shredded"].as_array_mut().unwrap() {
        let blind = config.user(text(&case["realm"]), &identifier(&case["identifier"]));
        let secret = Zeroizing::new(array(&case["secret"]));
        let sealed = config.seal_secret(&blind, &secret, &mut entropy()).unwrap();
        let keys = config.keys_of(&blind, &sealed, Instant::now()).unwrap();
        let boxed =
            Owner::boxed(&keys, text(&case["realm"]), &identifier(&case["identifier"]), &mut entropy()).unwrap();
        case["blind"] = hex(&blind);
        case["sealedSecret"] = hex(&sealed);
        if let Owner::Boxed { sealed, .. } = &boxed {
            case["box"] = hex(sealed);
        }
        let id = array(&case["head"]["id"]);
        let head = head(&case["head"], boxed.clone());
        case["head"]["sealed"] = hex(&config.seal_head(&id, &head, &mut entropy()).unwrap());
        let user = user(&case["user"], boxed);
        case["user"]["sealed"] = hex(&config.seal_user(&blind, &user, &mut entropy()).unwrap());
        let field = &case["field"];
        let (name, value, stamp) = (text(&field["name"]), text(&field["value"]), array(&field["stamp"]));
        let expires = time(&field["expires"]);
        let (cell, sealed) =
            config.field_seals(Some(&keys), &id, &head.life).seal(name, value, expires, stamp, &mut entropy()).unwrap();
        case["field"]["cell"] = hex(&cell);
        case["field"]["sealed"] = hex(&sealed.0);
    }
    for case in file["touches"].as_array_mut().unwrap() {
        let touch = config.seal_touch(&array(&case["id"]), &array(&case["life"]), time(&case["time"]).unwrap());
        case["touch"] = hex(&touch);
    }
    let plain = file["checkpoint"]["plain"].to_string();
    let sealed = vault.checkpoints.seal(b"", &[], plain.as_bytes(), &mut entropy()).unwrap();
    file["checkpoint"]["sealed"] = hex(&sealed);
    file
}

#[test]
fn sealing_gives_these_bytes() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let filled = filled(file.clone());
    if std::env::var_os("UPDATE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/vault/golden.json");
        std::fs::write(path, serde_json::to_string_pretty(&filled).unwrap() + "\n").unwrap();
    }
    for (name, member) in file.as_object().unwrap() {
        assert_eq!(filled[name], *member, "{name}");
    }
}

#[test]
fn these_bytes_open() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    let vault = vault(&file);
    let config = vault.config(text(&file["config"]["tag"]), &array(&file["config"]["id"]));
    let cases = |kind: &str| file[kind].as_array().unwrap().clone();
    for case in cases("heads") {
        let opened = config.open_head(&array(&case["id"]), &bytes(text(&case["sealed"]))).unwrap();
        assert!(opened == head(&case, owner(&case)), "{case}");
    }
    for case in cases("users") {
        let opened = config.open_user(&array(&case["blind"]), &bytes(text(&case["sealed"]))).unwrap();
        assert!(opened == user(&case, owner(&case)), "{case}");
    }
    for case in cases("fields") {
        let sealed = SealedField(bytes(text(&case["sealed"])).into());
        let (id, life) = (array(&case["id"]), array(&case["life"]));
        let mut seals = config.field_seals(None, &id, &life);
        let opened = seals.open(&array(&case["cell"]), None, &sealed).unwrap();
        assert_eq!((opened.name, opened.value), (text(&case["name"]), text(&case["value"])));
        assert_eq!((opened.stamp, opened.expires), (array(&case["stamp"]), time(&case["expires"])));
    }
    for case in cases("touches") {
        let opened = config.open_touch(&array(&case["id"]), &array(&case["life"]), &array(&case["touch"]));
        assert_eq!(opened, time(&case["time"]));
    }
    for case in cases("shredded") {
        let blind = array(&case["blind"]);
        let keys = config.keys_of(&blind, &bytes(text(&case["sealedSecret"])), Instant::now()).unwrap();
        let id = array(&case["head"]["id"]);
        let mut opened = config.open_head(&id, &bytes(text(&case["head"]["sealed"]))).unwrap();
        assert!(opened.owner.person().is_err());
        opened.owner.unlock(&keys).unwrap();
        assert!(Owner::Plain(opened.owner.person().unwrap().clone()) == owner(&case));
        let mut user = config.open_user(&blind, &bytes(text(&case["user"]["sealed"]))).unwrap();
        user.owner.unlock(&keys).unwrap();
        assert!(Owner::Plain(user.owner.person().unwrap().clone()) == owner(&case));
        let sealed = SealedField(bytes(text(&case["field"]["sealed"])).into());
        let cell = array(&case["field"]["cell"]);
        let mut seals = config.field_seals(Some(&keys), &id, &opened.life);
        let field = seals.open(&cell, None, &sealed).unwrap();
        assert_eq!(field.value, text(&case["field"]["value"]));
        let mut seals = config.field_seals(None, &id, &opened.life);
        let other = seals.open(&cell, None, &sealed);
        assert_eq!(other.err().unwrap().code(), crate::Code::Corrupt, "the config's key alone opens nothing");
    }
    assert_eq!(vault.check_meta(&vault.ring().in_force().keyring, Some(&bytes(text(&file["meta"])))).unwrap(), None);
    let plain = vault.open_checkpoint(&bytes(text(&file["checkpoint"]["sealed"]))).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap(), file["checkpoint"]["plain"]);
}

#[test]
fn each_state_and_type_has_a_case() {
    let file: Value = serde_json::from_str(FILE).unwrap();
    for state in ["alive", "ended", "evicted", "revoked"] {
        assert!(file["heads"].as_array().unwrap().iter().any(|case| case["state"] == json!(state)), "{state}");
    }
    let began_after_a_revocation = |case: &Value| case["state"] == "alive" && !case["notBefore"].is_null();
    assert!(file["heads"].as_array().unwrap().iter().any(began_after_a_revocation));
    let has = |test: fn(&Value) -> bool| file["users"].as_array().unwrap().iter().any(|case| test(&case["identifier"]));
    assert!(has(Value::is_string) && has(Value::is_i64) && has(Value::is_f64) && has(Value::is_boolean));
}
