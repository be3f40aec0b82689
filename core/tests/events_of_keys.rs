//! Audit events of keys, of revocations by issuer, token and logout, and of what somebody put back.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod issuer;

use std::fs;
use std::path::Path;

use issuer::{ISSUER, Issuer, NOW, store};
use serde_json::{Value, json};
use sessile::{Code, Keyring, Options, Store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Name, reason and code of each event that nobody fetched yet.
fn told(store: &Store) -> Vec<[String; 3]> {
    let events = store.drain_events(usize::MAX);
    let member = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    events
        .iter()
        .map(|event| parsed(event))
        .map(|event| ["event", "reason", "code"].map(|m| member(&event, m)))
        .collect()
}

fn is_told(store: &Store, wanted: &[[&str; 3]]) {
    assert_eq!(told(store), wanted.iter().map(|event| event.map(str::to_owned)).collect::<Vec<_>>());
}

fn on_file(folder: &Path) -> Store {
    let options = json!({"url": format!("sqlite:{}", folder.join("s.db").display()), "audit": true,
        "keyring": folder.join("keyring.json")});
    Store::open(Options::from_json(&options.to_string()).unwrap()).wait().unwrap()
}

/// Adds a key that was made long ago.
fn add(keyring: &Path, kind: &str) -> String {
    let id = Keyring::add(keyring, kind).unwrap();
    let mut file = parsed(&fs::read_to_string(keyring).unwrap());
    for kind in ["data", "signing"] {
        file[kind].as_array_mut().unwrap().iter_mut().for_each(|key| key["created"] = "2026-01-01T00:00:00Z".into());
    }
    fs::write(keyring, file.to_string()).unwrap();
    id
}

fn keys_told(store: &Store) -> Vec<(String, String)> {
    let events = store.drain_events(usize::MAX);
    let events = events.iter().map(|event| parsed(event)).inspect(|event| assert_eq!(event["event"], "key.changed"));
    events.map(|event| (event["keyId"].as_str().unwrap().into(), event["reason"].as_str().unwrap().into())).collect()
}

#[test]
fn a_keyring_that_changes_is_told_key_by_key() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let store = on_file(folder.path());
    is_told(&store, &[]);
    let pair = |id: &str, state: &str| (id.to_owned(), state.to_owned());
    add(&keyring, "data");
    store.reload_keys(None).wait().unwrap();
    assert_eq!(keys_told(&store), [pair("2", "pending")]);
    Keyring::promote(&keyring, "2").unwrap();
    store.reload_keys(None).wait().unwrap();
    assert_eq!(keys_told(&store), [pair("1", "retired"), pair("2", "primary")]);
    let kid = add(&keyring, "signing");
    store.reload_keys(None).wait().unwrap();
    assert_eq!(keys_told(&store), [pair(&kid, "pending")]);
    store.reload_keys(None).wait().unwrap();
    is_told(&store, &[]);

    // What is no keyring is told once, by whichever way it was met, and what was before it goes on.
    let good = fs::read(&keyring).unwrap();
    fs::write(&keyring, "{").unwrap();
    for _ in 0..2 {
        assert_eq!(store.reload_keys(None).wait().unwrap_err().code(), Code::KeyringInvalid);
    }
    let refused = told(&store);
    assert!(
        matches!(&refused[..], [[event, _, code]] if event == "keyring.refused" && code == "KEYRING_INVALID"),
        "{refused:?}"
    );
    fs::write(&keyring, good).unwrap();
    store.reload_keys(None).wait().unwrap();
    is_told(&store, &[]);
}

#[test]
fn a_keyring_file_that_changes_is_told_by_the_next_call_that_looks() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let store = on_file(folder.path());
    let kid = add(&keyring, "signing");
    Keyring::promote(&keyring, &kid).unwrap();
    let signer = on_file(folder.path());
    // A token of a key that is not here: the keyring is looked at, at once.
    let token = signer.tokens().issue(r#"{"sub": "u1"}"#, 60).wait().unwrap();
    store.verify(&token).wait().unwrap();
    let changed = told(&store).into_iter().filter(|[event, ..]| event == "key.changed");
    let mut states: Vec<String> = changed.map(|[_, state, _]| state).collect();
    states.sort();
    assert_eq!(states, ["primary", "retired"]);
}

#[test]
fn other_bytes_under_a_known_id_are_told_as_a_refused_keyring() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.json");
    Keyring::generate(&path).unwrap();
    let options = Options::from_json(r#"{"url": "memory:", "audit": true}"#).unwrap();
    let store = Store::open(options.keyring_bytes(&fs::read(&path).unwrap())).wait().unwrap();
    for bytes in [Keyring::generate_json().unwrap().as_bytes(), b"{}"] {
        assert_eq!(store.reload_keys(Some(bytes)).wait().unwrap_err().code(), Code::KeyringInvalid);
        let refused = told(&store);
        assert!(matches!(&refused[..], [[event, ..]] if event == "keyring.refused"), "{refused:?}");
    }
    assert_eq!(store.reload_keys(None).wait().unwrap_err().code(), Code::InvalidArgument, "no keyring was offered");
    is_told(&store, &[]);
}

