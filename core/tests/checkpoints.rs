//! What the vectors cannot say of checkpoints: depth, races, and what a resumed execution must not give again.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use sessile::{Clock, Code, CommitOptions, Execution, Options, Store, Time};

fn store() -> (Store, Clock) {
    let clock = Clock::manual(Time::parse("2026-01-01T00:00:00Z").unwrap());
    (Store::open(Options::new("memory:").clock(clock.clone())).wait().unwrap(), clock)
}

fn resumed(store: &Store, run: &Execution) -> Execution {
    store.resume(&run.checkpoint().wait().unwrap(), None, None).wait().unwrap()
}

#[test]
fn sub_processes_as_deep_as_they_may_be_come_back() {
    let (store, _) = store();
    let run = store.execution(None, None).unwrap();
    let mut subs = vec![run.clone()];
    for level in 1..=64 {
        let sub = subs[level - 1].subprocess("level").unwrap();
        sub.scoped().put_one("level", &level.to_string(), None).wait().unwrap();
        subs.push(sub);
    }
    // The deepest value that JSON may have, too.
    let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
    run.local().put_one("deep", &deep, None).wait().unwrap();
    let back = resumed(&store, &run);
    assert_eq!(back.local().get("deep").wait().unwrap().unwrap().as_str(), deep);
    for (level, sub) in subs.iter().enumerate().skip(1) {
        let found = back.subprocess_by_id(&sub.subprocess_id()).unwrap();
        assert_eq!(found.scoped().get("level").wait().unwrap().unwrap().as_str(), level.to_string());
        assert_eq!(found.name(), "level");
    }
}

#[test]
fn a_commit_at_the_same_time_is_before_or_after_and_never_lost() {
    let (store, _) = store();
    let run = store.execution(None, None).unwrap();
    // Something to freeze between the parent and the child.
    let others: Vec<_> = (0..50).map(|_| run.subprocess("other").unwrap()).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                drop(run.subprocess("short").unwrap());
            }
        });
        let sub = run.subprocess("counts").unwrap();
        let (run, done) = (&run, &done);
        scope.spawn(move || {
            for n in 0..20_000 {
                sub.scoped().put_one(&format!("c{}", n % 10), &n.to_string(), None).wait().unwrap();
                sub.commit(CommitOptions::default()).wait().unwrap();
            }
            done.store(true, Ordering::Release);
        });
        let mut last = -1;
        while !done.load(Ordering::Acquire) {
            let back = resumed(&store, run);
            // Nobody else holds it: committing what it had is what the lost process would have done next.
            let ids = (0..=51).filter_map(|id| back.subprocess_by_id(&id.to_string()).ok());
            ids.filter(|sub| sub.name() == "counts")
                .for_each(|sub| drop(sub.commit(CommitOptions::default()).wait().unwrap()));
            let highest = back.local().all().wait().unwrap();
            let highest = highest
                .iter()
                .filter(|(name, _)| name.starts_with('c'))
                .map(|(_, value)| value.as_str().parse::<i64>().unwrap())
                .max();
            assert!(highest.unwrap_or(-1) >= last, "a committed change was lost: {highest:?} after {last}");
            last = highest.unwrap_or(-1);
        }
    });
    drop(others);
}

#[test]
fn a_version_or_an_id_given_after_the_checkpoint_is_not_given_again() {
    let (store, _) = store();
    let run = store.execution(None, None).unwrap();
    run.local().put_one("x", "1", None).wait().unwrap();
    let kept = run.subprocess("kept").unwrap();
    let ended = run.subprocess("ended").unwrap();
    let ended_id = ended.subprocess_id();
    ended.end();
    let checkpoint = run.checkpoint().wait().unwrap();
    run.local().put_one("x", "2", None).wait().unwrap();
    let lost = run.local().get_versioned("x").wait().unwrap().unwrap().version;

    let back = store.resume(&checkpoint, None, None).wait().unwrap();
    back.local().put_one("x", "3", None).wait().unwrap();
    let error = back.local().put_if("x", "4", Some(&lost), None).wait().unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert_ne!(back.subprocess("fresh").unwrap().subprocess_id(), ended_id);
    assert_eq!(back.subprocess_by_id(&kept.subprocess_id()).unwrap().name(), "kept");
}

#[test]
fn a_checkpoint_of_another_day_is_refused_on_both_sides() {
    let (store, clock) = store();
    let checkpoint = store.execution(None, None).unwrap().checkpoint().wait().unwrap();
    let made = clock.now();
    let day = 24 * 3600 * 1000;
    for (offset, good) in
        [(day - 1, true), (day, false), (-1, true), (-day, false), (i64::MAX, false), (i64::MIN, false)]
    {
        clock.set(made.plus_millis(offset)).unwrap();
        let back = store.resume(&checkpoint, None, None).wait();
        assert_eq!(back.as_ref().err().map(|error| error.code()), (!good).then_some(Code::InvalidArgument), "{offset}");
    }
}

#[test]
fn no_damaged_checkpoint_is_taken_up() {
    let (store, _) = store();
    let run = store.execution(None, None).unwrap();
    run.local().put_one("x", "1", None).wait().unwrap();
    let checkpoint = run.checkpoint().wait().unwrap();
    for at in 0..checkpoint.len() {
        let mut damaged = checkpoint.clone();
        damaged[at] ^= 1;
        assert!(store.resume(&damaged, None, None).wait().is_err(), "byte {at}");
        assert!(store.resume(&checkpoint[..at], None, None).wait().is_err(), "cut at {at}");
    }
    assert_eq!(run.subprocess("a").unwrap().subprocess_by_id("9").unwrap_err().code(), Code::NotFound);
}
