//! Bad days: every call ends within its deadline with a stable code, and when the server is back, so are we.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::super::server::free_port;
use super::*;

pub(super) const SHORT: Duration = Duration::from_millis(800);

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
    assert!(started.elapsed() < SHORT + Duration::from_secs(1), "{:?}: {error}", started.elapsed());
    assert!(error.retryable(), "{error}");
    error
}

fn maybe(error: &Error) -> bool {
    error.details().get("maybeApplied").is_some()
}

#[test]
fn a_server_that_goes_down_and_comes_back() {
    let mut server = Server::start(&[]);
    let proxy = Proxy::before(server.port);
    let (backend, behind) = (impatient(&server.url()), impatient(&url(proxy.port)));
    call(&backend).unwrap();
    call(&behind).unwrap();
    server.stop();
    for _ in 0..3 {
        let error = failing(&backend);
        assert_eq!((error.code(), reason(&error)), (Code::Unavailable, "connection"));
        assert!(!maybe(&error));
    }
    server.restart();
    // Not one more call is lost.
    call(&backend).unwrap();
    // Idle meanwhile, we do not even notice.
    server.restart();
    thread::sleep(Duration::from_millis(100));
    applied(&backend, &change(1));

    // A network that swallows everything.
    wait_until("the server is met again through the proxy", || call(&behind).is_ok());
    proxy.be_deaf(true);
    failing(&behind);
    let error = wait(behind.apply(&put(2, vec![(cell(1), sealed(1, 0, 60))]))).err().unwrap();
    assert!(error.retryable(), "{error}");
    proxy.be_deaf(false);
    wait_until("the server is met again through the proxy", || call(&behind).is_ok());
}

#[test]
fn what_answers_is_no_postgresql() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"S", b"R\0\0\0\x08\0\0\0\x63", b"\0\xff\xfe garbage"]
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut asked = [0; 512];
                let _ = stream.read(&mut asked).and_then(|_| stream.write_all(answer));
            }
        });
        for url in [url(port), format!("{}?sslmode=verify-full", url(port))] {
            let error = failing(&impatient(&url));
            assert_eq!(error.code(), Code::Unavailable, "{answer:?}: {error}");
        }
    }
    // One that never says anything, and nobody at all.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    assert_eq!(failing(&impatient(&url(silent.local_addr().unwrap().port()))).code(), Code::Unavailable);
    assert_eq!(failing(&impatient(&url(free_port()))).code(), Code::Unavailable);
}

/// A session of somebody else's that holds the tables until it is dropped.
struct Holder<'a>(&'a Server, Child);

impl<'a> Holder<'a> {
    fn of(server: &'a Server) -> Holder<'a> {
        let text = "BEGIN; LOCK TABLE sessile.session; SELECT pg_sleep(600)";
        let mut psql = Command::new("psql");
        psql.args(["-XAtq", "-c", text, &server.url()]).stdout(Stdio::null()).stderr(Stdio::null());
        let holder = Holder(server, psql.spawn().unwrap());
        wait_until("the tables are held", || server.ask(HELD) == "1");
        holder
    }
}

const HELD: &str = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted \
                    AND relation = 'sessile.session'::regclass";
const RELEASE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' \
                       AND pid <> pg_backend_pid()";

impl Drop for Holder<'_> {
    fn drop(&mut self) {
        self.0.ask(RELEASE);
        let _ = self.1.wait();
    }
}