#[test]
fn keys_that_the_store_knows_otherwise_are_refused_and_gone_again() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let first = fs::read_to_string(&keyring).unwrap();
    add(&keyring, "data");
    on_file(folder.path()).close().wait().unwrap();
    // Somebody made another key 2 for a copy of the keyring.
    let mut other = parsed(&fs::read_to_string(&keyring).unwrap());
    other["data"][1]["key"] = parsed(&Keyring::generate_json().unwrap())["data"][0]["key"].clone();
    fs::write(&keyring, &first).unwrap();
    let store = on_file(folder.path());
    fs::write(&keyring, other.to_string()).unwrap();
    assert_eq!(store.reload_keys(None).wait().unwrap_err().code(), Code::KeyMismatch);
    is_told(
        &store,
        &[["key.changed", "pending", ""], ["key.changed", "dropped", ""], ["keyring.refused", "", "KEY_MISMATCH"]],
    );
}

#[test]
fn what_revokes_tokens_is_told_and_each_refusal_of_one_once() {
    let id = Issuer::new("k");
    let (store, clock) = store(&[id.entry(json!({}))]);
    let [one, other] = ["a", "b"].map(|jti| id.token(json!({"jti": jti})));
    store.verify(&one).wait().unwrap();
    let run = store.execution(Some(JWT), Some(&other)).unwrap();
    run.global(None).get("a").wait().unwrap();
    is_told(&store, &[["token.verified", "", ""]; 2]);

    store.revoke_token(&one).wait().unwrap();
    is_told(&store, &[["token.revoked", "token", ""]]);
    assert_eq!(store.verify(&one).wait().unwrap_err().code(), Code::TokenRevoked);
    is_told(&store, &[["token.refused", "token", "TOKEN_REVOKED"]]);
    run.global(None).get("a").wait().unwrap();
    is_told(&store, &[]);

    store.revoke_issuer(ISSUER, None).wait().unwrap();
    is_told(&store, &[["token.revoked", "issuer", ""]]);
    assert_eq!(run.global(None).put(r#"{"a": 1}"#, None).wait().unwrap_err().code(), Code::TokenRevoked);
    is_told(&store, &[["token.refused", "issuer", "TOKEN_REVOKED"]]);
    assert_eq!(run.renew(&other).wait().unwrap_err().code(), Code::TokenRevoked);
    is_told(&store, &[["token.refused", "issuer", "TOKEN_REVOKED"]]);
    clock.advance(1_000).unwrap();
    store.verify(&id.token(json!({"iat": NOW + 1}))).wait().unwrap();
    is_told(&store, &[["token.verified", "", ""]]);
}

#[test]
fn a_logout_is_told_and_a_logout_token_that_is_refused_too() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let login = id.token(json!({"sid": "s1"}));
    let run = store.execution(Some(JWT), Some(&login)).unwrap();
    run.global(None).put(r#"{"a": 1}"#, None).wait().unwrap();
    told(&store);
    let claims = json!({"jti": "l1", "sid": "s1", "exp": NOW + 120, "events": {LOGOUT: {}}});
    let logout = id.typed("logout+jwt", claims);
    store.accept_logout_token(&logout).wait().unwrap();
    is_told(&store, &[["token.revoked", "logout", ""], ["session.revoked", "", ""], ["user.revoked", "", ""]]);
    for (token, reason) in [(&logout, "replayed"), (&id.token(json!({})), "typ")] {
        store.accept_logout_token(token).wait().unwrap_err();
        let refused = told(&store);
        assert!(matches!(&refused[..], [[event, why, _]] if event == "token.refused" && why == reason), "{refused:?}");
    }
    store.verify(&logout).wait().unwrap_err();
    is_told(&store, &[["token.refused", "typ", "TOKEN_CLAIMS"]]);
}

#[test]
fn what_is_put_back_is_tampering_and_what_a_check_finds() {
    let folder = tempfile::tempdir().unwrap();
    Keyring::generate(folder.path().join("keyring.json")).unwrap();
    let store = on_file(folder.path());
    let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    let session = store.execution(Some(JWT), Some(&token)).unwrap().global(None);
    session.put(r#"{"n": 1}"#, None).wait().unwrap();
    let file = rusqlite::Connection::open(folder.path().join("s.db")).unwrap();
    let cells = "SELECT cells FROM session WHERE touch IS NOT NULL";
    let old: Vec<u8> = file.query_row(cells, [], |row| row.get(0)).unwrap();
    session.put(r#"{"n": 2}"#, None).wait().unwrap();
    told(&store);
    let put = |bytes: &[u8]| file.execute("UPDATE session SET cells = ?1 WHERE touch IS NOT NULL", [bytes]).unwrap();
    assert_eq!(put(&old), 1);
    assert_eq!(session.get("n").wait().unwrap_err().code(), Code::Stale);
    is_told(&store, &[["tampering.seen", "field", "STALE"]]);

    file.execute("UPDATE session SET touch = zeroblob(length(touch)) WHERE touch IS NOT NULL", []).unwrap();
    let found = parsed(&store.check().wait().unwrap());
    assert_eq!(found["problems"][0]["kind"], "touch", "{found}");
    is_told(&store, &[["tampering.seen", "touch", "CORRUPT"]]);
}
