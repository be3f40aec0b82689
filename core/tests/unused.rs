//! Sessions that end because nobody uses them: what becomes of them, and of their users.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::Path;
use std::thread;

use serde_json::{Value, json};
use sessile::{Clock, Code, Keyring, Options, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const HOUR: i64 = 3600 * 1000;
const DAY: i64 = 24 * HOUR;

fn sqlite(folder: &Path, clock: &Clock) -> Store {
    let keyring = folder.join("keyring.json");
    if !keyring.exists() {
        Keyring::generate(&keyring).unwrap();
    }
    let url = format!("sqlite:{}", folder.join("sessions.db").display());
    Store::open(Options::new(&url).keyring_file(keyring).clock(clock.clone())).wait().unwrap()
}

fn start() -> Clock {
    Clock::manual(Time::parse("2026-01-01T00:00:00Z").unwrap())
}

/// In memory and on a file; with a config whose sessions end after an hour without use, and else never.
fn each_store(test: impl Fn(&Store, &Clock)) {
    let (folder, clock) = (tempfile::tempdir().unwrap(), start());
    test(&with_config(Store::open(Options::new("memory:").clock(clock.clone())).wait().unwrap()), &clock);
    let clock = start();
    test(&with_config(sqlite(folder.path(), &clock)), &clock);
}

fn with_config(store: Store) -> Store {
    let definition = json!({"name": "Idle", "tag": "idle", "schema": {"userId": "string", "n": "integer"},
        "selector": "userId", "idle": {"value": 1, "period": "hour"}, "retention": {"value": 2, "period": "days"},
        "maxSessionsPerUser": 1, "onLimit": "reject"});
    store.configs().create(&definition.to_string()).wait().unwrap();
    store
}

fn begin(store: &Store) -> Value {
    parse(&store.sessions().start("idle", r#"{"userId": "ada", "n": 0}"#, None).wait().unwrap())
}

fn put(store: &Store, started: &Value) -> sessile::Result<()> {
    let run = store.execution(Some(JWT), started["token"].as_str()).unwrap();
    run.global(None).put_one("n", "1", None).wait()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn sweep(store: &Store) -> u64 {
    store.sweep(100).wait().unwrap()
}

/// How the one user is shown, and how many sessions are; `None`: there is no user.
fn shown(store: &Store) -> Option<(String, usize)> {
    let users = parse(&store.sessions().users("idle", None).wait().unwrap());
    let sessions = parse(&store.sessions().list("idle", None, None).wait().unwrap());
    let state = users["users"].as_array().unwrap().first()?["state"].as_str().unwrap().to_owned();
    Some((state, sessions["sessions"].as_array().unwrap().len()))
}

#[test]
fn a_session_that_nobody_uses_is_swept_a_day_after_and_its_user_when_they_are_kept_no_longer() {
    each_store(|store, clock| {
        let started = begin(store);
        clock.advance(HOUR / 2).unwrap();
        put(store, &started).unwrap();
        // From here: over in an hour, swept in a day and an hour, its user in two days and an hour.
        clock.advance(HOUR - 1).unwrap();
        assert_eq!((sweep(store), shown(store)), (0, Some(("active".to_owned(), 1))));
        clock.advance(1).unwrap();
        assert_eq!((sweep(store), shown(store)), (0, Some(("expired".to_owned(), 1))));
        clock.advance(DAY - 1).unwrap();
        assert_eq!((sweep(store), shown(store)), (0, Some(("expired".to_owned(), 1))));
        clock.advance(1).unwrap();
        assert_eq!((sweep(store), shown(store)), (1, Some(("expired".to_owned(), 0))));
        clock.advance(DAY - 1).unwrap();
        assert_eq!((sweep(store), shown(store)), (0, Some(("expired".to_owned(), 0))));
        clock.advance(1).unwrap();
        assert_eq!((sweep(store), shown(store)), (1, None));
        assert_eq!(put(store, &started).unwrap_err().code(), Code::TokenExpired);
        // Nothing is in the way of who comes back.
        begin(store);
        assert_eq!((sweep(store), shown(store)), (0, Some(("active".to_owned(), 1))));
    });
}

#[test]
fn a_user_is_kept_no_shorter_when_nobody_swept_in_time() {
    each_store(|store, clock| {
        begin(store);
        clock.advance(2 * DAY).unwrap();
        // Listed no more, but there.
        assert_eq!(shown(store), Some(("expired".to_owned(), 0)));
        // When the session was used last goes with it; that it is over is known from now on.
        assert_eq!((sweep(store), shown(store)), (1, Some(("expired".to_owned(), 0))));
        clock.advance(2 * DAY - 1).unwrap();
        assert_eq!((sweep(store), shown(store)), (0, Some(("expired".to_owned(), 0))));
        clock.advance(1).unwrap();
        assert_eq!((sweep(store), shown(store)), (1, None));
    });
}

#[test]
fn a_session_in_use_is_never_swept_however_long_ago_it_began() {
    each_store(|store, clock| {
        let run = store.execution(Some(JWT), Some(&login(store))).unwrap();
        let session = run.global(Some("idle"));
        session.put_one("n", "0", None).wait().unwrap();
        for n in 1..=100 {
            clock.advance(HOUR * 59 / 60).unwrap();
            run.renew(&login(store)).wait().unwrap();
            match n % 2 {
                0 => session.put_one("n", &n.to_string(), None).wait().unwrap(),
                _ => drop(session.get("n").wait().unwrap().unwrap()),
            }
            assert_eq!(sweep(store), 0, "{n}");
        }
        assert_eq!(session.get("n").wait().unwrap().unwrap().as_str(), "100");
    });
}

fn login(store: &Store) -> String {
    store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap()
}

/// Two processes whose clocks are a day apart: for one the session is used in its last moment, for the other it was over
/// long ago. Whoever is first decides; a use that was acknowledged is never swept.
#[test]
fn a_use_that_races_the_sweep_is_refused_or_kept() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..90 {
        let (user_clock, sweeper_clock) = (start(), start());
        user_clock.advance(round * 100 * DAY).unwrap();
        sweeper_clock.set(user_clock.now()).unwrap();
        let user = sqlite(folder.path(), &user_clock);
        let user = if round == 0 { with_config(user) } else { user };
        let sweeper = sqlite(folder.path(), &sweeper_clock);
        let started = begin(&user);
        user_clock.advance(HOUR - 1).unwrap();
        sweeper_clock.advance(HOUR + DAY).unwrap();
        let (used, swept) = match round % 3 {
            0 => {
                let used = put(&user, &started);
                (used, sweep(&sweeper))
            }
            1 => {
                let swept = sweep(&sweeper);
                (put(&user, &started), swept)
            }
            _ => thread::scope(|scope| {
                let used = scope.spawn(|| put(&user, &started));
                let swept = sweep(&sweeper);
                (used.join().unwrap(), swept)
            }),
        };
        if round % 3 < 2 {
            assert_eq!(used.is_ok(), round % 3 == 0, "round {round}");
        }
        match used {
            Ok(()) => {
                assert_eq!(swept, 0, "round {round}: used, and swept");
                let id = started["sessionId"].as_str().unwrap();
                user.sessions().revoke(id).wait().unwrap();
            }
            Err(error) => assert_eq!((error.code(), swept), (Code::SessionRevoked, 1), "round {round}: {error}"),
        }
    }
}
