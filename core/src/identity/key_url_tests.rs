//! Keys from a URL, against a server of TLS that says what a test wants.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::json;

use super::super::jwk::tests::{ed, with};
use super::*;
use crate::task::{Pool, Task};

/// What the server says next: status, a header, a body; after a while.
#[derive(Clone)]
struct Answer {
    status: u16,
    header: &'static str,
    body: String,
    after: Duration,
    /// The body comes byte by byte, a second apart.
    drips: bool,
}

struct Server {
    port: u16,
    ca: PathBuf,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

fn answer(body: &str) -> Answer {
    Answer { status: 200, header: "X: y", body: body.to_owned(), after: Duration::ZERO, drips: false }
}

fn set(kid: &str) -> String {
    json!({"keys": [with(ed(), "kid", json!(kid))]}).to_string()
}

impl Server {
    fn start(first: Answer) -> Server {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (answer, asked) = (Arc::new(Mutex::new(first)), Arc::new(AtomicUsize::new(0)));
        let (says, counts, config) = (answer.clone(), asked.clone(), Arc::new(config));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let session = rustls::ServerConnection::new(config.clone()).unwrap();
                let mut stream = rustls::StreamOwned::new(session, socket);
                let mut lines = BufReader::new(&mut stream).lines();
                if !lines.by_ref().map_while(Result::ok).any(|line| line.is_empty()) {
                    continue;
                }
                drop(lines);
                counts.fetch_add(1, Ordering::SeqCst);
                let Answer { status, header, body, after, drips } = says.lock().clone();
                thread::sleep(after);
                let head =
                    format!("HTTP/1.1 {status} X\r\n{header}\r\nConnection: close\r\nContent-Length: {}", body.len());
                let _ = stream.write_all(format!("{head}\r\n\r\n").as_bytes()).and_then(|()| stream.flush());
                for part in body.as_bytes().chunks(if drips { 1 } else { body.len().max(1) }) {
                    if stream.write_all(part).and_then(|()| stream.flush()).is_err() {
                        break;
                    }
                    thread::sleep(Duration::from_secs(u64::from(drips)));
                }
            }
        });
        Server { port, ca, answer, asked, _folder: folder }
    }

    fn url(&self) -> String {
        format!("https://localhost:{}/keys", self.port)
    }

    fn keys(&self, pace: Pace) -> Arc<KeyUrl> {
        KeyUrl::new(Fetch::new(&self.url(), Some(&self.ca)).ok().unwrap(), pace)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

const AT_ONCE: Pace =
    Pace { refresh: Duration::from_secs(600), pause: Duration::ZERO, keep: Duration::from_secs(86_400) };

fn refresh(keys: &Arc<KeyUrl>) -> bool {
    let keys = keys.clone();
    Task::new(&Pool::default(), async move || Ok(keys.refreshed().await)).wait().unwrap()
}

fn has(keys: &Arc<KeyUrl>, kid: &str) -> bool {
    keys.current().is_some_and(|keys| keys.set.find(Some(kid)).is_some())
}

#[test]
fn a_set_is_fetched_when_it_is_needed_and_the_last_good_one_stays() {
    let server = Server::start(answer(&set("one")));
    let keys = server.keys(AT_ONCE);
    assert!(keys.current().is_none());
    assert_eq!(server.asked(), 0, "nothing is fetched before it is needed");
    assert!(refresh(&keys) && has(&keys, "one"), "{:?}", keys.trouble());
    let first = keys.current().unwrap().generation;
    assert!(refresh(&keys));
    assert_eq!(keys.current().unwrap().generation, first, "the same text is the same set");

    let bad = [
        answer(""),
        answer("{\"keys\":[]}"),
        answer(&" ".repeat(65_537)),
        Answer { status: 404, ..answer(&set("other")) },
        Answer { status: 500, ..answer(&set("other")) },
        Answer { status: 302, header: "Location: https://localhost/other", ..answer(&set("other")) },
    ];
    for bad in bad {
        *server.answer.lock() = bad.clone();
        assert!(refresh(&keys) && has(&keys, "one"), "{} {}", bad.status, bad.body.len());
        let trouble = keys.trouble().unwrap();
        assert!(!trouble.contains("localhost") && !trouble.contains("other"), "{trouble}");
    }
    *server.answer.lock() = answer(&set("two"));
    assert!(refresh(&keys) && has(&keys, "two") && !has(&keys, "one"));
    assert_eq!(keys.trouble(), None);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(answer(&set("other")));
    let server = Server::start(answer(""));
    let header: &'static str = format!("Location: {}", elsewhere.url()).leak();
    *server.answer.lock() = Answer { status: 302, header, ..answer("") };
    let keys = server.keys(AT_ONCE);
    assert!(refresh(&keys) && keys.current().is_none());
    assert_eq!((server.asked(), elsewhere.asked()), (1, 0));
}

#[test]
fn a_server_that_nobody_certified_is_not_asked() {
    let (server, other) = (Server::start(answer(&set("one"))), Server::start(answer("")));
    for fetch in [Fetch::new(&server.url(), Some(&other.ca)), Fetch::new(&server.url(), None)] {
        let keys = KeyUrl::new(fetch.ok().unwrap(), AT_ONCE);
        assert!(refresh(&keys) && keys.current().is_none());
        assert!(keys.trouble().unwrap().contains("TLS"), "{:?}", keys.trouble());
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn many_who_need_a_key_wait_for_one_fetch_and_the_next_comes_after_a_pause() {
    let server = Server::start(Answer { after: Duration::from_millis(300), ..answer(&set("one")) });
    let keys = server.keys(Pace { pause: Duration::from_secs(30), ..AT_ONCE });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(refresh(&keys) && has(&keys, "one")));
        }
    });
    assert_eq!(server.asked(), 1);
    for _ in 0..100 {
        assert!(!refresh(&keys), "a flood of unknown keys asks nobody");
    }
    assert_eq!(server.asked(), 1);
}

