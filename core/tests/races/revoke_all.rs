//! All of a user's sessions revoked while others begin.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sessile::{Clock, Code, Store};

use crate::agreement::{agreed, parse, text, verify};
use crate::place::{Place, crowd, memory, start as clock};
use crate::rounds;

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const ADA: &str = r#""ada""#;
const DATA: &str = r#"{"userId": "ada"}"#;

fn configure(store: &Store) {
    let definition =
        r#"{"name": "All", "tag": "all", "schema": {"userId": "string", "n": "integer"}, "selector": "userId"}"#;
    store.configs().create(definition).wait().unwrap();
}

fn login(store: &Store) -> String {
    store.tokens().issue(r#"{"sub": "ada"}"#, 3600).wait().unwrap()
}

fn put(store: &Store, token: &str, data: &str) -> sessile::Result<()> {
    store.execution(Some(JWT), Some(token)).unwrap().global(Some("all")).put(data, None).wait()
}

/// Neither reads nor writes with a token that was issued before; `verify` does not take a login token at all.
#[track_caller]
fn opens_nothing(store: &Store, token: &str) {
    let run = store.execution(Some(JWT), Some(token)).unwrap();
    let refusals = [
        run.global(Some("all")).all().wait().map(|_| ()),
        run.global(Some("all")).info().wait().map(|_| ()),
        put(store, token, DATA),
    ];
    for refusal in refusals {
        assert_eq!(refusal.unwrap_err().code(), Code::TokenRevoked);
    }
}

fn stores(place: Option<&Place>, clock: &Clock) -> [Store; 2] {
    let stores = match place {
        None => {
            let store = memory(clock);
            [store.clone(), store]
        }
        Some(place) => [place.open(clock), place.open(clock)],
    };
    configure(&stores[0]);
    stores
}

#[test]
fn after_revoke_all_no_token_issued_before_opens_anything() {
    for place in [None, Some(Place::new())] {
        let clock = clock();
        let stores = stores(place.as_ref(), &clock);
        let mut total = 0;
        for _ in 0..rounds(40, 2_000) {
            clock.advance(2_000).unwrap();
            total += race(&stores);
        }
        assert_eq!(agreed(&stores[0], "all")[ADA].total, total);
    }
}

/// How many sessions began.
fn race(stores: &[Store; 2]) -> u64 {
    let token = login(&stores[0]);
    let (begun, returned) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let answers = crowd(7, |thread| {
        let store = &stores[thread % 2];
        if thread == 0 {
            std::thread::yield_now();
            let before: Vec<Value> = begun.lock().unwrap().clone();
            let revoked = store.sessions().revoke_all("all", ADA, None).wait().unwrap();
            returned.store(true, Ordering::SeqCst);
            for started in &before {
                let verified = verify(store, &text(started, "token"));
                assert_eq!(verified, json!({"valid": false, "reason": "revoked"}));
            }
            opens_nothing(store, &token);
            return (revoked, false);
        }
        let mut has_put = false;
        for _ in 0..6 {
            let after = returned.load(Ordering::SeqCst);
            if thread % 3 == 0 {
                match put(store, &token, DATA) {
                    Ok(()) => {
                        assert!(!after, "a token issued before began a life");
                        has_put = true;
                    }
                    // Revoked between being met and being written.
                    Err(error) => assert!(matches!(error.code(), Code::TokenRevoked | Code::SessionRevoked), "{error}"),
                }
            } else {
                let started = parse(&store.sessions().start("all", DATA, None).wait().unwrap());
                begun.lock().unwrap().push(started);
            }
        }
        (0, has_put)
    });
    let begun = begun.into_inner().unwrap();
    // The standing session began once, if anybody's Put was in time, and was revoked.
    let standing = u64::from(answers.iter().any(|(_, has_put)| *has_put));
    let told = agreed(&stores[1], "all");
    let ada = &told[ADA];
    for started in &begun {
        let verified = verify(&stores[1], &text(started, "token"));
        assert_eq!(verified["valid"], ada.alive.contains(&text(started, "sessionId")), "{verified}");
    }
    assert_eq!(ada.alive.len() as u64 + answers[0].0, begun.len() as u64 + standing, "each was revoked once or lives");
    opens_nothing(&stores[1], &token);
    let last = stores[0].sessions().revoke_all("all", ADA, None).wait().unwrap();
    assert_eq!(last, ada.alive.len() as u64);
    assert!(agreed(&stores[1], "all")[ADA].alive.is_empty());
    begun.len() as u64 + standing
}

#[test]
fn a_token_issued_before_does_not_open_the_life_that_a_fresh_one_began() {
    for place in [None, Some(Place::new())] {
        let clock = clock();
        let stores = stores(place.as_ref(), &clock);
        let old = login(&stores[0]);
        put(&stores[0], &old, r#"{"userId": "ada", "n": 1}"#).unwrap();
        clock.advance(1_000).unwrap();
        stores[1].sessions().revoke_all("all", ADA, None).wait().unwrap();
        clock.advance(1_000).unwrap();
        // The user logs in again, the thief still has the token of before.
        let fresh = login(&stores[0]);
        put(&stores[0], &fresh, r#"{"userId": "ada", "n": 2}"#).unwrap();
        stores.iter().for_each(|store| opens_nothing(store, &old));

        // Nor one that is begun after that was ended, or reached its end.
        stores[1].execution(Some(JWT), Some(&fresh)).unwrap().global(Some("all")).end().wait().unwrap();
        stores.iter().for_each(|store| opens_nothing(store, &old));
        put(&stores[0], &fresh, r#"{"userId": "ada", "n": 3}"#).unwrap();
        stores.iter().for_each(|store| opens_nothing(store, &old));
        let session = stores[1].execution(Some(JWT), Some(&fresh)).unwrap().global(Some("all"));
        assert_eq!(session.get("n").wait().unwrap().unwrap().as_str(), "3");
    }
}

#[test]
fn a_standing_session_revoked_again_refuses_the_tokens_issued_in_between() {
    for place in [None, Some(Place::new())] {
        let clock = clock();
        let stores = stores(place.as_ref(), &clock);
        let first = login(&stores[0]);
        put(&stores[0], &first, DATA).unwrap();
        let listed = parse(&stores[0].sessions().list("all", None, None).wait().unwrap());
        let id = text(&listed["sessions"][0], "sessionId");
        for _ in 0..3 {
            stores[1].sessions().revoke(&id).wait().unwrap();
            clock.advance(2_000).unwrap();
            let unused = login(&stores[0]);
            clock.advance(2_000).unwrap();
            stores[1].sessions().revoke(&id).wait().unwrap();
            [&first, &unused].into_iter().for_each(|token| opens_nothing(&stores[0], token));
        }
        clock.advance(2_000).unwrap();
        put(&stores[0], &login(&stores[0]), DATA).unwrap();
    }
}

#[test]
fn what_is_excepted_lives_on() {
    let place = Place::new();
    let clock = clock();
    let stores = stores(Some(&place), &clock);
    for _ in 0..rounds(20, 1_000) {
        clock.advance(2_000).unwrap();
        let kept = parse(&stores[0].sessions().start("all", DATA, None).wait().unwrap());
        let id = text(&kept, "sessionId");
        crowd(4, |thread| match thread {
            0 => drop(stores[1].sessions().revoke_all("all", ADA, Some(&id)).wait().unwrap()),
            1 => stores[0].sessions().update(&id, r#"{"n": 1}"#).wait().unwrap(),
            2 => drop(stores[0].sessions().refresh(&text(&kept, "refreshToken")).wait().unwrap()),
            _ => drop(stores[1].sessions().start("all", DATA, None).wait().unwrap()),
        });
        let verified = verify(&stores[1], &text(&kept, "token"));
        assert_eq!((&verified["valid"], &verified["data"]["n"]), (&json!(true), &json!(1)), "{verified}");
        stores[1].sessions().revoke_all("all", ADA, None).wait().unwrap();
    }
}
