//! One refresh token, used sixteen times at once.

use serde_json::{Value, json};
use sessile::{Clock, Code, Store};

use crate::agreement::{agreed, parse, text, verify};
use crate::place::{Place, crowd, memory, start as clock};
use crate::rounds;
use crate::worker::{Desk, Worker};

const TIMES: usize = 16;
/// The default of `refreshGrace`, in milliseconds.
const GRACE: i64 = 10_000;

fn configure(store: &Store) {
    let definition = r#"{"name": "R", "tag": "r", "schema": {"userId": "string"}, "selector": "userId"}"#;
    store.configs().create(definition).wait().unwrap();
}

fn begin(store: &Store) -> Value {
    parse(&store.sessions().start("r", r#"{"userId": "ada"}"#, None).wait().unwrap())
}

/// What one refresh gave, as it is: the text is compared byte for byte.
fn renew(store: &Store, token: &str) -> String {
    store.sessions().refresh(token).wait().unwrap_or_else(|error| error.code().name().to_owned())
}

#[test]
fn threads_that_refresh_at_once_get_one_successor() {
    for place in [None, Some(Place::new())] {
        let clock = clock();
        let stores = match &place {
            None => vec![memory(&clock)],
            Some(place) => vec![place.open(&clock), place.open(&clock)],
        };
        configure(&stores[0]);
        for _ in 0..rounds(10, 500) {
            let started = begin(&stores[0]);
            let token = text(&started, "refreshToken");
            let successors = crowd(TIMES, |thread| renew(&stores[thread % stores.len()], &token));
            judge(&stores[0], &clock, &started, &successors);
        }
    }
}

#[test]
fn processes_that_refresh_at_once_get_one_successor() {
    let place = Place::new();
    let clock = clock();
    let store = place.open(&clock);
    configure(&store);
    let mut workers: Vec<Worker> = (0..4).map(|_| Worker::spawn(&place, "refresh")).collect();
    for _ in 0..rounds(10, 500) {
        let started = begin(&store);
        let order = json!({"token": started["refreshToken"], "now": clock.now().millis()});
        workers.iter_mut().for_each(|worker| worker.say(&order));
        let heard = workers.iter_mut().flat_map(|worker| worker.hear().as_array().unwrap().clone());
        let successors: Vec<String> = heard.map(|successor| successor.as_str().unwrap().to_owned()).collect();
        judge(&store, &clock, &started, &successors);
    }
}

/// A worker of the test above.
pub fn refresh(desk: &Desk) {
    while let Some(order) = desk.hear() {
        desk.clock.set(sessile::Time::from_millis(order["now"].as_i64().unwrap())).unwrap();
        let token = text(&order, "token");
        desk.say(&Value::from(crowd(TIMES / 4, |_| renew(&desk.store, &token))));
    }
}

fn judge(store: &Store, clock: &Clock, started: &Value, successors: &[String]) {
    assert_eq!(successors.len(), TIMES);
    assert!(successors.iter().all(|successor| successor == &successors[0]), "{successors:#?}");
    let successor = parse(&successors[0]);
    assert_eq!(successor["sessionId"], started["sessionId"]);
    assert_ne!(successor["refreshToken"], started["refreshToken"]);
    for token in [&successor, started] {
        assert_eq!(verify(store, &text(token, "token"))["valid"], true);
    }
    // It turned once: the successor is the current one, and the old one is the one before to the grace's last instant.
    clock.advance(GRACE).unwrap();
    assert_eq!(renew(store, &text(started, "refreshToken")), successors[0]);
    clock.advance(1).unwrap();
    let old = store.sessions().refresh(&text(started, "refreshToken")).wait().unwrap_err();
    assert_eq!(old.code(), Code::RefreshReused, "{old}");
    assert_eq!(renew(store, &text(&successor, "refreshToken")), "SESSION_REVOKED");
    for token in [&successor, started] {
        assert_eq!(verify(store, &text(token, "token")), json!({"valid": false, "reason": "revoked"}));
    }
    assert_eq!(agreed(store, "r")[r#""ada""#].alive.len(), 0);
}

/// Two that hold successive tokens: the one before is only good for its own successor.
#[test]
fn two_generations_raced_never_fork_the_session() {
    let clock = clock();
    let store = memory(&clock);
    configure(&store);
    for _ in 0..rounds(20, 500) {
        let first = text(&begin(&store), "refreshToken");
        let second = text(&parse(&renew(&store, &first)), "refreshToken");
        let answers = crowd(8, |thread| renew(&store, if thread % 2 == 0 { &first } else { &second }));
        let third: Vec<&String> = answers.iter().skip(1).step_by(2).filter(|answer| answer.starts_with('{')).collect();
        assert!(third.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
        for answer in answers.iter().step_by(2).filter(|answer| answer.starts_with('{')) {
            assert_eq!(text(&parse(answer), "refreshToken"), second);
        }
        // Once the second one turned the counter, the first one was stolen, and the session is over for both.
        let refused = answers.iter().filter(|answer| !answer.starts_with('{'));
        refused.for_each(|code| assert!(["REFRESH_REUSED", "SESSION_REVOKED"].contains(&code.as_str()), "{code}"));
    }
}
