//! Servers that die under load, round after round, as two processes see it: what was told to be done is there, unless a
//! replica that took over had not been told of it; nobody sees a session go back; who was revoked stays so for whoever
//! knows of it; and what is not there opens nothing.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

#[path = "servers/postgres.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod postgres;
#[path = "servers/redis.rs"]
#[allow(dead_code, reason = "the tests of the backend do more with it")]
mod redis;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use redis::sentinels::Sentinels;
use redis::wait_until;
use serde_json::{Value, json};
use sessile::{Code, Error, Keyring, Options, Session, Store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const SHOP: &str = r#"{"name": "Shop", "tag": "shop", "schema": {"userId": "string"}, "selector": "userId"}"#;

/// Two stores that know nothing of each other, as two processes.
struct Pair {
    one: Store,
    two: Store,
    folder: tempfile::TempDir,
    url: String,
}

impl Pair {
    fn on(url: &str) -> Pair {
        let folder = tempfile::tempdir().unwrap();
        Keyring::generate(folder.path().join("keyring.json")).unwrap();
        let open = || open(url, &folder);
        let (one, two) = (open(), open());
        one.configs().create(SHOP).wait().unwrap();
        Pair { one, two, folder, url: url.to_owned() }
    }

    /// A process that starts now.
    fn another(&self) -> Store {
        open(&self.url, &self.folder)
    }
}

fn open(url: &str, folder: &tempfile::TempDir) -> Store {
    let options = json!({"url": url, "limits": {"deadline": 4000, "connect": 2000}}).to_string();
    let options = Options::from_json(&options).unwrap().keyring_file(folder.path().join("keyring.json"));
    Store::open(options).wait().unwrap()
}

fn rounds() -> u64 {
    if std::env::var_os("SESSILE_TORTURE").is_some() { 50 } else { 5 }
}

fn login(store: &Store, subject: &str) -> String {
    store.tokens().issue(&json!({"sub": subject}).to_string(), 3600).wait().unwrap()
}

fn session(store: &Store, token: &str) -> Session {
    store.execution(Some(JWT), Some(token)).unwrap().global(None)
}

fn start(store: &Store, user: &str) -> Value {
    let started =
        until_it_works("a start", || store.sessions().start("shop", &json!({"userId": user}).to_string(), None).wait());
    serde_json::from_str(&started).unwrap()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap()
}

/// What fails because a server is away is tried again.
fn until_it_works<T>(what: &str, mut work: impl FnMut() -> Result<T, Error>) -> T {
    let mut done = None;
    wait_until(what, || match work() {
        Ok(value) => {
            done = Some(value);
            true
        }
        Err(error) => {
            assert!(is_of_the_day(&error), "{what}: {error}");
            false
        }
    });
    done.unwrap()
}

/// What a caller may meet while servers come and go.
fn is_of_the_day(error: &Error) -> bool {
    error.retryable() || error.code() == Code::ReadOnly
}

/// Whether a session token opens its session. `STALE` says that what stands there is not what stood there.
fn is_valid(store: &Store, token: &str) -> bool {
    until_it_works("a token is verified", || match store.sessions().verify(token).wait() {
        Ok(verdict) => Ok(serde_json::from_str::<Value>(&verdict).unwrap()["valid"] == true),
        Err(error) if error.code() == Code::Stale => Ok(false),
        Err(error) => Err(error),
    })
}

/// Ends the threads that look at it as it is dropped: where a test fails, too.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A store that writes a number that only grows, and two that read it, until they are told to stop; meanwhile `day` goes by.
fn under_load(pair: &Pair, token: &str, next: &AtomicU64, day: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    let going_on = || !stop.load(Ordering::Relaxed);
    thread::scope(|scope| {
        let _ending = Ending(&stop);
        scope.spawn(|| {
            let session = session(&pair.one, token);
            while going_on() {
                let n = next.fetch_add(1, Ordering::Relaxed);
                match session.put(&json!({"n": n}).to_string(), None).wait() {
                    Ok(()) => {}
                    Err(error) => assert!(is_of_the_day(&error), "a Put: {error}"),
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        for store in [&pair.one, &pair.two, &pair.two] {
            scope.spawn(|| {
                let session = session(store, token);
                let mut last = 0;
                while going_on() {
                    match session.get("n").wait() {
                        Ok(n) => {
                            let n: u64 = n.expect("it was there from the first").as_str().parse().unwrap();
                            assert!(n >= last, "{n} after {last}");
                            last = n;
                        }
                        Err(error) => assert!(is_of_the_day(&error) || error.code() == Code::Stale, "a Get: {error}"),
                    }
                    thread::sleep(Duration::from_millis(3));
                }
            });
        }
        day();
    });
}

/// Until the store that only reads has read what was written from now on.
fn wait_for_news(pair: &Pair, token: &str, next: &AtomicU64) {
    let wanted = next.load(Ordering::Relaxed);
    let session = session(&pair.two, token);
    wait_until("what is written is read elsewhere", || {
        let met = session.get("n").wait().ok().flatten();
        met.is_some_and(|n| n.as_str().parse::<u64>().unwrap() > wanted)
    });
}

#[test]
fn a_primary_is_killed_and_its_replica_promoted() {
    let mut trio = Sentinels::start();
    let pair = Pair::on(&trio.url("main"));
    let token = login(&pair.one, "ann");
    session(&pair.one, &token).put(r#"{"n": 0}"#, None).wait().unwrap();
    let next = AtomicU64::new(1);
    for round in 0..rounds() {
        let kept = start(&pair.one, &format!("kept {round}"));
        let revoked = start(&pair.one, &format!("revoked {round}"));
        let refused = login(&pair.one, &format!("refused {round}"));
        let mut lost = Value::Null;
        assert!(is_valid(&pair.two, text(&kept, "token")) && is_valid(&pair.two, text(&revoked, "token")));
        under_load(&pair, &token, &next, || {
            thread::sleep(Duration::from_millis(200));
            trio.stop_replication();
            // All of this is acknowledged, and no replica hears of it.
            lost = start(&pair.one, &format!("lost {round}"));
            until_it_works("a revocation", || pair.one.sessions().revoke(text(&revoked, "sessionId")).wait());
            until_it_works("a revocation", || pair.one.revoke_token(&refused).wait());
            // Both have seen numbers that will be gone.
            wait_for_news(&pair, &token, &next);
            trio.kill_primary();
            trio.wait_for_promotion();
            wait_for_news(&pair, &token, &next);
        });
        let new = pair.another();
        for store in [&pair.one, &pair.two, &new] {
            assert!(is_valid(store, text(&kept, "token")), "round {round}: what the replica had is there");
            assert!(!is_valid(store, text(&lost, "token")), "round {round}: what is not there opens nothing");
        }
        // Who knows of a revocation goes by it, longer than it keeps what it read.
        thread::sleep(Duration::from_millis(1200));
        assert!(!is_valid(&pair.one, text(&revoked, "token")), "round {round}: revoked here");
        let met = until_it_works("a token is looked at", || match session(&pair.one, &refused).get("n").wait() {
            Err(error) if error.code() == Code::TokenRevoked => Ok(error.code()),
            Err(error) => Err(error),
            Ok(found) => panic!("round {round}: a revoked token opened {found:?}"),
        });
        assert_eq!(met, Code::TokenRevoked);
        assert!(
            is_valid(&new, text(&revoked, "token")),
            "round {round}: the revocation had not got through, or nothing was tried"
        );
        trio.turn_round();
    }
}

/// Nothing that was told to be done is gone.
fn killed_and_started_again(pair: &Pair, mut restart: impl FnMut()) {
    let token = login(&pair.one, "ann");
    session(&pair.one, &token).put(r#"{"n": 0}"#, None).wait().unwrap();
    let next = AtomicU64::new(1);
    for round in 0..rounds() {
        let (kept, revoked) =
            (start(&pair.one, &format!("kept {round}")), start(&pair.one, &format!("revoked {round}")));
        let refused = login(&pair.one, &format!("refused {round}"));
        under_load(pair, &token, &next, || {
            thread::sleep(Duration::from_millis(100));
            until_it_works("a revocation", || pair.one.sessions().revoke(text(&revoked, "sessionId")).wait());
            until_it_works("a revocation", || pair.one.revoke_token(&refused).wait());
            restart();
            wait_for_news(pair, &token, &next);
        });
        // Another process hears of a revoked token within a second.
        thread::sleep(Duration::from_millis(1200));
        for store in [&pair.one, &pair.two, &pair.another()] {
            assert!(is_valid(store, text(&kept, "token")), "round {round}");
            assert!(!is_valid(store, text(&revoked, "token")), "round {round}");
            let met = until_it_works("a token is looked at", || match session(store, &refused).get("n").wait() {
                Err(error) if error.code() == Code::TokenRevoked => Ok(error.code()),
                Err(error) => Err(error),
                Ok(_) => Ok(Code::Internal),
            });
            assert_eq!(met, Code::TokenRevoked, "round {round}");
            // Every number was written or not; the last that was read is no later than the last that was given out.
            let n = until_it_works("a Get", || session(store, &token).get("n").wait()).unwrap();
            assert!(n.as_str().parse::<u64>().unwrap() < next.load(Ordering::Relaxed));
        }
    }
}

#[test]
fn a_redis_that_writes_everything_down_is_killed_and_started_again() {
    let mut server = redis::Server::start(&["--appendonly", "yes", "--appendfsync", "always"]);
    let pair = Pair::on(&server.url());
    killed_and_started_again(&pair, || server.restart());
}

#[test]
fn a_postgresql_is_killed_and_started_again() {
    let mut server = postgres::Server::start(&[]);
    let pair = Pair::on(&server.url());
    killed_and_started_again(&pair, || server.restart());
}
