//! What must hold of a token at each use: how the user was authenticated, what its holder proved, that nobody revoked it.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod issuer;

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sessile::{Clock, Code, Error, Execution, Keyring, Options, Store, Time};

use issuer::{ISSUER, Issuer, NOW, store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const OWN: &str = "sessile:default/default/dev";

fn run(store: &Store, token: &str) -> Execution {
    store.execution(Some(JWT), Some(token)).unwrap()
}

/// What a Get and a Put of that execution say; they always say the same.
fn outcome(run: &Execution, tag: Option<&str>) -> Result<(), Error> {
    let get = run.global(tag).get("a").wait().map(|_| ());
    let put = run.global(tag).put(r#"{"a": 1}"#, None).wait();
    let code = |result: &Result<(), Error>| result.as_ref().err().map(Error::code);
    assert_eq!(code(&get), code(&put), "a Get and a Put differ: {get:?} {put:?}");
    get
}

/// The code and the reason of a refusal.
fn refusal(result: Result<(), Error>) -> (Code, String) {
    let error = result.expect_err("it was refused");
    (error.code(), error.details()["reason"].as_str().unwrap().to_owned())
}

fn config(store: &Store, more: &str) {
    let definition =
        format!(r#"{{"name": "Pay", "schema": {{"userId": "string", "a": "number"}}, "selector": "userId"{more}}}"#);
    store.configs().create(&definition).wait().unwrap();
}

#[test]
fn acr_is_demanded_at_every_operation() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    config(&store, r#", "acr": ["gold", "silver"]"#);
    let with = |acr: Value| outcome(&run(&store, &id.token(json!({"acr": acr}))), Some("pay"));
    with(json!("gold")).unwrap();
    with(json!("silver")).unwrap();
    for bad in [json!("bronze"), json!("Gold"), json!("gold silver"), json!(["gold"]), json!(1), json!(""), Value::Null]
    {
        assert_eq!(refusal(with(bad.clone())), (Code::TokenClaims, "acr".into()), "{bad}");
    }
    // Where no configuration demands it, nothing is asked.
    outcome(&run(&store, &id.token(json!({"acr": 1}))), None).unwrap();
    let error = with(Value::Null).unwrap_err();
    assert_eq!(error.details()["acr"], json!(["gold", "silver"]), "what a step-up asks for");
}

#[test]
fn max_auth_age_is_demanded_at_every_operation_and_runs_out_during_an_execution() {
    let id = Issuer::new("k");
    let (store, clock) = store(&[id.entry(json!({}))]);
    config(&store, r#", "maxAuthAge": 300"#);
    let at = |auth_time: Value| run(&store, &id.token(json!({"auth_time": auth_time})));
    let execution = at(json!(NOW));
    outcome(&execution, Some("pay")).unwrap();
    outcome(&at(json!(NOW - 330)), Some("pay")).unwrap();
    for bad in [json!(NOW - 331), json!(NOW + 31), json!("now"), json!(-1), json!(true), Value::Null] {
        assert_eq!(refusal(outcome(&at(bad.clone()), Some("pay"))), (Code::TokenClaims, "maxAuthAge".into()), "{bad}");
    }
    clock.advance(330_000).unwrap();
    outcome(&execution, Some("pay")).unwrap();
    clock.advance(1).unwrap();
    assert_eq!(refusal(outcome(&execution, Some("pay"))), (Code::TokenClaims, "maxAuthAge".into()));
    outcome(&execution, None).unwrap();
    execution.renew(&id.token(json!({"auth_time": NOW + 330}))).wait().unwrap();
    outcome(&execution, Some("pay")).unwrap();
}

/// Whoever called `start` stood for the user then: that is how they were authenticated, and when.
#[test]
fn a_session_token_passes_acr_and_its_auth_age_is_the_sessions() {
    let (store, clock) = store(&[]);
    config(&store, r#", "acr": "gold", "maxAuthAge": 300"#);
    let started = store.sessions().start("pay", r#"{"userId": "u1"}"#, None).wait().unwrap();
    let started: Value = serde_json::from_str(&started).unwrap();
    let token = started["token"].as_str().unwrap();
    let execution = run(&store, token);
    outcome(&execution, Some("pay")).unwrap();
    let refreshed = store.sessions().refresh(started["refreshToken"].as_str().unwrap()).wait().unwrap();
    let refreshed: Value = serde_json::from_str(&refreshed).unwrap();

    clock.advance(300_001).unwrap();
    let over = || (Code::SessionExpired, "maxAuthAge".to_owned());
    assert_eq!(refusal(outcome(&execution, Some("pay"))), over());
    assert_eq!(refusal(outcome(&run(&store, refreshed["token"].as_str().unwrap()), Some("pay"))), over());
    let verified = store.sessions().verify(token).wait().unwrap();
    assert_eq!(verified, r#"{"valid":false,"reason":"session_expired"}"#);
    let refused = store.sessions().refresh(refreshed["refreshToken"].as_str().unwrap()).wait().map(|_| ());
    assert_eq!(refusal(refused), over());
}

#[test]
fn a_token_that_is_bound_to_a_key_needs_the_proof_of_its_trigger() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let (a, b) = ("a".repeat(43), "b".repeat(43));
    let bound = id.token(json!({"cnf": {"jkt": a}}));
    let with = |proof: Value| {
        let trigger = json!({"type": "rest", "security": "jwt", "proof": proof}).to_string();
        outcome(&store.execution(Some(&trigger), Some(&bound)).unwrap(), None)
    };
    let unproven = || (Code::TokenClaims, "cnf".to_owned());
    assert_eq!(refusal(outcome(&run(&store, &bound), None)), unproven());
    with(json!({"jkt": a})).unwrap();
    // Known by now, and still nobody's who proves nothing.
    assert_eq!(refusal(outcome(&run(&store, &bound), None)), unproven());
    for bad in [json!({"jkt": b}), json!({"x5t#S256": a})] {
        assert_eq!(refusal(with(bad)), unproven());
    }
    assert_eq!(refusal(store.verify(&bound).wait().map(|_| ())), unproven());
    let execution = run(&store, &id.token(json!({})));
    assert_eq!(refusal(execution.renew(&bound).wait()), unproven());
}

#[test]
fn the_profile_of_rfc_9068() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({"profile": "rfc9068"}))]);
    let full = |more: Value| {
        let mut claims = json!({"client_id": "c", "jti": "j"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    for typ in ["at+jwt", "application/at+jwt", "AT+JWT"] {
        store.verify(&id.typed(typ, full(json!({})))).wait().unwrap();
    }
    for typ in ["JWT", "logout+jwt", ""] {
        let error = store.verify(&id.typed(typ, full(json!({})))).wait().unwrap_err();
        assert_eq!((error.code(), &error.details()["reason"]), (Code::TokenClaims, &json!("typ")), "{typ}");
    }
    for (name, value) in [
        ("client_id", Value::Null),
        ("client_id", json!("")),
        ("client_id", json!(1)),
        ("jti", Value::Null),
        ("jti", json!("")),
        ("sub", Value::Null),
    ] {
        let error = store.verify(&id.typed("at+jwt", full(json!({name: value})))).wait().unwrap_err();
        assert_eq!((error.code(), &error.details()["claim"]), (Code::TokenClaims, &json!(name)), "{value}");
    }
}

fn stats(store: &Store) -> Value {
    serde_json::from_str(&store.stats()).unwrap()
}

#[test]
fn known_tokens_are_counted_and_expire_all_the_same() {
    let id = Issuer::new("k");
    let keys = json!({"keys": [id.jwk(), {"kty": "oct", "kid": "secret"}]});
    let (store, clock) = store(&[id.entry(json!({"jwks": keys}))]);
    let token = id.token(json!({}));
    for _ in 0..5 {
        store.verify(&token).wait().unwrap();
    }
    assert_eq!(stats(&store)["tokenCache"], json!({"hits": 4, "misses": 1, "tokens": 1}));
    let told = &stats(&store)["issuers"][0];
    assert_eq!((&told["issuer"], &told["keys"]), (&json!(ISSUER), &json!(["k"])));
    assert_eq!((&told["refusedKeys"][0]["index"], &told["refusedKeys"][0]["kid"]), (&json!(1), &json!("secret")));

    clock.set(Time::from_secs(NOW + 3629)).unwrap();
    store.verify(&token).wait().unwrap();
    clock.set(Time::from_secs(NOW + 3630)).unwrap();
    assert_eq!(store.verify(&token).wait().unwrap_err().code(), Code::TokenExpired);
    // Before it began it is not known either.
    clock.set(Time::from_secs(NOW)).unwrap();
    store.verify(&token).wait().unwrap();
    clock.set(Time::from_secs(NOW - 31)).unwrap();
    assert_eq!(store.verify(&token).wait().unwrap_err().code(), Code::TokenNotYet);
}

#[test]
fn a_text_that_differs_anywhere_is_another_token() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let token = id.token(json!({}));
    store.verify(&token).wait().unwrap();
    let before = stats(&store)["tokenCache"]["hits"].clone();
    for at in (0..token.len()).step_by(3) {
        let other = if token.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        assert!(store.verify(&changed).wait().is_err(), "changed at {at}");
    }
    // Another user's claims before the known signature.
    let forged = id.token(json!({"sub": "u2"}));
    let (claims, _) = forged.rsplit_once('.').unwrap();
    let (_, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(store.verify(&format!("{claims}.{signature}")).wait().unwrap_err().code(), Code::TokenSignature);
    assert_eq!(stats(&store)["tokenCache"]["hits"], before);
}

#[test]
fn a_key_that_leaves_its_file_takes_its_tokens_along() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let write = |keys: &[&Issuer]| {
        let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
        let new = folder.path().join("new");
        std::fs::write(&new, json!({"keys": keys}).to_string()).unwrap();
        std::fs::rename(new, &path).unwrap();
        thread::sleep(Duration::from_millis(1_050));
    };
    let (one, two) = (Issuer::new("one"), Issuer::new("two"));
    std::fs::write(&path, json!({"keys": [one.jwk()]}).to_string()).unwrap();
    let (store, _) = store(&[one.entry(json!({"jwks": null, "jwksFile": path.to_str().unwrap()}))]);
    let token = one.token(json!({}));
    let (proof, execution) = (store.verify(&token).wait().unwrap(), run(&store, &token));
    outcome(&execution, None).unwrap();
    assert_eq!(store.verify(&two.token(json!({}))).wait().unwrap_err().code(), Code::TokenUntrusted);

    write(&[&one, &two]);
    store.verify(&two.token(json!({}))).wait().unwrap();
    outcome(&execution, None).unwrap();
    store.global(&proof, None).unwrap().get("a").wait().unwrap();

    write(&[&two]);
    assert_eq!(refusal(store.verify(&token).wait().map(|_| ())), (Code::TokenUntrusted, "key".into()));
    assert_eq!(refusal(outcome(&execution, None)), (Code::TokenUntrusted, "key".into()));
    let refused = store.global(&proof, None).unwrap().get("a").wait().map(|_| ());
    assert_eq!(refusal(refused), (Code::TokenUntrusted, "key".into()));
}

/// Two stores on one file: what one revokes, the other refuses within a second, and running executions of both.
#[test]
fn issuers_and_tokens_are_revoked_in_every_process() {
    let folder = tempfile::tempdir().unwrap();
    Keyring::generate(folder.path().join("keyring.json")).unwrap();
    let id = Issuer::new("k");
    let open = || {
        let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
        let options = json!({"url": url, "issuers": [id.entry(json!({}))]}).to_string();
        let options = Options::from_json(&options).unwrap().keyring_file(folder.path().join("keyring.json"));
        Store::open(options.clock(Clock::manual(Time::from_secs(NOW)))).wait().unwrap()
    };
    let (here, there) = (open(), open());
    let (bad, good) = (id.token(json!({"jti": "bad"})), id.token(json!({"jti": "good"})));
    let runs = [run(&here, &bad), run(&there, &bad)];
    runs.iter().for_each(|run| outcome(run, None).unwrap());
    here.revoke_token(&bad).wait().unwrap();
    let revoked = |why: &str| (Code::TokenRevoked, why.to_owned());
    assert_eq!(refusal(outcome(&runs[0], None)), revoked("token"), "at once");
    assert_eq!(refusal(here.verify(&bad).wait().map(|_| ())), revoked("token"));
    thread::sleep(Duration::from_millis(1_050));
    assert_eq!(refusal(outcome(&runs[1], None)), revoked("token"), "a second later");
    for store in [&here, &there] {
        outcome(&run(store, &good), None).unwrap();
    }
    here.revoke_token_id(ISSUER, "good").wait().unwrap();
    assert_eq!(refusal(outcome(&run(&here, &good), None)), revoked("token"));

    let (old, new) = (id.token(json!({})), id.token(json!({"iat": NOW + 1})));
    let execution = run(&there, &old);
    outcome(&execution, None).unwrap();
    here.revoke_issuer(ISSUER, None).wait().unwrap();
    thread::sleep(Duration::from_millis(1_050));
    assert_eq!(refusal(outcome(&execution, None)), revoked("issuer"));
    outcome(&run(&there, &new), None).unwrap();
    // It only moves forward, and the store that opens next knows it as well.
    here.revoke_issuer(ISSUER, Some(Time::from_secs(NOW - 100))).wait().unwrap();
    assert_eq!(refusal(outcome(&run(&open(), &old), None)), revoked("issuer"));

    assert_eq!(here.revoke_issuer("https://other", None).wait().unwrap_err().code(), Code::NotFound);
    assert_eq!(here.revoke_token_id("https://other", "j").wait().unwrap_err().code(), Code::NotFound);
    let ahead = here.revoke_issuer(ISSUER, Some(Time::from_secs(NOW + 3600))).wait();
    assert_eq!(ahead.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(here.revoke_token(&id.token(json!({"iat": NOW + 1}))).wait().unwrap_err().code(), Code::InvalidArgument);
}

/// Not a moment before the last store would take the token: others may give its issuer another leeway.
#[test]
fn a_revocation_is_forgotten_once_no_token_can_be_good_any_more() {
    let folder = tempfile::tempdir().unwrap();
    Keyring::generate(folder.path().join("keyring.json")).unwrap();
    let id = Issuer::new("k");
    let clock = Clock::manual(Time::from_secs(NOW));
    let open = |leeway: u32| {
        let url = format!("sqlite:{}", folder.path().join("sessions.db").display());
        let options = json!({"url": url, "issuers": [id.entry(json!({"leeway": leeway}))]}).to_string();
        let options = Options::from_json(&options).unwrap().keyring_file(folder.path().join("keyring.json"));
        Store::open(options.clock(clock.clone())).wait().unwrap()
    };
    let revocations = |store: &Store| {
        let usage: Value = serde_json::from_str(&store.key_usage().wait().unwrap()).unwrap();
        usage["keys"][0]["revocations"].as_u64().unwrap()
    };
    let (strict, lenient) = (open(0), open(120));
    let tokens = [id.token(json!({"jti": "a"})), id.token(json!({"jti": "b", "exp": NOW + 7200}))];
    tokens.iter().for_each(|token| strict.revoke_token(token).wait().unwrap());
    let logout = id.typed("logout+jwt", json!({"jti": "l", "exp": NOW + 3600, "events": {LOGOUT: {}}}));
    strict.accept_logout_token(&logout).wait().unwrap();

    clock.advance(3_719_999).unwrap();
    strict.sweep(1_000).wait().unwrap();
    thread::sleep(Duration::from_millis(1_050));
    let refused = lenient.verify(&tokens[0]).wait().map(|_| ());
    assert_eq!(refusal(refused), (Code::TokenRevoked, "token".into()), "a millisecond before its last end");
    assert_eq!(
        refusal(lenient.accept_logout_token(&logout).wait().map(|_| ())),
        (Code::TokenClaims, "replayed".into())
    );
    clock.advance(1).unwrap();
    assert_eq!(lenient.verify(&tokens[0]).wait().unwrap_err().code(), Code::TokenExpired);

    assert_eq!(revocations(&strict), 4, "two tokens, a logout and the mark");
    clock.advance(121_000).unwrap();
    strict.sweep(1_000).wait().unwrap();
    assert_eq!(revocations(&strict), 2, "one token and the mark");
    thread::sleep(Duration::from_millis(1_050));
    assert_eq!(refusal(strict.verify(&tokens[1]).wait().map(|_| ())), (Code::TokenRevoked, "token".into()));
}

#[test]
fn revoking_the_own_issuer_ends_login_session_and_refresh_tokens() {
    let (store, clock) = store(&[]);
    config(&store, "");
    let login = store.tokens().issue(r#"{"sub": "u1"}"#, 600).wait().unwrap();
    let started = store.sessions().start("pay", r#"{"userId": "u1"}"#, None).wait().unwrap();
    let started: Value = serde_json::from_str(&started).unwrap();
    store.revoke_issuer(OWN, None).wait().unwrap();
    let revoked = || (Code::TokenRevoked, "issuer".to_owned());
    assert_eq!(refusal(outcome(&run(&store, &login), None)), revoked());
    assert_eq!(refusal(outcome(&run(&store, started["token"].as_str().unwrap()), None)), revoked());
    let verified = store.sessions().verify(started["token"].as_str().unwrap()).wait().unwrap();
    assert_eq!(verified, r#"{"valid":false,"reason":"revoked"}"#);
    let refreshed = store.sessions().refresh(started["refreshToken"].as_str().unwrap()).wait();
    assert_eq!(refusal(refreshed.map(|_| ())), revoked());
    clock.advance(1_000).unwrap();
    let again = store.tokens().issue(r#"{"sub": "u1"}"#, 600).wait().unwrap();
    outcome(&run(&store, &again), None).unwrap();
}

#[test]
fn a_revocation_that_can_not_be_checked_denies() {
    let folder = tempfile::tempdir().unwrap();
    let (file, keyring) = (folder.path().join("sessions.db"), folder.path().join("keyring.json"));
    Keyring::generate(&keyring).unwrap();
    let url = format!("sqlite:{}", file.display());
    let store = Store::open(Options::new(&url).keyring_file(&keyring)).wait().unwrap();
    let token = store.tokens().issue(r#"{"sub": "u1", "acr": "x"}"#, 600).wait().unwrap();
    store.revoke_token_id(OWN, "some").wait().unwrap();
    store.verify(&token).wait().unwrap();
    // Every sealed head is damaged: what stands there can't be read, whatever it says.
    let other = rusqlite::Connection::open(&file).unwrap();
    let tables: Vec<String> = other
        .prepare("select name from sqlite_master where type = 'table'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let changed: usize = tables
        .iter()
        .filter_map(|table| {
            other.execute(&format!("update {table} set head = zeroblob(120) where head is not null"), []).ok()
        })
        .sum();
    assert!(changed >= 2, "record and mark: {changed} in {tables:?}");
    thread::sleep(Duration::from_millis(1_050));
    assert_eq!(store.verify(&token).wait().unwrap_err().code(), Code::Corrupt);
}

const LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";

#[test]
fn a_logout_token_ends_the_users_sessions_once() {
    let id = Issuer::new("k");
    let (store, clock) = store(&[id.entry(json!({}))]);
    config(&store, "");
    let logout = |more: Value| {
        let mut claims = json!({"jti": "l1", "exp": NOW + 120, "events": {LOGOUT: {}}});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id.typed("logout+jwt", claims)
    };
    let (ada, bob) = (run(&store, &id.token(json!({}))), run(&store, &id.token(json!({"sub": "u2"}))));
    let late = run(&store, &id.token(json!({})));
    for tag in [None, Some("pay")] {
        outcome(&ada, tag).unwrap();
        outcome(&bob, tag).unwrap();
    }
    assert_eq!(store.accept_logout_token(&logout(json!({}))).wait().unwrap(), 2);
    for tag in [None, Some("pay")] {
        assert_eq!(outcome(&ada, tag).unwrap_err().code(), Code::SessionRevoked);
        assert_eq!(outcome(&late, tag).unwrap_err().code(), Code::TokenRevoked, "not begun anew by an old token");
        outcome(&bob, tag).unwrap();
    }
    let replayed = store.accept_logout_token(&logout(json!({}))).wait().map(|_| ());
    assert_eq!(refusal(replayed), (Code::TokenClaims, "replayed".into()));
    clock.advance(1_000).unwrap();
    outcome(&run(&store, &id.token(json!({"iat": NOW + 1}))), None).unwrap();
}

#[test]
fn a_logout_of_one_login_ends_the_tokens_that_name_it() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let (phone, desk) =
        (run(&store, &id.token(json!({"sid": "phone"}))), run(&store, &id.token(json!({"sid": "desk"}))));
    outcome(&phone, None).unwrap();
    outcome(&desk, None).unwrap();
    let claims = json!({"sub": null, "sid": "phone", "jti": "l", "exp": NOW + 120, "events": {LOGOUT: {}}});
    assert_eq!(store.accept_logout_token(&id.typed("logout+jwt", claims)).wait().unwrap(), 0);
    assert_eq!(refusal(outcome(&phone, None)), (Code::TokenRevoked, "logout".into()));
    outcome(&desk, None).unwrap();
}

#[test]
fn a_logout_token_is_no_access_token_and_the_reverse() {
    let id = Issuer::new("k");
    let (store, _) = store(&[id.entry(json!({}))]);
    let claims = json!({"jti": "l", "exp": NOW + 120, "events": {LOGOUT: {}}});
    for typ in ["logout+jwt", "JWT", "at+jwt"] {
        let error = store.verify(&id.typed(typ, claims.clone())).wait().unwrap_err();
        assert_eq!(error.code(), Code::TokenClaims, "{typ}");
    }
    for token in [id.token(json!({"jti": "j"})), id.typed("at+jwt", claims.clone()), id.typed("JWT", claims)] {
        let refused = store.accept_logout_token(&token).wait().map(|_| ());
        assert_eq!(refusal(refused), (Code::TokenClaims, "typ".into()));
    }
    let own = store.tokens().issue(r#"{"sub": "u1"}"#, 60).wait().unwrap();
    assert_eq!(store.accept_logout_token(&own).wait().unwrap_err().code(), Code::TokenClaims);
}
