//! A session revoked while other processes use it in every way there is.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use sessile::{Code, Execution, Result, Step, Store, Time};

use crate::agreement::{agreed, parse, text, verify};
use crate::place::{Place, start as clock};
use crate::rounds;
use crate::worker::{Desk, Worker};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
/// The clock of a worker goes on by this at every use: past the interval in which a use is noted.
const STEP: i64 = 31_000;
const STEPS: i64 = 80;

#[test]
fn nothing_of_a_revoked_session_is_readable_whoever_is_using_it() {
    let place = Place::new();
    let clock = clock();
    let store = place.open(&clock);
    let definition = json!({"name": "Used", "tag": "used", "schema": {"userId": "string", "n": "integer", "note": "string"},
        "selector": "userId", "idle": {"value": 5, "period": "mins"}});
    store.configs().create(&definition.to_string()).wait().unwrap();
    let mut workers: Vec<Worker> = (0..3).map(|_| Worker::spawn(&place, "use")).collect();
    let mut uses = 0;
    for round in 0..rounds(150, 10_000) {
        clock.advance(STEP * (STEPS + 1)).unwrap();
        let data = format!(r#"{{"userId": "user{}", "n": 0, "note": "{}"}}"#, round % 7, "x".repeat(round % 3 * 3000));
        let started = parse(&store.sessions().start("used", &data, None).wait().unwrap());
        for (at, worker) in workers.iter_mut().enumerate() {
            let mut order = started.clone();
            order["now"] = json!(clock.now().millis());
            // One alone: two that refresh in turns are a thief and a victim.
            order["refreshes"] = json!(at == round % 3);
            worker.say(&order);
        }
        workers.iter_mut().for_each(|worker| assert_eq!(worker.hear(), "in use"));
        thread::sleep(Duration::from_micros(137 * (round % 23) as u64));
        store.sessions().revoke(&text(&started, "sessionId")).wait().unwrap();
        nothing_is_readable(&store, &started);
        uses += workers.iter_mut().map(|worker| worker.hear().as_u64().unwrap()).sum::<u64>();
        nothing_is_readable(&store, &started);
    }
    println!("revoked under {uses} uses in {} rounds", rounds(150, 10_000));
    assert!(agreed(&store, "used").values().all(|user| user.alive.is_empty()));
    drop(workers);
    store.close().wait().unwrap();

    // Not even its bytes are there: no late write brought a field back.
    let file = rusqlite::Connection::open(place.file()).unwrap();
    let count = |query: &str| file.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM field"), 0);
    assert_eq!(count("SELECT count(*) FROM session WHERE count > 0"), 0);
}

fn nothing_is_readable(store: &Store, started: &Value) {
    assert_eq!(verify(store, &text(started, "token")), json!({"valid": false, "reason": "revoked"}));
    let listed = parse(&store.sessions().list("used", None, None).wait().unwrap());
    assert_eq!(listed["sessions"], json!([]));
    let user = store.execution(Some(JWT), Some(&text(started, "token"))).unwrap();
    assert_eq!(user.global(None).all().wait().unwrap_err().code(), Code::SessionRevoked);
}

/// A worker of the test above: uses a session until that is refused, and then asks for it in every way.
pub fn use_until_refused(desk: &Desk) {
    while let Some(order) = desk.hear() {
        let began = order["now"].as_i64().unwrap();
        let refreshes = order["refreshes"] == true;
        let mut refresh_token = text(&order, "refreshToken");
        let id = text(&order, "sessionId");
        desk.clock.set(Time::from_millis(began)).unwrap();
        let run = desk.store.execution(Some(JWT), Some(&text(&order, "token"))).unwrap();
        let mut turn = 0;
        let refused = loop {
            desk.clock.set(Time::from_millis(began + STEP * (turn as i64).min(STEPS))).unwrap();
            match use_once(&desk.store, &run, &id, turn, refreshes.then_some(&mut refresh_token)) {
                Ok(()) if turn == 0 => desk.say(&json!("in use")),
                Ok(()) => {}
                Err(error) => break error,
            }
            turn += 1;
        };
        assert_eq!(refused.code(), Code::SessionRevoked, "use {turn}: {refused}");
        for verb in 0..VERBS {
            // The refresh token of before counts as it did; both it and the new one are refused.
            let error = use_once(&desk.store, &run, &id, verb, Some(&mut refresh_token)).unwrap_err();
            assert_eq!(error.code(), Code::SessionRevoked, "verb {verb}: {error}");
        }
        desk.say(&json!(turn));
    }
}

const VERBS: usize = 7;

fn use_once(store: &Store, run: &Execution, id: &str, turn: usize, refresh: Option<&mut String>) -> Result<()> {
    let session = run.global(None);
    match turn % VERBS {
        0 => session.put(&format!(r#"{{"n": {turn}}}"#), None).wait(),
        1 => session.get("note").wait().map(|found| assert!(found.is_some(), "a field is missing")),
        2 => {
            let step = r#"{"operation": "PUT", "sessionType": "GLOBAL", "fields": ["note"]}"#;
            let message = format!(r#"{{"note": "{turn}"}}"#);
            run.step(&Step::parse(step).unwrap(), Some(&message)).wait().map(|_| ())
        }
        3 => match refresh {
            Some(token) => {
                *token = text(&parse(&store.sessions().refresh(token).wait()?), "refreshToken");
                Ok(())
            }
            None => session.increment("n", "1").wait().map(|_| ()),
        },
        4 => store.sessions().update(id, r#"{"note": "by id"}"#).wait(),
        5 => session.increment("n", "1").wait().map(|_| ()),
        _ => store.sessions().extend(id, 3600).wait().map(|_| ()),
    }
}
