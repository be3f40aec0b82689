//! Answers that are none, or too much, or too slow: each call ends in time with a stable code, none takes memory for what was
//! only announced, and the next one is answered.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::super::super::HeadGuard;
use super::super::super::contract::{applied, cell, change, put, read, resident, sealed, wait};
use super::super::server::wait_until;
use super::days::{SHORT, failing, impatient};
use super::*;

fn behind(server: &Server) -> (Proxy, Backend) {
    let proxy = Proxy::before(server.port);
    let backend = impatient(&proxy.url());
    wait_until("the server is met through the proxy", || call(&backend).is_ok());
    (proxy, backend)
}

#[test]
fn an_answer_that_comes_a_byte_a_second() {
    let server = Server::start(&[]);
    let (proxy, backend) = behind(&server);
    proxy.be_slow(true);
    for _ in 0..3 {
        assert!(matches!(failing(&backend).code(), Code::Timeout | Code::Unavailable));
    }
    proxy.be_slow(false);
    wait_until("the server answers again", || call(&backend).is_ok());
}

#[test]
fn an_answer_that_is_cut_off() {
    let server = Server::start(&[]);
    let (proxy, backend) = behind(&server);
    applied(&backend, &put(1, vec![(cell(1), sealed(1, 0, 5000))]));
    for bytes in [1, 3, 20, 4000] {
        proxy.cut(bytes);
        // Read once more.
        assert_eq!(read(&backend, 1).count, 1, "{bytes}");
        proxy.cut(bytes);
        let mut counted = change(1);
        counted.effects.delete = vec![cell(9)];
        match wait(backend.apply(&counted)) {
            // A short answer came whole.
            Ok(_) => assert!(bytes >= 20),
            Err(error) => {
                assert_eq!(
                    (error.code(), error.details().get("maybeApplied")),
                    (Code::Unavailable, Some(&true.into()))
                );
            }
        }
    }
    assert_eq!(read(&backend, 1).version, 5, "each was applied once");
}

#[test]
fn an_answer_beyond_all_measure() {
    let server = Server::start(&[]);
    let (proxy, backend) = behind(&server);
    let nested = b"*1\r\n".repeat(100_000);
    let answers: [&[u8]; 7] = [
        b"$536870912000\r\nabc",
        b"$99999999999999999999999\r\nabc",
        b"*1000000000\r\n$1\r\na\r\n",
        b"*9223372036854775807\r\n",
        b"?\r\n",
        b"\r\n\r\n\r\n",
        &nested,
    ];
    for answer in answers {
        let before = resident();
        proxy.say(answer, usize::MAX);
        failing(&backend);
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(30)]);
        let grown = resident().saturating_sub(before);
        assert!(grown < 256 << 20, "{shown:?} took {grown} bytes");
        proxy.say(b"", 0);
        wait_until("the server answers again", || call(&backend).is_ok());
    }
}

/// Of the wrong type: an answer, but to another question.
#[test]
fn an_answer_to_another_question() {
    let server = Server::start(&[]);
    let (proxy, backend) = behind(&server);
    let mut begin = put(1, vec![(cell(1), sealed(1, 0, 60))]);
    begin.effects.head = Some((*b"head").into());
    applied(&backend, &begin);
    // A put and nothing else, whose answer is a number.
    let mut short = put(1, vec![(cell(1), sealed(2, 0, 60))]);
    short.guard.head = HeadGuard::Is((*b"head").into());
    for answer in [&b"+OK\r\n"[..], b":5\r\n", b"*2\r\n:1\r\n:2\r\n", b"$1\r\nx\r\n"] {
        let shown = String::from_utf8_lossy(answer);
        proxy.say(answer, 1);
        let met = wait(backend.read(&contract::SPACE, &contract::id(1), &Cells::All, None));
        let error = met.err().unwrap_or_else(|| panic!("{shown:?} was taken for a session"));
        assert!(matches!(error.code(), Code::Unavailable | Code::Corrupt), "{shown:?}: {error}");
        proxy.say(answer, 1);
        let error =
            wait(backend.apply(&change(1))).err().unwrap_or_else(|| panic!("{shown:?} was taken for an outcome"));
        assert!(matches!(error.code(), Code::Unavailable | Code::Corrupt), "{shown:?}: {error}");
        if answer[0] != b':' {
            proxy.say(answer, 1);
            let met = wait(backend.apply(&short));
            assert_eq!(met.err().map(|error| error.code()), Some(Code::Unavailable), "{shown:?}");
        }
        proxy.say(b"", 0);
        wait_until("the server answers again", || call(&backend).is_ok());
        assert_eq!(read(&backend, 1).count, 1);
    }
}

#[test]
fn a_server_that_loads_its_data_for_a_while() {
    const LOADING: &[u8] = b"-LOADING Redis is loading the dataset in memory\r\n";
    let server = Server::start(&[]);
    let (proxy, backend) = behind(&server);
    applied(&backend, &change(1));
    // Over before the deadline, nobody notices: nothing was applied.
    proxy.say(LOADING, 1);
    let before = read(&backend, 1).version;
    proxy.say(LOADING, 1);
    call(&backend).unwrap();
    assert_eq!(read(&backend, 1).version, before);
    proxy.say(LOADING, usize::MAX);
    let error = failing(&backend);
    assert_eq!((error.code(), reason(&error)), (Code::Unavailable, "loading"));
    proxy.say(b"", 0);
    wait_until("the server answers again", || call(&backend).is_ok());
}

#[test]
fn a_server_that_stands_still_for_five_seconds() {
    let server = Server::start(&[]);
    let backend = impatient(&server.url());
    applied(&backend, &change(1));
    server.signal(Signal::STOP);
    let (paused, mut refused) = (Instant::now(), 0);
    while paused.elapsed() < Duration::from_secs(5) {
        failing(&backend);
        refused += 1;
    }
    // Each waited for its own deadline, and none for the pause.
    assert!(refused >= 3, "{refused} calls of {SHORT:?}");
    server.signal(Signal::CONT);
    wait_until("the server answers again", || call(&backend).is_ok());
    thread::sleep(Duration::from_millis(50));
    assert_eq!(applied(&backend, &change(1)).0, 2);
}