#[test]
fn what_the_server_refuses_has_a_code_of_its_own() {
    let mut server = Server::start(&[]);
    server.ask("CREATE ROLE app LOGIN PASSWORD 'swordfish'");
    let rules = "host all app 127.0.0.1/32 scram-sha-256\nhost all sessile 127.0.0.1/32 trust\n";
    let rules = server.file("hba.conf", rules.as_bytes());
    server.restart_with(&[&format!("hba_file={}", rules.display())]);
    let url = server.url().replace("sessile@", "app@");
    let app = |shape: &dyn Fn(&mut super::super::super::Settings)| {
        open_with(&url, |settings, access| {
            access.password = Some("swordfish".to_owned().into());
            shape(settings);
        })
        .unwrap()
    };

    for password in [None, Some("wrong")] {
        let backend = open_with(&url, |_, access| access.password = password.map(|it| it.to_owned().into()));
        let error = call(&backend.unwrap()).unwrap_err();
        assert_eq!((error.code(), reason(&error)), (Code::Unavailable, "authentication"), "{error}");
        assert!(!error.message().contains("wrong"));
    }
    let missing = call(&open_with(&server.url().replace("/postgres", "/nothing"), |_, _| ()).unwrap()).unwrap_err();
    assert_eq!(missing.code(), Code::InvalidArgument, "{missing}");
    let Err(name) = open_in(&server.url(), "a\"b") else { panic!("a schema of that name") };
    assert_eq!(name.code(), Code::InvalidArgument);

    // Whoever may not make tables uses those that others made, with the privileges that docs/postgresql.md lists.
    let denied = call(&app(&|_| ())).unwrap_err();
    assert_eq!((denied.code(), reason(&denied)), (Code::Unavailable, "permission"), "{denied}");
    let absent = call(&app(&|settings| settings.read_only = true)).unwrap_err();
    assert_eq!(absent.code(), Code::ReadOnly, "{absent}");
    let owner = open_with(&server.url(), |_, _| ()).unwrap();
    call(&owner).unwrap();
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/postgresql.md")).unwrap();
    let grants = [
        "GRANT USAGE ON SCHEMA sessile TO app",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sessile TO app",
    ];
    for grant in grants {
        assert!(docs.contains(grant), "docs/postgresql.md does not have {grant}");
        server.ask(grant);
    }
    let backend = app(&|_| ());
    applied(&backend, &put(1, vec![(cell(1), sealed(1, 0, 60))]));

    // One that only reads, by the server's will or by our own.
    server.ask("ALTER ROLE app SET default_transaction_read_only = on");
    for backend in [app(&|_| ()), app(&|settings| settings.read_only = true)] {
        assert_eq!(read(&backend, 1).count, 1);
        let error = wait(backend.apply(&change(1))).err().unwrap();
        assert_eq!(error.code(), Code::ReadOnly, "{error}");
        assert!(wait(backend.sweep(NOW, 1, None)).is_err_and(|error| error.code() == Code::ReadOnly));
    }
    server.ask("ALTER ROLE app RESET default_transaction_read_only");

    // Others hold what a change needs: nothing was applied, and it is said so.
    let holder = Holder::of(&server);
    let patient = app(&|settings| settings.deadline = Duration::from_secs(4));
    call(&patient).unwrap();
    let error = wait(patient.apply(&change(1))).err().unwrap();
    assert_eq!((error.code(), maybe(&error)), (Code::Timeout, false), "{error:?}");
    server.ask("ALTER ROLE app SET statement_timeout = '50ms'");
    let error = wait(app(&|_| ()).apply(&change(1))).err().unwrap();
    assert_eq!((error.code(), reason(&error), maybe(&error)), (Code::Timeout, "cancelled", false), "{error:?}");
    server.ask("ALTER ROLE app RESET statement_timeout");

    // The administrator ends our connections in the middle of it.
    let mut delete = change(1);
    delete.effects.delete = vec![cell(1)];
    let (lost, kept) = thread::scope(|scope| {
        let lost = scope.spawn(|| wait(backend.apply(&delete)).err().unwrap());
        let kept = scope.spawn(|| applied(&backend, &put(2, vec![(cell(1), sealed(1, 0, 60))])));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND wait_event_type = 'Lock'";
        wait_until("both wait", || server.ask(waiting) == "2");
        server.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'");
        let lost = lost.join().unwrap();
        drop(holder);
        (lost, kept.join().unwrap())
    });
    assert_eq!((lost.code(), reason(&lost), maybe(&lost)), (Code::Unavailable, "shutdown", true), "{lost:?}");
    assert_eq!(kept.0, 1, "what knows itself again is tried again");

    // Serializable by default: others' changes are waited for all the same.
    server.ask("ALTER ROLE app SET default_transaction_isolation = 'serializable'");
    let backend = app(&|_| ());
    thread::scope(|scope| {
        let backend = &backend;
        (0..4).for_each(|salt| _ = scope.spawn(move || (0..10).for_each(|n| contract::increment(backend, salt, n))));
    });
    let counted = u32::from_be_bytes(read(&backend, 1).cells[0].1.0[29..33].try_into().unwrap());
    assert_eq!(counted - u32::from_be_bytes([1; 4]), 40);

    // A later library was here.
    server.ask("UPDATE sessile.format SET version = 2");
    assert_eq!(call(&app(&|_| ())).unwrap_err().code(), Code::FormatTooNew);
}