/// What a forked child inherits: a fetch under way, of a thread that is not there.
#[test]
fn nobody_waits_for_the_fetch_of_another_process() {
    let server = Server::start(answer(&set("one")));
    let keys = server.keys(Pace { pause: Duration::from_secs(30), ..AT_ONCE });
    let parents =
        Flight { process: std::process::id() + 1, begun: Some(Instant::now()), under_way: true, ..Flight::default() };
    *keys.flight.lock() = parents;
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiting = keys.clone();
    thread::spawn(move || sender.send(refresh(&waiting)));
    assert_eq!(receiver.recv_timeout(Duration::from_secs(60)), Ok(true));
    assert!(has(&keys, "one"));
    assert!(!refresh(&keys), "from here on the pause is this process's own");
}

/// A server that says a little now and then holds up nobody for longer than one that says nothing.
#[test]
fn a_server_that_drips_is_given_up() {
    let server = Server::start(Answer { drips: true, ..answer(&set("one")) });
    let keys = server.keys(AT_ONCE);
    let started = Instant::now();
    assert!(refresh(&keys) && keys.current().is_none());
    assert!((4..60).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert!(keys.trouble().unwrap().contains("5 seconds"), "{:?}", keys.trouble());
}

#[test]
fn an_old_set_is_fetched_again_beside_those_who_use_it_and_is_good_for_a_while() {
    let server = Server::start(answer(&set("one")));
    let pace = Pace { refresh: Duration::from_millis(200), pause: Duration::ZERO, keep: Duration::from_millis(1_500) };
    let keys = server.keys(pace);
    assert!(refresh(&keys));
    *server.answer.lock() = Answer { after: Duration::from_millis(500), ..answer(&set("two")) };
    thread::sleep(Duration::from_millis(250));
    let started = Instant::now();
    assert!(has(&keys, "one"));
    assert!(started.elapsed() < Duration::from_millis(100), "who has a key does not wait: {:?}", started.elapsed());
    let patience = Instant::now();
    while !has(&keys, "two") {
        assert!(patience.elapsed() < Duration::from_secs(20), "{:?}", keys.trouble());
        thread::sleep(Duration::from_millis(20));
    }
    *server.answer.lock() = Answer { status: 500, ..answer("") };
    thread::sleep(Duration::from_millis(1_600));
    assert!(keys.current().is_none(), "too old to go by");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let server = Server::start(Answer { after: Duration::from_secs(8), ..answer(&set("one")) });
    let keys = server.keys(AT_ONCE);
    let started = Instant::now();
    assert!(refresh(&keys) && keys.current().is_none());
    assert!((4..8).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(keys.trouble().unwrap(), "it can't be fetched: 5 seconds have passed");
}
