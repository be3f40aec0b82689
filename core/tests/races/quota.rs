//! At the edge: of a quota, and of one tag that two want to create.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use sessile::{Code, Store};

use crate::agreement::{agreed, parse, text, tokens_agree};
use crate::place::{Place, crowd, memory, start as clock};
use crate::rounds;
use crate::worker::{Desk, Worker};

const LIMIT: u64 = 5;
const THREADS: usize = 32;
const EACH: usize = 3;

fn definition(tag: &str, on_limit: &str, limit: u64) -> String {
    json!({"name": tag, "tag": tag, "schema": {"userId": "string"}, "selector": "userId", "expiry": 1, "period": "day",
        "maxSessionsPerUser": limit, "onLimit": on_limit})
    .to_string()
}

/// What a start gave: the session, or the code's name.
fn begin(store: &Store) -> Value {
    match store.sessions().start("edge", r#"{"userId": "ada"}"#, None).wait() {
        Ok(started) => parse(&started),
        Err(error) => json!(error.code().name()),
    }
}

#[test]
fn threads_at_the_quotas_edge_leave_exactly_the_limit() {
    for _ in 0..rounds(1, 20) {
        for on_limit in ["reject", "evict_oldest"] {
            for place in [None, Some(Place::new())] {
                let store = place.as_ref().map_or_else(|| memory(&clock()), |place| place.open(&clock()));
                store.configs().create(&definition("edge", on_limit, LIMIT)).wait().unwrap();
                let done = AtomicBool::new(false);
                let answers = thread::scope(|scope| {
                    scope.spawn(|| watch(&store, &done));
                    let _end = End(&done);
                    crowd(THREADS, |_| (0..EACH).map(|_| begin(&store)).collect::<Vec<_>>())
                });
                judge(&store, on_limit, answers.concat());
            }
        }
    }
}

#[test]
fn processes_at_the_quotas_edge_leave_exactly_the_limit() {
    for _ in 0..rounds(1, 20) {
        for on_limit in ["reject", "evict_oldest"] {
            let place = Place::new();
            let store = place.open(&clock());
            store.configs().create(&definition("edge", on_limit, LIMIT)).wait().unwrap();
            let mut workers: Vec<Worker> = (0..4).map(|_| Worker::spawn(&place, "start")).collect();
            workers.iter_mut().for_each(|worker| worker.say(&json!({"threads": THREADS / 4})));
            let done = AtomicBool::new(false);
            let answers = thread::scope(|scope| {
                scope.spawn(|| watch(&store, &done));
                let _end = End(&done);
                workers.iter_mut().map(|worker| worker.hear().as_array().unwrap().clone()).collect::<Vec<_>>()
            });
            judge(&store, on_limit, answers.concat());
        }
    }
}

/// A worker of the test above.
pub fn start(desk: &Desk) {
    while let Some(order) = desk.hear() {
        let threads = order["threads"].as_u64().unwrap() as usize;
        let answers = crowd(threads, |_| (0..EACH).map(|_| begin(&desk.store)).collect::<Vec<_>>());
        desk.say(&Value::from(answers.concat()));
    }
}

