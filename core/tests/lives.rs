//! Lives of a Global session that come and go while others hold them, know them or race for them.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sessile::{Clock, Code, CommitOptions, Execution, Keyring, Options, Session, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const DAY: i64 = 24 * 3600 * 1000;

fn memory(clock: &Clock) -> Store {
    Store::open(Options::new("memory:").clock(clock.clone())).wait().unwrap()
}

fn sqlite(folder: &Path, clock: &Clock) -> Store {
    let keyring = folder.join("keyring.json");
    if !keyring.exists() {
        Keyring::generate(&keyring).unwrap();
    }
    // Who races for one session on a machine that is busy may wait.
    let url = format!("sqlite:{}", folder.join("sessions.db").display());
    let options = serde_json::json!({"url": url, "limits": {"deadline": 60_000}}).to_string();
    let options = Options::from_json(&options).unwrap().keyring_file(keyring).clock(clock.clone());
    Store::open(options).wait().unwrap()
}

fn user(store: &Store, subject: &str) -> Execution {
    let token = store.tokens().issue(&format!(r#"{{"sub": "{subject}"}}"#), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap()
}

fn text(session: &Session, name: &str) -> Option<String> {
    session.get(name).wait().unwrap().map(|value| value.as_str().to_owned())
}

fn start() -> Clock {
    Clock::manual(Time::parse("2026-01-01T00:00:00Z").unwrap())
}

#[test]
fn a_new_execution_is_not_held_to_a_life_that_only_this_process_still_knows() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), start());
    let (here, there) = (sqlite(folder.path(), &clock), sqlite(folder.path(), &clock));
    user(&here, "ada").global(None).put(r#"{"old": 1}"#, None).wait().unwrap();

    // Ended elsewhere: the next Put here begins a life.
    user(&there, "ada").global(None).end().wait().unwrap();
    let run = user(&here, "ada");
    run.global(None).put(r#"{"new": 1}"#, None).wait().unwrap();
    assert_eq!(run.global(None).keys().wait().unwrap(), ["new"]);

    // Ended and begun anew elsewhere: it joins that life.
    user(&there, "ada").global(None).end().wait().unwrap();
    user(&there, "ada").global(None).put(r#"{"theirs": 1}"#, None).wait().unwrap();
    let joins = user(&here, "ada");
    joins.global(None).put(r#"{"ours": 1}"#, None).wait().unwrap();
    assert_eq!(joins.global(None).keys().wait().unwrap(), ["ours", "theirs"]);
    let ends = user(&here, "ada");
    ends.global(None).end().wait().unwrap();
    assert_eq!(user(&there, "ada").global(None).keys().wait().unwrap().len(), 0);

    // The one that held the life of before is told.
    assert_eq!(run.global(None).put(r#"{"late": 1}"#, None).wait().unwrap_err().code(), Code::SessionRevoked);
    assert_eq!(user(&there, "ada").global(None).keys().wait().unwrap().len(), 0);
}

#[test]
fn a_read_change_write_begins_a_life_where_an_expired_one_still_lies() {
    for with_file in [false, true] {
        let (folder, clock) = (tempfile::tempdir().unwrap(), start());
        let store = if with_file { sqlite(folder.path(), &clock) } else { memory(&clock) };
        let old = r#"{"n": 5, "list": [1], "x": 1, "y": 1, "u": 1, "sub": 1}"#;
        for verb in 0..6 {
            let subject = format!("user{verb}");
            user(&store, &subject).global(None).put(old, None).wait().unwrap();
            clock.advance(31 * DAY).unwrap();
            let run = user(&store, &subject);
            let session = run.global(None);
            match verb {
                0 => assert_eq!(session.increment("n", "1").wait().unwrap().as_str(), "1"),
                1 => assert_eq!(session.append("list", "[2]").wait().unwrap(), 1),
                2 => assert!(session.put_if_absent("x", "2", None).wait().unwrap()),
                3 => drop(session.put_if("y", "2", None, None).wait().unwrap()),
                4 => {
                    let update = session.update("u");
                    assert_eq!(update.current().wait().unwrap(), None);
                    assert!(update.try_commit(Some("2")).wait().unwrap());
                }
                _ => {
                    let sub = run.subprocess("each").unwrap();
                    let scoped = sub.scoped_global(None);
                    scoped.clear().wait().unwrap();
                    scoped.put(r#"{"sub": 2}"#, None).wait().unwrap();
                    scoped.commit(CommitOptions { exclusive: true }).wait().unwrap();
                }
            }
            assert_eq!(session.keys().wait().unwrap().len(), 1, "nothing of the expired life is left");
        }
    }
}

#[test]
fn what_is_put_in_a_sub_process_while_it_is_committed_is_not_lost() {
    let store = memory(&start());
    let run = user(&store, "ada");
    run.global(None).put(r#"{"n": 0}"#, None).wait().unwrap();
    let sub = run.subprocess("each").unwrap();
    let scoped = sub.scoped_global(None);
    scoped.keys().wait().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                scoped.commit(CommitOptions::default()).wait().unwrap();
            }
        });
        for i in 0..500 {
            scoped.put_one(&format!("f{i}"), "1", None).wait().unwrap();
        }
        done.store(true, Ordering::Release);
    });
    scoped.commit(CommitOptions::default()).wait().unwrap();
    assert_eq!(run.global(None).keys().wait().unwrap().len(), 501);
}

#[test]
fn a_store_that_closes_under_a_reader_is_closed_and_never_empty() {
    for _ in 0..300 {
        let store = memory(&start());
        let run = user(&store, "ada");
        run.global(None).put(r#"{"a": 1}"#, None).wait().unwrap();
        let start = Barrier::new(2);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                store.close().wait().unwrap();
            });
            let session = run.global(None);
            start.wait();
            loop {
                match session.get("a").wait() {
                    Ok(found) => assert!(found.is_some(), "a field vanished"),
                    Err(error) => break assert_eq!(error.code(), Code::Closed),
                }
            }
        });
    }
}

