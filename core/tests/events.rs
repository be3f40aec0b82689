//! Audit events: each of them, where it comes from, and what none of them tells.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::Path;
use std::thread;

use proptest::prelude::*;
use serde_json::{Value, json};
use sessile::{Clock, Code, CommitOptions, Keyring, Options, Step, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const CONFIG: &str = r#"{"name": "Cart", "expiry": 7, "period": "days", "schema": {"userId": "string", "note": "string"},
    "selector": "userId", "maxSessionsPerUser": 2}"#;

fn open(options: Value) -> (Store, Clock) {
    let clock = Clock::manual(Time::parse("2026-01-01T00:00:00Z").unwrap());
    let options = Options::from_json(&options.to_string()).unwrap().clock(clock.clone());
    (Store::open(options).wait().unwrap(), clock)
}

fn watched() -> (Store, Clock) {
    let (store, clock) = open(json!({"url": "memory:", "audit": true}));
    store.configs().create(CONFIG).wait().unwrap();
    store.drain_events(usize::MAX);
    (store, clock)
}

fn events(store: &Store) -> Vec<Value> {
    let events = store.drain_events(usize::MAX);
    assert!(!store.has_events());
    events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

fn names(store: &Store) -> Vec<String> {
    events(store).iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect()
}

/// The only event there is.
fn only(store: &Store) -> Value {
    let mut events = events(store);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn start(store: &Store, user: &str) -> Value {
    let data = json!({"userId": user, "note": "n"}).to_string();
    serde_json::from_str(&store.sessions().start("cart", &data, None).wait().unwrap()).unwrap()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap()
}

#[test]
fn sessions_start_and_are_evicted_and_revoked() {
    let (store, clock) = watched();
    let first = start(&store, "ann");
    let started = only(&store);
    assert_eq!(
        started,
        json!({"at": "2026-01-01T00:00:00.000Z", "event": "session.started", "tag": "cart", "user": text(&started, "user"),
            "sessionId": text(&first, "sessionId")})
    );
    clock.advance(1).unwrap();
    let second = start(&store, "ann");
    store.drain_events(9);
    clock.advance(1).unwrap();
    start(&store, "ann");
    let [evicted, begun] = &events(&store)[..] else { panic!("two events") };
    assert_eq!((text(evicted, "event"), text(evicted, "sessionId")), ("session.evicted", text(&first, "sessionId")));
    assert_eq!((text(begun, "event"), &begun["user"]), ("session.started", &started["user"]));

    store.sessions().revoke(text(&second, "sessionId")).wait().unwrap();
    store.sessions().revoke(text(&second, "sessionId")).wait().unwrap();
    let revoked = only(&store);
    assert_eq!((text(&revoked, "event"), &revoked["sessionId"]), ("session.revoked", &second["sessionId"]));
    store.sessions().revoke_all("cart", r#""ann""#, None).wait().unwrap();
    assert_eq!(names(&store), ["session.revoked", "user.revoked"]);
    store.sessions().forget("cart", r#""ann""#).wait().unwrap();
    let forgotten = only(&store);
    assert_eq!((text(&forgotten, "event"), &forgotten["user"]), ("user.forgotten", &started["user"]));
}

#[test]
fn tokens_are_refreshed_and_stolen() {
    let (store, clock) = watched();
    let first = start(&store, "ann");
    store.drain_events(9);
    let refresh = || store.sessions().refresh(text(&first, "refreshToken")).wait();
    let second: Value = serde_json::from_str(&refresh().unwrap()).unwrap();
    assert_eq!(text(&only(&store), "event"), "session.refreshed");
    refresh().unwrap();
    assert_eq!(text(&only(&store), "reason"), "again");
    store.sessions().refresh(text(&second, "refreshToken")).wait().unwrap();
    store.drain_events(9);
    clock.advance(60_000).unwrap();
    assert_eq!(refresh().unwrap_err().code(), Code::RefreshReused);
    assert_eq!(names(&store), ["session.refresh_reused", "session.revoked"]);
    assert_eq!(store.sessions().refresh("cart:rubbish").wait().unwrap_err().code(), Code::TokenMalformed);
    assert_eq!(text(&only(&store), "event"), "token.refused");
}

#[test]
fn standing_sessions_start_and_end_under_the_requests_id() {
    let (store, _) = watched();
    let token = store.tokens().issue(r#"{"sub": "ann"}"#, 600).wait().unwrap();
    let run = store.execution(Some(JWT), Some(&token)).unwrap();
    run.set_request_id(Some("line\nbreak \u{202e}")).unwrap();
    let cart = run.global(Some("cart"));
    cart.put(r#"{"note": "hello"}"#, None).wait().unwrap();
    cart.put(r#"{"note": "again"}"#, None).wait().unwrap();
    let told = store.drain_events(9);
    assert!(told.iter().all(|event| event.contains(r#""requestId":"line\u000abreak \u202e""#)), "{told:?}");
    let told: Vec<Value> = told.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    assert_eq!(
        told.iter().map(|event| text(event, "event")).collect::<Vec<_>>(),
        ["token.verified", "session.started"]
    );
    assert_eq!(told[0]["user"], told[1]["user"]);
    cart.end().wait().unwrap();
    let ended = only(&store);
    assert_eq!((text(&ended, "event"), &ended["sessionId"]), ("session.ended", &told[1]["sessionId"]));
    assert_eq!(ended["user"], told[1]["user"]);

    run.set_request_id(None).unwrap();
    for bad in ["", &"x".repeat(257)] {
        assert_eq!(run.set_request_id(Some(bad)).unwrap_err().code(), Code::InvalidArgument);
    }
    run.renew(&token).wait().unwrap();
    let verified = only(&store);
    assert_eq!((text(&verified, "event"), verified.get("requestId")), ("token.verified", None));
}

#[test]
fn every_refusal_is_one_event() {
    let (store, clock) = watched();
    let token = store.tokens().issue(r#"{"sub": "ann"}"#, 600).wait().unwrap();
    let other = store.tokens().issue(r#"{"sub": "bob"}"#, 600).wait().unwrap();
    let forged = format!("{}.{}", token.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    let session = text(&start(&store, "ann"), "token").to_owned();
    store.drain_events(9);
    let refused = |code: Code, reason: &str| {
        let event = only(&store);
        let given = (text(&event, "event"), text(&event, "code"), text(&event, "reason"));
        assert_eq!(given, ("token.refused", code.name(), reason));
    };
    for (trigger, given, code, reason) in [
        (None, Some(&*token), Code::GlobalNotAllowed, "trigger"),
        (Some(r#"{"type": "rest"}"#), Some(&*token), Code::GlobalNotAllowed, "security"),
        (Some(JWT), None, Code::GlobalNotAllowed, "token"),
        (Some(JWT), Some("a.b"), Code::TokenMalformed, "segments"),
        (Some(JWT), Some(&*forged), Code::TokenSignature, "signature"),
    ] {
        let run = store.execution(trigger, given).unwrap();
        let error = run.global(None).get("a").wait().unwrap_err();
        assert_eq!(error.code(), code);
        refused(code, reason);
        let step = Step::parse(r#"{"operation": "PUT", "sessionType": "Global", "fields": "a"}"#).unwrap();
        assert_eq!(run.step(&step, Some(r#"{"a": 1}"#)).wait().unwrap_err().code(), code);
        refused(code, reason);
        let below = run.subprocess("below").unwrap();
        assert_eq!(below.scoped_global(None).commit(CommitOptions::default()).wait().unwrap_err().code(), code);
        refused(code, reason);
    }
    store.verify("a.b.c").wait().unwrap_err();
    assert_eq!(text(&only(&store), "event"), "token.refused");
    store.verify(&token).wait().unwrap();
    assert_eq!(text(&only(&store), "event"), "token.verified");
    store.sessions().verify("a.b.c").wait().unwrap();
    assert_eq!(text(&only(&store), "event"), "token.refused");
    store.sessions().verify(&session).wait().unwrap();
    assert_eq!(text(&only(&store), "event"), "token.verified");
    store.sessions().revoke_all("cart", r#""ann""#, None).wait().unwrap();
    store.drain_events(9);
    store.sessions().verify(&session).wait().unwrap();
    refused(Code::SessionRevoked, "revoked");

    let run = store.execution(Some(JWT), Some(&session)).unwrap();
    run.global(Some("other")).get("a").wait().unwrap_err();
    assert!(events(&store).iter().any(|event| event["reason"] == "other_session"));
    clock.advance(3 * 24 * 3600 * 1000).unwrap();
    run.global(None).get("a").wait().unwrap_err();
    refused(Code::TokenExpired, "expired");
}

#[test]
fn configurations_come_change_and_go() {
    let (store, _) = open(json!({"url": "memory:", "audit": true, "limits": {"deadline": 10}}));
    store.configs().create(CONFIG).wait().unwrap();
    store.configs().create(CONFIG).wait().unwrap_err();
    store.configs().update("cart", r#"{"expiry": 8}"#).wait().unwrap();
    start(&store, "ann");
    store.configs().delete("cart", true).wait().unwrap();
    assert_eq!(
        names(&store),
        ["config.created", "config.changed", "session.started", "session.ended", "config.deleted"]
    );
}

#[test]
fn limits_that_are_hit() {
    let (store, _) =
        open(json!({"url": "memory:", "audit": true, "limits": {"fieldName": 3, "fieldValue": 5, "nesting": 1}}));
    let run = store.execution(None, None).unwrap();
    run.local().put(r#"{"long": 1}"#, None).wait().unwrap_err();
    run.local().put_one("abc", "123456", None).wait().unwrap_err();
    run.local().get("long").wait().unwrap_err();
    run.local().update("long").current().wait().unwrap_err();
    run.subprocess("a").unwrap().subprocess("b").unwrap_err();
    let step = Step::parse(r#"{"operation": "PUT", "fields": "abc"}"#).unwrap();
    run.step(&step, Some(r#"{"abc": "123456"}"#)).wait().unwrap_err();
    let told = events(&store);
    assert_eq!(told.len(), 6, "{told:?}");
    assert!(told.iter().all(|event| event["event"] == "limit.hit" && event["code"] == "LIMIT_EXCEEDED"), "{told:?}");

    let (store, _) = watched();
    store.configs().update("cart", r#"{"onLimit": "reject", "maxSessionsPerUser": 1}"#).wait().unwrap();
    start(&store, "ann");
    store.drain_events(9);
    store.sessions().start("cart", r#"{"userId": "ann", "note": ""}"#, None).wait().unwrap_err();
    let event = only(&store);
    assert_eq!((text(&event, "event"), text(&event, "code")), ("limit.hit", "QUOTA_EXCEEDED"));
}

fn sqlite(folder: &Path) -> (Store, Clock) {
    let keyring = folder.join("keyring.json");
    if !keyring.exists() {
        Keyring::generate(&keyring).unwrap();
    }
    open(json!({"url": format!("sqlite:{}", folder.join("s.db").display()), "keyring": keyring, "audit": true}))
}

#[test]
fn what_was_tampered_with_is_seen_wherever_it_is_met() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = sqlite(folder.path());
    store.configs().create(CONFIG).wait().unwrap();
    let session = start(&store, "ann");
    // Another process, so that no head is known.
    store.close().wait().unwrap();
    flip_heads(folder.path());
    let (store, _) = sqlite(folder.path());
    store.sessions().list("cart", None, None).wait().unwrap();
    let seen = only(&store);
    assert_eq!((text(&seen, "event"), text(&seen, "code")), ("tampering.seen", "CORRUPT"));
    assert_eq!(seen["sessionId"], session["sessionId"]);
    assert_eq!(store.sessions().verify(text(&session, "token")).wait().unwrap_err().code(), Code::Corrupt);
    assert_eq!(only(&store)["sessionId"], session["sessionId"]);
    let run = store.execution(Some(JWT), Some(text(&session, "token"))).unwrap();
    assert_eq!(run.global(None).get("note").wait().unwrap_err().code(), Code::Corrupt);
    let [verified, seen] = &events(&store)[..] else { panic!("two events") };
    assert_eq!((text(verified, "event"), text(seen, "event")), ("token.verified", "tampering.seen"));
    assert_eq!((&seen["sessionId"], &seen["user"]), (&session["sessionId"], &verified["user"]));
    store.sessions().revoke(text(&session, "sessionId")).wait().unwrap();
    assert_eq!(names(&store), ["tampering.seen", "session.revoked"]);
}

/// The last byte of every session's head, but for those of configurations.
fn flip_heads(folder: &Path) {
    let file = rusqlite::Connection::open(folder.join("s.db")).unwrap();
    let mut rows = file.prepare("SELECT key, head FROM session WHERE touch IS NOT NULL").unwrap();
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows.len(), 1);
    for (key, mut head) in rows {
        *head.last_mut().unwrap() ^= 1;
        file.execute("UPDATE session SET head = ?2 WHERE key = ?1", rusqlite::params![key, head]).unwrap();
    }
}

#[test]
fn nobody_asked_for_events() {
    let (store, _) = open(json!({"url": "memory:"}));
    store.configs().create(CONFIG).wait().unwrap();
    assert!(!store.has_events() && store.drain_events(9).is_empty());
}

#[test]
fn memory_is_bounded_and_what_was_lost_is_counted_among_threads() {
    let (store, _) = open(json!({"url": "memory:", "audit": true, "limits": {"auditEvents": 100}}));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| drop(store.verify("x").wait().unwrap_err())));
        }
    });
    let told = events(&store);
    assert_eq!(told.len(), 101);
    assert_eq!((text(&told[100], "event"), &told[100]["count"]), ("audit.dropped", &json!(1900)));
    let drained: usize = thread::scope(|scope| {
        let drain = |_| scope.spawn(|| (0..200).map(|_| store.drain_events(3).len()).sum::<usize>());
        let drains: Vec<_> = (0..2).map(drain).collect();
        (0..90).for_each(|_| drop(store.verify("x").wait().unwrap_err()));
        drains.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(drained + events(&store).len(), 90);
}

#[test]
fn a_closed_store_still_gives_its_events() {
    let (store, _) = watched();
    start(&store, "ann");
    store.close().wait().unwrap();
    assert_eq!(names(&store), ["session.started"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_event_tells_who_or_what(
        who in "[a-zA-Z0-9@+. é]{8,24}", field in "[a-zA-Z_]{8,16}", value in "[a-zA-Z0-9]{8,32}", realm in "[a-z:/]{8,20}",
    ) {
        let (store, _) = open(json!({"url": "memory:", "audit": true}));
        let definition = json!({"name": "Cart", "selector": "id", "schema": {"id": "string", &field: "string"}});
        store.configs().create(&definition.to_string()).wait().unwrap();
        let data = json!({"id": who, &field: value}).to_string();
        let started: Value = serde_json::from_str(&store.sessions().start("cart", &data, None).wait().unwrap()).unwrap();
        let sessions = store.sessions();
        let token = store.tokens().issue(&json!({"sub": who, "extra": value}).to_string(), 600).wait().unwrap();
        let run = store.execution(Some(JWT), Some(&token)).unwrap();
        run.global(Some("cart")).put(&json!({&field: value}).to_string(), None).wait().unwrap();
        let _ = run.global(Some("cart")).put(&json!({&field: 1}).to_string(), None).wait();
        let _ = run.global(Some(&value)).get(&field).wait();
        let _ = store.execution(Some(JWT), Some(&value)).unwrap().global(None).get(&field).wait();
        run.global(Some("cart")).end().wait().unwrap();
        let _ = sessions.verify(&value).wait();
        let _ = sessions.refresh(&format!("{field}:{value}")).wait();
        sessions.refresh(text(&started, "refreshToken")).wait().unwrap();
        let user = json!(who).to_string();
        sessions.user("cart", &user).wait().unwrap();
        sessions.revoke_all("cart", &user, None).wait().unwrap();
        sessions.forget("cart", &json!({"realm": realm, "subject": who}).to_string()).wait().unwrap();
        let told = store.drain_events(usize::MAX);
        prop_assert!(told.len() >= 10);
        let mut secrets = vec![who, field, value, realm, "sessile:default".to_owned()];
        secrets.extend([&*token, text(&started, "token"), text(&started, "refreshToken")].map(str::to_owned));
        for event in &told {
            for secret in &secrets {
                prop_assert!(!event.contains(&**secret), "{event}");
            }
        }
    }
}

/// Events as `tracing` events.
#[cfg(feature = "tracing")]
mod traced {
    use std::sync::Mutex;

    use super::*;

    /// A host's subscriber that calls the store from within an event, which would never return under a lock of ours.
    struct Watcher(Mutex<Vec<String>>, Store);

    impl tracing::Subscriber for Watcher {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            metadata.target() == "sessile::audit"
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            struct Fields(String);
            impl tracing::field::Visit for Fields {
                fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    self.0 += &format!(" {}={value:?}", field.name());
                }
                fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                    self.0 += &format!(" {}={value}", field.name());
                }
            }
            let mut fields = Fields(event.metadata().level().to_string());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
            self.1.sessions().list("cart", None, None).wait().unwrap();
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[test]
    fn a_subscriber_hears_of_all_without_a_lock_of_ours() {
        let (store, _) = open(json!({"url": "memory:"}));
        store.configs().create(CONFIG).wait().unwrap();
        let watcher = std::sync::Arc::new(Watcher(Mutex::default(), store.clone()));
        tracing::subscriber::with_default(watcher.clone(), || {
            let token = store.tokens().issue(r#"{"sub": "ann"}"#, 600).wait().unwrap();
            let run = store.execution(Some(JWT), Some(&token)).unwrap();
            run.set_request_id(Some("r\n1")).unwrap();
            // Under the turn of that field, of which a thread has one at a time.
            run.global(Some("cart")).put_if_absent("note", r#""x""#, None).wait().unwrap();
            run.local().get("").wait().unwrap_err();
            store.verify("x").wait().unwrap_err();
        });
        let heard = watcher.0.lock().unwrap();
        let [verified, started, refused] = &heard[..] else { panic!("{heard:?}") };
        let head = "INFO at=2026-01-01T00:00:00.000Z event=token.verified tag=cart user=";
        assert!(verified.starts_with(head) && verified.ends_with(r" requestId=r\u000a1"), "{verified}");
        assert!(
            started.contains("event=session.started tag=cart") && started.contains(" sessionId=cart."),
            "{started}"
        );
        assert!(refused.starts_with("WARN") && refused.ends_with(" reason=segments code=TOKEN_MALFORMED"), "{refused}");
        assert!(!store.has_events());
    }
}
