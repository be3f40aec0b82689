//! Bad days: every call ends within its deadline with a stable code, and when the server is back, so are we.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::super::super::contract::{applied, cell, change, counted, put, read, sealed, wait};
use super::super::super::proxy::Proxy;
use super::super::super::{Guard, Outcome};
use super::super::server::{Server, free_port, wait_until};
use super::*;

pub(super) const SHORT: Duration = Duration::from_millis(600);

/// Patience of an application: the deadline is short, and so is the time for a connection.
pub(super) fn impatient(url: &str) -> Backend {
    open_with(url, |settings, access| {
        settings.deadline = SHORT;
        access.connect = SHORT / 2;
    })
    .unwrap()
}

/// The error of a call, which came in time.
#[track_caller]
pub(super) fn failing(backend: &Backend) -> Error {
    let started = Instant::now();
    let error = call(backend).unwrap_err();
    // Room for a machine that has other things to do.
    assert!(started.elapsed() < SHORT + Duration::from_millis(400), "{:?}: {error}", started.elapsed());
    assert!(error.retryable(), "{error}");
    error
}

#[test]
fn a_server_that_goes_down_and_comes_back() {
    let mut server = Server::start(&[]);
    let backend = impatient(&server.url());
    call(&backend).unwrap();
    server.stop();
    for _ in 0..3 {
        let error = failing(&backend);
        assert_eq!((error.code(), reason(&error)), (Code::Unavailable, "connection"));
        assert!(error.details().get("maybeApplied").is_none());
    }
    server.restart();
    // Not one more call is lost.
    call(&backend).unwrap();
    // Idle meanwhile, we do not even notice.
    server.restart();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(applied(&backend, &change(1)).0, 1);
    assert_eq!(applied(&backend, &change(1)).0, 2, "the scripts are sent again where they are not known");
}

#[test]
fn a_server_that_stands_still() {
    let server = Server::start(&[]);
    let backend = impatient(&server.url());
    call(&backend).unwrap();
    server.signal(Signal::STOP);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(matches!(failing(&backend).code(), Code::Timeout | Code::Unavailable)));
        }
    });
    let error = wait(backend.apply(&put(1, vec![(cell(1), sealed(1, 0, 60))]))).err().unwrap();
    // A connection was not even to be had, so nothing was applied.
    assert!(error.retryable() && error.details().get("maybeApplied").is_none(), "{error:?}");
    server.signal(Signal::CONT);
    wait_until("the server answers again", || call(&backend).is_ok());
}

#[test]
fn a_change_that_stands_still_may_have_been_applied() {
    let server = Server::start(&[]);
    let backend = impatient(&server.url());
    // From here on the script is known there.
    applied(&backend, &change(2));
    server.signal(Signal::STOP);
    let error = wait(backend.apply(&put(1, vec![(cell(1), sealed(1, 0, 60))]))).err().unwrap();
    assert_eq!(error.code(), Code::Timeout);
    assert_eq!(error.details().get("maybeApplied"), Some(&true.into()));
    server.signal(Signal::CONT);
    wait_until("the server answers again", || call(&backend).is_ok());
    wait_until("it has applied what it was sent", || read(&backend, 1).version == 1);
}

#[test]
fn a_server_whose_memory_is_full() {
    let server = Server::start(&["--maxmemory", "4mb"]);
    let backend = open(&server.url());
    let full = (0..64).find_map(|n| wait(backend.apply(&put(n, vec![(cell(1), sealed(1, 0, 300_000))]))).err());
    let error = full.expect("20 MB do not fit into 4");
    assert_eq!(error.code(), Code::Io);
    assert!(error.message().contains("memory is full"));
    assert_eq!(read(&backend, 0).count, 1);
}

#[test]
fn what_answers_is_no_redis() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"+OK\r\n", b"\0\xff\xfe garbage", b"$5\r\nab"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("redis://127.0.0.1:{}", listener.local_addr().unwrap().port());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut asked = [0; 512];
                let _ = stream.read(&mut asked).and_then(|_| stream.write_all(answer));
            }
        });
        let error = failing(&impatient(&url));
        assert_eq!(error.code(), Code::Unavailable, "{answer:?}: {error}");
    }
    // One that never says anything, and nobody at all.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("redis://127.0.0.1:{}", silent.local_addr().unwrap().port());
    assert_eq!(failing(&impatient(&url)).code(), Code::Unavailable);
    assert_eq!(failing(&impatient(&format!("redis://127.0.0.1:{}", free_port()))).code(), Code::Unavailable);
}

#[test]
fn an_answer_lost_after_the_change_was_applied() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(server.port);
    let backend = open(&proxy.url());
    applied(&backend, &put(1, vec![(cell(9), sealed(9, 0, 60))]));

    // What can tell that it was applied is tried again, and applied once.
    proxy.lose(1);
    let guarded = {
        let mut change = put(1, vec![(cell(1), sealed(1, 0, 60))]);
        change.guard = Guard { version: Some(1), stamps: vec![(cell(1), None)], ..Guard::default() };
        change
    };
    assert!(matches!(wait(backend.apply(&guarded)).unwrap(), Outcome::Applied { version: 2, .. }));
    assert_eq!(read(&backend, 1).version, 2);

    // What counts what it deletes is not.
    proxy.lose(1);
    let mut delete = change(1);
    delete.effects.delete = vec![cell(9)];
    let error = wait(backend.apply(&delete)).err().unwrap();
    assert_eq!(error.code(), Code::Unavailable);
    assert_eq!(error.details().get("maybeApplied"), Some(&true.into()));
    assert_eq!((read(&backend, 1).version, read(&backend, 1).count), (3, 1));

    // Reads are simply done again; and a record that was written knows itself.
    proxy.lose(1);
    assert_eq!(read(&backend, 1).count, 1);
    proxy.lose(1);
    assert_eq!(wait(backend.apply_meta(&[5; 16], None, b"a")).unwrap(), Ok(()));
}

/// Eight writers, and an answer lost now and then: what was told to be applied was applied once.
#[test]
fn no_lost_answer_makes_a_change_twice() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(server.port);
    let backend = open(&proxy.url());
    let (certain, uncertain): (Vec<u32>, Vec<u32>) = thread::scope(|scope| {
        let backend = &backend;
        let writers: Vec<_> = (0..8)
            .map(|salt| {
                scope.spawn(move || {
                    let (mut certain, mut uncertain) = (0, 0);
                    for n in 0..40 {
                        match contract::try_increment(backend, salt, n) {
                            Ok(()) => certain += 1,
                            Err(error) if error.details().get("maybeApplied").is_some() => uncertain += 1,
                            Err(error) => assert!(error.retryable(), "{error}"),
                        }
                    }
                    (certain, uncertain)
                })
            })
            .collect();
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(5));
            proxy.lose(1);
        }
        writers.into_iter().map(|writer| writer.join().unwrap()).unzip()
    });
    let (certain, uncertain): (u32, u32) = (certain.iter().sum(), uncertain.iter().sum());
    let counted = counted(&backend);
    assert!((certain..=certain + uncertain).contains(&counted), "{certain} + {uncertain}, counted {counted}");
}

#[test]
fn a_network_that_swallows_everything() {
    let server = Server::start(&[]);
    let proxy = Proxy::before(server.port);
    let backend = impatient(&proxy.url());
    call(&backend).unwrap();
    proxy.be_deaf(true);
    failing(&backend);
    proxy.be_deaf(false);
    call(&backend).unwrap();
}