#[test]
fn a_proof_opens_only_the_store_that_verified_it() {
    let clock = start();
    let (one, other) = (memory(&clock), memory(&clock));
    let token = one.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap();
    let proof = one.verify(&token).wait().unwrap();
    one.global(&proof, None).unwrap().put(r#"{"a": 1}"#, None).wait().unwrap();
    let error = other.global(&proof, None).unwrap_err();
    assert_eq!(error.code(), Code::GlobalNotAllowed);
    assert_eq!(error.details()["reason"], "other_store");
}

#[test]
fn a_fresh_token_of_another_user_is_refused_before_the_first_use_too() {
    let store = memory(&start());
    let token = |subject: &str| store.tokens().issue(&format!(r#"{{"sub": "{subject}"}}"#), 600).wait().unwrap();
    let run = store.execution(Some(JWT), Some(&token("ada"))).unwrap();
    let error = run.renew(&token("bob")).wait().unwrap_err();
    assert_eq!(error.code(), Code::GlobalNotAllowed);
    assert_eq!(error.details()["reason"], "other_identity");
    run.renew(&token("ada")).wait().unwrap();
    // Nobody was proven by a token that is not good.
    let run = store.execution(Some(JWT), Some("nonsense")).unwrap();
    run.renew(&token("bob")).wait().unwrap();
    assert_eq!(text(&run.global(None), "a"), None);
}

#[test]
fn a_clock_at_its_ends_is_no_panic() {
    let clock = start();
    let store = memory(&clock);
    let run = user(&store, "ada");
    run.global(None).put(r#"{"a": 1}"#, None).wait().unwrap();
    let proof = store.verify(&store.tokens().issue(r#"{"sub": "ada"}"#, 600).wait().unwrap()).wait().unwrap();
    let checkpoint = run.checkpoint().wait().unwrap();
    for millis in [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX] {
        clock.set(Time::from_millis(millis)).unwrap();
        let global = store.global(&proof, None).unwrap();
        let results = [
            global.get("a").wait().map(|_| ()),
            global.put(r#"{"b": 1}"#, None).wait(),
            global.put(r#"{"b": 1}"#, Some(u64::MAX)).wait(),
            global.put(r#"{"b": 1}"#, Some(1)).wait(),
            global.increment("n", "1").wait().map(|_| ()),
            global.info().wait().map(|_| ()),
            run.local().put(r#"{"b": 1}"#, Some(1)).wait(),
            run.local().info().wait().map(|info| drop(info.unwrap().to_json())),
            run.checkpoint().wait().map(|_| ()),
            store.resume(&checkpoint, Some(JWT), None).wait().map(|_| ()),
            store
                .tokens()
                .issue(r#"{"sub": "x"}"#, 600)
                .wait()
                .and_then(|token| store.verify(&token).wait())
                .map(|_| ()),
        ];
        for (at, result) in results.into_iter().enumerate() {
            if let Err(error) = result {
                assert!(!matches!(error.code(), Code::Panic | Code::Internal), "{millis} #{at}: {error}");
            }
        }
    }
    clock.set(Time::from_millis(i64::MAX)).unwrap();
    clock.advance(1).unwrap();
    assert_eq!(clock.now().millis(), i64::MAX);
}

#[test]
fn lives_that_are_long_over_leave_the_file_as_others_begin() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), start());
    let store = sqlite(folder.path(), &clock);
    let large = format!(r#"{{"a": 1, "large": "{}"}}"#, "x".repeat(10_000));
    for n in 0..20 {
        user(&store, &format!("user{n}")).global(None).put(&large, None).wait().unwrap();
    }
    let held = user(&store, "user0");
    held.global(None).keys().wait().unwrap();
    clock.advance(32 * DAY).unwrap();
    // A sweep beside a write takes about a millisecond at most, so on a busy machine it takes a few of them.
    for _ in 0..20 {
        let ada = user(&store, "ada").global(None);
        ada.put(&large, None).wait().unwrap();
        ada.end().wait().unwrap();
    }
    user(&store, "ada").global(None).put(&large, None).wait().unwrap();
    held.renew(&store.tokens().issue(r#"{"sub": "user0"}"#, 600).wait().unwrap()).wait().unwrap();
    assert_eq!(held.global(None).keys().wait().unwrap_err().code(), Code::SessionExpired);
    store.close().wait().unwrap();

    let file = rusqlite::Connection::open(folder.path().join("sessions.db")).unwrap();
    for table in ["session", "field", "entry"] {
        let count = file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u32>(0)).unwrap();
        assert_eq!(count, 1, "{table}");
    }
}

#[test]
fn begins_and_ends_race_and_no_write_lands_in_another_life() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), start());
    let stores = [sqlite(folder.path(), &clock), sqlite(folder.path(), &clock)];
    thread::scope(|scope| {
        for t in 0..6_usize {
            let store = &stores[t % 2];
            scope.spawn(move || {
                for i in 0..40 {
                    let run = user(store, "ada");
                    let session = run.global(None);
                    let name = format!("own{t}");
                    let written =
                        session.put_one(&name, &i.to_string(), None).wait().and_then(|()| session.get(&name).wait());
                    match written {
                        Ok(found) => assert_eq!(found.map(|value| value.as_str().to_owned()), Some(i.to_string())),
                        Err(error) => assert_eq!(error.code(), Code::SessionRevoked, "{error}"),
                    }
                    match session.increment("n", "1").wait() {
                        Ok(_) => {}
                        Err(error) => assert_eq!(error.code(), Code::SessionRevoked, "{error}"),
                    }
                    if i % 3 == t % 3 {
                        match session.end().wait() {
                            Ok(()) => assert_eq!(session.get(&name).wait().unwrap_err().code(), Code::SessionRevoked),
                            Err(error) => assert_eq!(error.code(), Code::SessionRevoked, "{error}"),
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn a_session_revoked_again_stays_shut_to_tokens_issued_in_between() {
    let clock = start();
    let store = memory(&clock);
    user(&store, "ada").global(None).put(r#"{"n": 1}"#, None).wait().unwrap();
    let listed = store.sessions().list("global", None, None).wait().unwrap();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let id = listed["sessions"][0]["sessionId"].as_str().unwrap();
    store.sessions().revoke(id).wait().unwrap();
    clock.advance(10_000).unwrap();
    let stolen = user(&store, "ada");
    clock.advance(10_000).unwrap();
    store.sessions().revoke(id).wait().unwrap();
    let refused = stolen.global(None).put(r#"{"n": 2}"#, None).wait().unwrap_err();
    assert_eq!(refused.code(), Code::TokenRevoked);
    clock.advance(10_000).unwrap();
    user(&store, "ada").global(None).put(r#"{"n": 3}"#, None).wait().unwrap();
}
