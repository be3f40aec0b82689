//! The threads of one execution, which all put at the moment when the session begins.

use std::collections::BTreeSet;

use sessile::{Clock, Code, Error, Execution, Store};

use crate::place::{Place, crowd, memory, start as clock};
use crate::rounds;

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const THREADS: usize = 8;

#[test]
fn the_threads_of_an_execution_begin_its_session_together() {
    let clock = clock();
    all_of_their_first_puts_are_kept(&memory(&clock));
    all_of_their_first_puts_are_kept(&Place::new().open(&clock));
}

fn all_of_their_first_puts_are_kept(store: &Store) {
    for round in 0..rounds(500, 10_000) {
        let run = user(store, round);
        let puts = crowd(THREADS, |thread| run.global(None).put_one(&format!("t{thread}"), "1", None).wait());
        for (thread, put) in puts.into_iter().enumerate() {
            assert!(put.is_ok(), "round {round}, thread {thread}: {}", put.unwrap_err());
        }
        let found = run.global(None).all().wait().unwrap();
        assert_eq!(found.iter().count(), THREADS, "round {round}");
    }
}

/// Another execution of the user ends the session and begins it anew while this one's threads put and read: all that
/// they see is of one life, and from its end on they are told so.
#[test]
fn the_threads_of_an_execution_are_all_held_to_one_life() {
    let clock = clock();
    all_are_of_one_life(&memory(&clock), &clock);
    all_are_of_one_life(&Place::new().open(&clock), &clock);
}

fn all_are_of_one_life(store: &Store, clock: &Clock) {
    let mut told = 0;
    for round in 0..rounds(300, 5_000) {
        let (run, other) = (user(store, round), user(store, round));
        let used = crowd(THREADS, |thread| {
            if thread == 0 {
                for _ in 0..3 {
                    // Who begins it meanwhile is the first execution: then this one is told, too.
                    let _ = other.global(None).end().wait();
                    // A life is told from another by when it began.
                    clock.advance(1).unwrap();
                    let _ = user(store, round).global(None).put_one("again", "1", None).wait();
                }
                return Vec::new();
            }
            let session = run.global(None);
            let name = format!("t{thread}");
            let put_and_ask = |_| {
                session.put_one(&name, "1", None).wait()?;
                Ok(session.info().wait()?.map(|info| info.created_at))
            };
            (0..4).map(put_and_ask).collect()
        });
        let mut lives = BTreeSet::new();
        for seen in used.into_iter().flatten() {
            match seen {
                Ok(began) => drop(lives.insert(began)),
                Err(error) => {
                    let error: Error = error;
                    assert_eq!(error.code(), Code::SessionRevoked, "round {round}: {error}");
                    told += 1;
                }
            }
        }
        assert!(lives.len() <= 1 && !lives.contains(&None), "round {round}: one execution used {lives:?}");
    }
    assert!(told > 0, "no session was ended under its execution");
}

fn user(store: &Store, number: usize) -> Execution {
    let token = store.tokens().issue(&format!(r#"{{"sub": "user{number}"}}"#), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap()
}
