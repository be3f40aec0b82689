//! What the vectors cannot say of Local and Scoped: threads, and what a fork costs.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Barrier;
use std::thread;

use sessile::{Code, CommitOptions, Execution, Options, Store};

/// Counts what a thread allocates.
struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: hands everything to the system's allocator and counts beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.with(|sum| sum.set(sum.get() + layout.size()));
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn run() -> Execution {
    let limits = r#"{"url": "memory:", "limits": {"fields": 200000, "session": 100000000}}"#;
    let store = Store::open(Options::from_json(limits).unwrap()).wait().unwrap();
    store.execution(None, None).unwrap()
}

#[test]
fn a_fork_costs_the_same_whatever_the_parent_holds() {
    for fields in [10, 1_000, 100_000] {
        let run = run();
        for i in 0..fields {
            run.local().put_one(&format!("field{i}"), "1", None).wait().unwrap();
        }
        // The first of all forks fills what a thread allocates once.
        for warm_up in [true, false] {
            let before = ALLOCATED.get();
            let sub = run.subprocess("each").unwrap();
            sub.scoped().put_one("field7", "2", None).wait().unwrap();
            drop(sub);
            let spent = ALLOCATED.get() - before;
            if !warm_up {
                println!("fork + put + discard at {fields} fields: {spent} bytes");
                assert!(spent < 2048, "{spent} bytes at {fields} fields");
            }
        }
        assert_eq!(run.local().get("field7").wait().unwrap().unwrap().as_str(), "1");
    }
}

#[test]
fn sixty_four_threads_lose_no_field_and_count_exactly() {
    let run = run();
    let start = Barrier::new(64);
    thread::scope(|scope| {
        for t in 0..64 {
            let (run, start) = (&run, &start);
            scope.spawn(move || {
                start.wait();
                let local = run.local();
                for i in 0..200 {
                    local.increment("count", "1").wait().unwrap();
                    local.put(&format!(r#"{{"a": {t}, "b": {t}, "own{t}": {i}}}"#), None).wait().unwrap();
                    let both = local.get_many(&["a", "b"]).wait().unwrap();
                    let values: Vec<_> = both.iter().map(|(_, value)| value.as_str().to_owned()).collect();
                    assert_eq!(values[0], values[1], "a torn put");
                    let sub = run.subprocess("loop").unwrap();
                    sub.scoped().increment("mine", "1").wait().unwrap();
                    assert_eq!(sub.scoped().get("mine").wait().unwrap().unwrap().as_str(), "1");
                }
            });
        }
    });
    let local = run.local();
    assert_eq!(local.get("count").wait().unwrap().unwrap().as_str(), "12800");
    assert_eq!(local.get("mine").wait().unwrap(), None);
    for t in 0..64 {
        assert_eq!(local.get(&format!("own{t}")).wait().unwrap().unwrap().as_str(), "199");
    }
}

#[test]
fn concurrent_commits_of_different_fields_all_arrive() {
    let run = run();
    thread::scope(|scope| {
        for t in 0..32 {
            let run = &run;
            scope.spawn(move || {
                let sub = run.subprocess("part").unwrap();
                sub.scoped().put_one(&format!("part{t}"), "true", None).wait().unwrap();
                assert_eq!(sub.commit(CommitOptions { exclusive: true }).wait().unwrap().put, [format!("part{t}")]);
            });
        }
    });
    assert_eq!(run.local().keys().wait().unwrap().len(), 32);
}

#[test]
fn ending_from_another_thread_is_closed_and_never_a_crash() {
    for _ in 0..50 {
        let run = run();
        let sub = run.subprocess("each").unwrap();
        thread::scope(|scope| {
            let (run, sub) = (&run, &sub);
            scope.spawn(move || run.end());
            scope.spawn(move || {
                for _ in 0..100 {
                    if let Err(error) = sub.scoped().increment("n", "1").wait() {
                        assert_eq!(error.code(), Code::Closed);
                        break;
                    }
                }
            });
        });
        assert_eq!(sub.scoped().get("n").wait().unwrap_err().code(), Code::Closed);
        assert_eq!(run.subprocess("more").unwrap_err().code(), Code::Closed);
    }
}
