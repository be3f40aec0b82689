//! The contract on a real server, and what is special to PostgreSQL.

mod answers;
mod days;
mod restarts;
mod tls;

use std::cell::Cell;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::super::contract::{
    self, NOW, SPACE, applied, cell, change, on_a_small_stack, open_with, put, read, sealed, wait,
};
use super::super::proxy::Proxy;
use super::super::{Backend, Cells, Guard, Outcome};
use super::rows;
use super::server::{Pooler, Server, url, wait_until};
use super::statement::Kind;
use crate::error::{Code, Error, Result};

/// A store in a schema of its own.
fn open_in(url: &str, schema: &str) -> Result<Backend> {
    open_with(url, |_, access| access.schema = Some(schema.to_owned()))
}

/// Any call that reaches the server, once.
fn call(backend: &Backend) -> Result<()> {
    wait(backend.read_meta(&[1; 16])).map(|_| ())
}

fn reason(error: &Error) -> &str {
    error.details().get("reason").and_then(|reason| reason.as_str()).unwrap_or_default()
}

/// Each rule in a schema of its own; directly, and where every call may be given another connection.
#[test]
fn contract_holds() {
    let server = Server::start(&[]);
    let pooler = Pooler::before(&server);
    for (place, port) in [("direct", server.port), ("pooled", pooler.port)] {
        let made = Cell::new(0);
        contract::check(|| {
            made.set(made.get() + 1);
            open_in(&url(port), &format!("{place}_{}", made.get())).unwrap()
        });
    }
}

#[test]
fn a_call_is_one_round_trip_and_a_lost_answer_is_asked_for_again() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(server.port);
    let backend = open_with(&url(proxy.port), |_, access| access.connections = 1).unwrap();
    let mut begin = put(1, vec![(cell(1), sealed(1, 0, 60))]);
    begin.effects.expires = Some(NOW);
    applied(&backend, &begin);
    let (id, user) = (contract::id(1), contract::user(1));
    let calls: [&dyn Fn(); 7] = [
        &|| _ = applied(&backend, &begin),
        &|| drop(read(&backend, 1)),
        &|| drop(wait(backend.read(&SPACE, &id, &Cells::Some(vec![cell(1)]), None)).unwrap()),
        &|| drop(wait(backend.read(&SPACE, &id, &Cells::All, Some(&user))).unwrap()),
        &|| drop(wait(backend.user(&SPACE, &user)).unwrap()),
        &|| drop(wait(backend.page(&SPACE, None, None, 9)).unwrap()),
        &|| _ = wait(backend.sweep(NOW, 0, None)).unwrap(),
    ];
    // What a connection prepares goes along with the first call of its kind, in a burst of its own perhaps.
    calls.iter().for_each(|call| call());
    for (place, call) in calls.iter().enumerate() {
        assert_eq!(proxy.count(call).1, 1, "{place}");
    }

    // What can tell that it was applied is tried again, and applied once.
    let version = read(&backend, 1).version;
    proxy.lose(1);
    let mut guarded = put(1, vec![(cell(2), sealed(2, 0, 60))]);
    guarded.guard = Guard { version: Some(version), stamps: vec![(cell(2), None)], ..Guard::default() };
    assert_eq!(applied(&backend, &guarded).0, version + 1);
    assert_eq!(read(&backend, 1).version, version + 1);

    // What counts what it deletes is not.
    proxy.lose(1);
    let mut delete = change(1);
    delete.effects.delete = vec![cell(2)];
    let error = wait(backend.apply(&delete)).err().unwrap();
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(error.details().get("maybeApplied"), Some(&true.into()));
    assert_eq!((read(&backend, 1).version, read(&backend, 1).count), (version + 2, 1));

    // Reads are simply done again; and a record that was written knows itself.
    proxy.lose(1);
    assert_eq!(read(&backend, 1).count, 1);
    proxy.lose(1);
    assert_eq!(wait(backend.apply_meta(&[5; 16], None, b"a")).unwrap(), Ok(()));

    // Eight writers, and an answer lost now and then: what was told to be applied was applied once.
    let backend = open_in(&url(proxy.port), "other").unwrap();
    let (certain, uncertain) = thread::scope(|scope| {
        let backend = &backend;
        let writers: Vec<_> = (0..8).map(|salt| scope.spawn(move || increments(backend, salt, 0..30))).collect();
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(10));
            proxy.lose(1);
        }
        let counts = writers.into_iter().map(|writer| writer.join().unwrap());
        counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    let counted = contract::counted(&backend);
    assert!((certain..=certain + uncertain).contains(&counted), "{certain} + {uncertain}, counted {counted}");
}

/// Increments, numbered apart for each salt. How many were told to be applied, and how many may have been.
fn increments(backend: &Backend, salt: u8, numbers: Range<u32>) -> (u32, u32) {
    let (mut certain, mut uncertain) = (0, 0);
    for n in numbers {
        match contract::try_increment(backend, salt, n) {
            Ok(()) => certain += 1,
            Err(error) if error.details().get("maybeApplied").is_some() => uncertain += 1,
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }
    (certain, uncertain)
}

/// Where the server's own process answers; and what it forgets is asked as if it had never been prepared.
#[test]
fn statements_are_prepared_on_direct_connections_alone() {
    let server = Server::start(&[]);
    let pooler = Pooler::before(&server);
    for (port, is_direct) in [(server.port, true), (pooler.port, false)] {
        let backend = open_with(&url(port), |_, access| access.connections = 1).unwrap();
        let Backend::Postgres(postgres) = &backend else { unreachable!() };
        let ask = |text: &Arc<str>| wait(postgres.running("count", text, Vec::new(), Kind::Read)).unwrap().rows;
        let count: Arc<str> = "SELECT count(*) FROM pg_prepared_statements".into();
        let prepared = || rows::number(&ask(&count)[0]).unwrap();
        let counted = [prepared(), prepared(), prepared()];
        assert_eq!(counted, if is_direct { [0, 0, 1] } else { [0; 3] });
        ask(&"DEALLOCATE ALL".into());
        assert_eq!([prepared(), prepared()], [0; 2]);
        applied(&backend, &put(1, vec![(cell(1), sealed(1, 0, 60))]));
    }
}

/// Of two who put into one version, one wins.
#[test]
fn a_version_is_taken_once() {
    let server = Server::start(&[]);
    let backend = open_in(&server.url(), "sessile").unwrap();
    for round in 0..20 {
        let won: usize = thread::scope(|scope| {
            let backend = &backend;
            let put = |salt: u8| {
                let mut change = put(1, vec![(cell(1), sealed(salt, 0, 60))]);
                change.guard.version = Some(round);
                matches!(wait(backend.apply(&change)).unwrap(), Outcome::Applied { .. })
            };
            let racers: Vec<_> = (0..4).map(|salt| scope.spawn(move || put(salt))).collect();
            racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum()
        });
        assert_eq!(won, 1, "round {round}");
    }
}
