//! The conformance vectors (`tests/vectors/*.json`), run against the façade: every case on `memory:`, then every case
//! again on `sqlite:`, on a Redis, a Redis Cluster and a PostgreSQL of our own. `VECTORS=steps/get_` runs only the cases whose
//! `suite/name` holds that text.

#[path = "vectors/calls.rs"]
mod calls;
#[path = "vectors/compare.rs"]
mod compare;
#[path = "vectors/events.rs"]
mod events;
#[path = "vectors/identity.rs"]
mod identity;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/lifecycle.rs"]
mod lifecycle;
#[path = "vectors/opening.rs"]
mod opening;
#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;
#[path = "vectors/suite.rs"]
mod suite;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use opening::Pass;
use redis::cluster::{Cluster, Emptier};
use suite::{Case, Suite};

#[derive(Default)]
struct Tally {
    passed: usize,
    skipped: usize,
    failures: Vec<String>,
}

#[test]
fn every_case_in_memory() {
    run("rust", Pass::Memory);
}

#[test]
fn every_case_on_sqlite() {
    run("rust on sqlite", Pass::Sqlite);
}

#[test]
fn every_case_on_redis() {
    let server = redis::Server::start(&[]);
    run("rust on redis", Pass::Redis(&server));
}

#[test]
fn every_case_on_a_redis_cluster() {
    let cluster = Cluster::start(60_000);
    let emptier = Mutex::new(Emptier::of(&cluster));
    run("rust on redis cluster", Pass::Cluster(&cluster, &emptier));
}

#[test]
fn every_case_on_postgresql() {
    let server = postgres::Server::start(&[]);
    let console = Mutex::new(postgres::Console::of(&server));
    run("rust on postgresql", Pass::Postgres(&server, &console));
}

/// What `only` excludes and what `skips.json` explains are the same cases.
#[test]
fn every_skip_has_its_reason() {
    let explained = suite::skips();
    let mut excluded = Vec::new();
    for suite in suite::read_all() {
        for case in &suite.cases {
            for language in suite::LANGUAGES {
                if !case.runs_in(language) {
                    excluded.push(format!("{}/{} in {language}", suite.suite, case.name));
                }
            }
        }
    }
    excluded.sort();
    assert_eq!(explained, excluded, "left: tests/vectors/skips.json, right: the `only` members of the cases");
}

#[test]
fn every_case_has_a_name_of_its_own_and_a_rule() {
    for suite in suite::read_all() {
        let mut names: Vec<_> = suite.cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1], "suite {}", suite.suite);
        }
        for case in &suite.cases {
            assert!(!case.rule.is_empty() && !case.calls.is_empty(), "{}/{}", suite.suite, case.name);
        }
    }
}

fn run(label: &str, pass: Pass<'_>) {
    let filter = std::env::var("VECTORS").unwrap_or_default();
    let mut tally = Tally::default();
    for suite in suite::read_all() {
        for case in &suite.cases {
            if format!("{}/{}", suite.suite, case.name).contains(&filter) {
                run_case(&suite, case, pass, &mut tally);
            }
        }
    }
    let Tally { passed, skipped, failures } = tally;
    // Straight to the stream: the closing line is wanted even when the harness captures what tests print.
    let mut out = std::io::stdout().lock();
    for failure in &failures {
        let _ = writeln!(out, "{failure}");
    }
    let _ = writeln!(out, "{label}: {passed} passed, {} failed, {skipped} skipped", failures.len());
    drop(out);
    assert!(failures.is_empty(), "{} cases failed, listed above", failures.len());
}

fn run_case(suite: &Suite, case: &Case, pass: Pass<'_>, tally: &mut Tally) {
    if !case.runs_in("rust") {
        tally.skipped += 1;
        return;
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| calls::run(case, pass)))
        .unwrap_or_else(|panic| Err(format!("panicked: {}", panic_message(&*panic))));
    match outcome {
        Ok(()) => tally.passed += 1,
        Err(why) => tally.failures.push(format!("{}/{}: {why}", suite.suite, case.name)),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