/// At every moment: never more than the limit alive, and once that many are, never fewer.
fn watch(store: &Store, done: &AtomicBool) {
    let mut most = 0;
    while !done.load(Ordering::Acquire) {
        let Ok(user) = store.sessions().user("edge", r#""ada""#).wait() else { continue };
        let alive = parse(&user)["activeSessions"].as_u64().unwrap();
        assert!(alive <= LIMIT, "{alive} alive");
        assert!(alive >= most, "{alive} alive, where {most} were: one was evicted needlessly");
        most = alive;
    }
}

/// Ends the watch, also when a test fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn judge(store: &Store, on_limit: &str, answers: Vec<Value>) {
    let (begun, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Value::is_object);
    let expected = if on_limit == "reject" { LIMIT as usize } else { THREADS * EACH };
    assert_eq!(begun.len(), expected, "{on_limit}: {refused:?}");
    assert_eq!(begun.len() + refused.len(), THREADS * EACH);
    assert!(refused.iter().all(|code| code == "QUOTA_EXCEEDED"), "{refused:?}");

    let told = agreed(store, "edge");
    let ada = &told[r#""ada""#];
    assert_eq!((told.len(), ada.alive.len() as u64, ada.total), (1, LIMIT, begun.len() as u64));
    let tokens: Vec<_> = begun.iter().map(|started| (text(started, "sessionId"), text(started, "token"))).collect();
    let reasons = tokens_agree(store, &told, tokens.iter().map(|(session, token)| (session, token)));
    assert_eq!(reasons.len(), begun.len() - LIMIT as usize);
    assert!(reasons.values().all(|reason| reason == "evicted"), "{reasons:?}");
}

#[test]
fn who_keeps_within_the_limit_is_neither_refused_nor_evicted() {
    for on_limit in ["reject", "evict_oldest"] {
        let place = Place::new();
        let stores = [place.open(&clock()), place.open(&clock())];
        stores[0].configs().create(&definition("edge", on_limit, LIMIT)).wait().unwrap();
        crowd(LIMIT as usize, |thread| {
            let sessions = stores[thread % 2].sessions();
            for _ in 0..rounds(20, 400) {
                let started = parse(&sessions.start("edge", r#"{"userId": "ada"}"#, None).wait().unwrap());
                let verified = parse(&sessions.verify(&text(&started, "token")).wait().unwrap());
                assert_eq!(verified["valid"], true, "{verified}");
                sessions.revoke(&text(&started, "sessionId")).wait().unwrap();
            }
        });
        let ada = &agreed(&stores[1], "edge")[r#""ada""#];
        assert_eq!((ada.alive.len(), ada.total), (0, LIMIT * rounds(20, 400) as u64));
    }
}

#[test]
fn a_standing_session_and_started_ones_race_for_the_last_place() {
    for place in [None, Some(Place::new())] {
        let clock = clock();
        let store = place.as_ref().map_or_else(|| memory(&clock), |place| place.open(&clock));
        for round in 0..rounds(25, 300) {
            let tag = format!("last{round}");
            store.configs().create(&definition(&tag, "reject", 1)).wait().unwrap();
            let token = store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
            let answers = crowd(8, |thread| {
                if thread % 2 == 0 {
                    store.sessions().start(&tag, r#"{"userId": "ada"}"#, None).wait().map(|_| "started")
                } else {
                    let run = store.execution(Some(r#"{"type": "rest", "security": "jwt"}"#), Some(&token)).unwrap();
                    run.global(Some(&tag)).put(r#"{"userId": "ada"}"#, None).wait().map(|()| "put")
                }
            });
            let standing = answers.iter().filter(|answer| matches!(answer, Ok("put"))).count();
            let started = answers.iter().filter(|answer| matches!(answer, Ok("started"))).count();
            // All that put share the standing session; a started one shuts them all out.
            assert!((started == 1 && standing == 0) || (started == 0 && standing == 4), "{answers:?}");
            let others = answers.iter().filter_map(|answer| answer.as_ref().err());
            others.for_each(|error| assert_eq!(error.code(), Code::QuotaExceeded, "{error}"));
            assert_eq!(agreed(&store, &tag)[r#""ada""#].alive.len(), 1);
        }
    }
}

#[test]
fn of_many_creators_of_one_tag_one_wins() {
    let place = Place::new();
    let here = [memory(&clock()), place.open(&clock())];
    for round in 0..rounds(5, 200) {
        for store in &here {
            let answers = crowd(THREADS, |_| create_one(store, &format!("thread{round}")));
            one_won(&answers);
        }
    }
    let mut workers: Vec<Worker> = (0..4).map(|_| Worker::spawn(&place, "create")).collect();
    for round in 0..rounds(10, 200) {
        let tag = format!("process{round}");
        workers.iter_mut().for_each(|worker| worker.say(&json!(tag)));
        let answers: Vec<Value> =
            workers.iter_mut().flat_map(|worker| worker.hear().as_array().unwrap().clone()).collect();
        one_won(&answers);
        let config = parse(&here[1].configs().get(&tag).wait().unwrap());
        assert_eq!(config["version"], 1);
    }
}

/// A worker of the test above.
pub fn create(desk: &Desk) {
    while let Some(tag) = desk.hear() {
        desk.say(&Value::from(crowd(4, |_| create_one(&desk.store, tag.as_str().unwrap()))));
    }
}

fn create_one(store: &Store, tag: &str) -> Value {
    match store.configs().create(&definition(tag, "reject", 1)).wait() {
        Ok(_) => json!("created"),
        Err(error) => json!(error.code().name()),
    }
}

fn one_won(answers: &[Value]) {
    assert_eq!(answers.iter().filter(|answer| **answer == "created").count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer == "created" || answer == "ALREADY_EXISTS"), "{answers:?}");
}
