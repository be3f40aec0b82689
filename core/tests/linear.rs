//! What several clients did to one field, and were told, can have been done one after the other: each at some moment between
//! its call and its answer. On a file, on a Redis and on a PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;

use std::collections::HashSet;
use std::thread;
use std::time::Instant;

use sessile::{Code, Keyring, Options, Session, Store};

const CLIENTS: u32 = 8;
const CALLS: u32 = 7;

/// What was asked and what was answered. No value is put twice, so a value stands for its version.
#[derive(Clone, Copy, Debug)]
enum Did {
    Got(Option<u32>),
    Put(u32),
    /// What it was to be, what it was to become, and whether it did.
    PutIf(Option<u32>, u32, bool),
    Deleted(bool),
    Took(Option<u32>),
}

#[derive(Clone, Copy, Debug)]
struct Event {
    called: Instant,
    answered: Instant,
    did: Did,
}

/// The field after it, if that may be the answer where `field` stands.
fn after(field: Option<u32>, did: Did) -> Option<Option<u32>> {
    match did {
        Did::Got(found) => (found == field).then_some(field),
        Did::Put(value) => Some(Some(value)),
        Did::PutIf(expected, value, true) => (expected == field).then_some(Some(value)),
        Did::PutIf(expected, _, false) => (expected != field).then_some(field),
        Did::Deleted(was_there) => (was_there == field.is_some()).then_some(None),
        Did::Took(found) => (found == field).then_some(None),
    }
}

/// Whether there is an order of all events that explains every answer, beginning with no field.
fn is_explained(events: &[Event]) -> bool {
    fn goes_on(events: &[Event], done: u64, field: Option<u32>, vain: &mut HashSet<(u64, Option<u32>)>) -> bool {
        if done.count_ones() as usize == events.len() {
            return true;
        }
        if !vain.insert((done, field)) {
            return false;
        }
        let left = || (0..events.len()).filter(|at| done & (1 << at) == 0);
        // Nothing that is left may have been answered before this one was called.
        let first_answer = left().map(|at| events[at].answered).min().unwrap();
        left()
            .filter(|at| events[*at].called <= first_answer)
            .any(|at| after(field, events[at].did).is_some_and(|field| goes_on(events, done | 1 << at, field, vain)))
    }
    assert!(events.len() <= 64);
    goes_on(events, 0, None, &mut HashSet::new())
}

#[test]
fn what_cannot_be_explained_is_found() {
    let now = Instant::now();
    let at = |millis| now + std::time::Duration::from_millis(millis);
    let event = |from, to, did| Event { called: at(from), answered: at(to), did };
    let lost = [event(0, 1, Did::Put(1)), event(2, 3, Did::Got(None))];
    assert!(!is_explained(&lost));
    let meanwhile = [event(0, 5, Did::Put(1)), event(2, 3, Did::Got(None)), event(6, 7, Did::Got(Some(1)))];
    assert!(is_explained(&meanwhile));
    let twice = [
        event(0, 1, Did::Put(1)),
        event(2, 9, Did::PutIf(Some(1), 2, true)),
        event(2, 9, Did::PutIf(Some(1), 3, true)),
    ];
    assert!(!is_explained(&twice), "two won with one version");
    let both_took = [event(0, 1, Did::Put(1)), event(2, 9, Did::Took(Some(1))), event(2, 9, Did::Took(Some(1)))];
    assert!(!is_explained(&both_took));
}

/// One client's calls, drawn from `seed`.
fn client(session: &Session, number: u32, mut seed: u64) -> Vec<Event> {
    let value = |found: Option<sessile::Json>| found.map(|value| value.as_str().parse().unwrap());
    let mut known: Option<(u32, String)> = None;
    let calls = (0..CALLS).map(|call| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let new = 1 + number * CALLS + call;
        let called = Instant::now();
        let did = match (seed >> 33) % 6 {
            0 | 1 => {
                let found = session.get_versioned("f").wait().unwrap();
                known = found.map(|found| (found.value.as_str().parse().unwrap(), found.version));
                Did::Got(known.as_ref().map(|(value, _)| *value))
            }
            2 => {
                session.put_one("f", &new.to_string(), None).wait().unwrap();
                Did::Put(new)
            }
            3 => {
                let version = known.as_ref().map(|(_, version)| version.as_str());
                let won = match session.put_if("f", &new.to_string(), version, None).wait() {
                    Ok(_) => true,
                    Err(error) if error.code() == Code::Conflict => false,
                    Err(error) => panic!("{error}"),
                };
                Did::PutIf(known.as_ref().map(|(value, _)| *value), new, won)
            }
            4 => Did::Deleted(session.delete(&["f"]).wait().unwrap() == 1),
            _ => Did::Took(value(session.take("f").wait().unwrap())),
        };
        Event { called, answered: Instant::now(), did }
    });
    calls.collect()
}

fn is_linear(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let limits = r#"{"deadline": 60000, "connect": 60000, "connections": 1}"#;
    let options = format!(r#"{{"url": "{url}", "limits": {limits}}}"#);
    // A store each: what a process remembers is its own.
    let open = || Store::open(Options::from_json(&options).unwrap().keyring_file(&keyring)).wait().unwrap();
    let stores: Vec<Store> = (0..CLIENTS).map(|_| open()).collect();
    for round in 0..15 {
        let token = stores[0].tokens().issue(&format!(r#"{{"sub": "u{round}"}}"#), 600).wait().unwrap();
        let session = |store: &Store| store.global(&store.verify(&token).wait().unwrap(), None).unwrap();
        session(&stores[0]).put(r#"{"begun": true}"#, None).wait().unwrap();
        let events: Vec<Event> = thread::scope(|scope| {
            let started: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let mine = session(&stores[number as usize]);
                    scope.spawn(move || client(&mine, number, u64::from(round * CLIENTS + number)))
                })
                .collect();
            started.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        assert!(is_explained(&events), "{url}, round {round}: {events:#?}");
    }
}

#[test]
fn on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    is_linear(&format!("sqlite:{}", folder.path().join("sessions.db").display()));
}

#[test]
fn on_redis() {
    is_linear(&redis::Server::start(&[]).url());
}

#[test]
fn on_postgresql() {
    is_linear(&postgres::Server::start(&[]).url());
}
