//! Answers that are none, or too much, or too slow: each call ends in time with a stable code, none takes memory for what was
//! only announced, and the next one is answered.

use std::time::Instant;

use rustix::process::Signal;

use super::super::super::contract::{id, resident};
use super::days::{SHORT, failing, impatient};
use super::*;

fn behind(server: &Server) -> (Proxy, Backend) {
    let proxy = Proxy::before(server.port);
    let backend = impatient(&url(proxy.port));
    wait_until("the server is met through the proxy", || call(&backend).is_ok());
    (proxy, backend)
}

#[test]
fn answers_that_are_slow_cut_off_or_beyond_all_measure() {
    let server = Server::start(&[]);
    let (proxy, backend) = behind(&server);
    applied(&backend, &put(1, vec![(cell(1), sealed(1, 0, 5000))]));

    proxy.be_slow(true);
    for _ in 0..2 {
        assert!(matches!(failing(&backend).code(), Code::Timeout | Code::Unavailable));
    }
    proxy.be_slow(false);
    wait_until("the server answers again", || call(&backend).is_ok());

    for bytes in [1, 7, 60] {
        proxy.cut(bytes);
        wait_until("it is read once more", || wait(backend.read(&SPACE, &id(1), &Cells::All, None)).is_ok());
        assert_eq!(read(&backend, 1).count, 1, "{bytes}");
    }

    let answers: [&[u8]; 6] = [
        b"D\x7f\xff\xff\xff\x00\x01abc",
        b"T\x7f\xff\xff\xf0\x7f\xff",
        b"D\x00\x00\x00\x00",
        b"D\x80\x00\x00\x00",
        b"\x00\xff\x00\xff garbage of no kind",
        b"Z\x00\x00\x00\x05I",
    ];
    for answer in answers {
        let before = resident();
        proxy.say(answer, usize::MAX);
        failing(&backend);
        let grown = resident().saturating_sub(before);
        assert!(grown < 256 << 20, "{answer:?} took {grown} bytes");
        proxy.say(b"", 0);
        wait_until("the server answers again", || call(&backend).is_ok());
    }
    assert_eq!(read(&backend, 1).count, 1);
}

#[test]
fn a_server_that_stands_still_for_five_seconds() {
    let server = Server::start(&[]);
    let backend = impatient(&server.url());
    wait_until("the server is met", || call(&backend).is_ok());
    applied(&backend, &change(1));
    let serving = server.serving();
    assert!(!serving.is_empty());
    server.signal(Signal::STOP, &serving);
    let (paused, mut refused) = (Instant::now(), 0);
    while paused.elapsed() < Duration::from_secs(5) {
        failing(&backend);
        refused += 1;
    }
    // Each waited for its own deadline, and none for the pause.
    assert!(refused >= 2, "{refused} calls of {SHORT:?}");
    server.signal(Signal::CONT, &serving);
    wait_until("the server answers again", || call(&backend).is_ok());
    assert_eq!(applied(&backend, &change(1)).0, 2);
}
