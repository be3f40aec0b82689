//! Keys change while everybody works: no operation fails, no write is lost, and nothing stays on the old key.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod place;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sessile::{Code, Error, Keyring, Options, Store};

use place::{CONFIG, JWT, Place, global, open, parsed, rewrap_all, usage};

/// Sessions of every kind: standing, started, ended, revoked, with small and large fields, and a config of one's own.
fn fill(store: &Store) -> (String, Value) {
    store.configs().create(CONFIG).wait().unwrap();
    let large = "x".repeat(9_000);
    for user in ["ada", "bob", "cy"] {
        global(store, user).put(&json!({"cart": [1, 2], "large": large}).to_string(), None).wait().unwrap();
    }
    global(store, "bob").end().wait().unwrap();
    store.sessions().revoke_all("global", r#""cy""#, None).wait().unwrap();
    let data = json!({"userId": "u1", "note": large}).to_string();
    let started = parsed(&store.sessions().start("shop", &data, None).wait().unwrap());
    (large, started)
}

#[test]
fn a_rotation_from_the_first_step_to_the_last() {
    let place = Place::new();
    let store = place.store();
    let (large, started) = fill(&store);
    let revoked = store.tokens().issue(r#"{"sub": "dan"}"#, 600).wait().unwrap();
    store.revoke_token(&revoked).wait().unwrap();
    assert_eq!(usage(&store, 1), [4, 4, 4, 1]);
    store.close().wait().unwrap();

    place.rotate();
    let store = place.store();
    let (rewrapped, skipped) = rewrap_all(&store, 2);
    assert_eq!((rewrapped, skipped), (15, 0), "13 cells, a revocation and the mark of all");
    assert_eq!((usage(&store, 1), usage(&store, 2)), ([0; 4], [4, 4, 4, 1]));
    assert_eq!(rewrap_all(&store, 100), (0, 0), "done once is done");

    store.drop_key("1").wait().unwrap();
    assert_eq!(parsed(&Keyring::describe(place.keyring()).unwrap())["data"].as_array().unwrap().len(), 1);
    for store in [&store, &place.store()] {
        assert_eq!(store.verify(&revoked).wait().unwrap_err().code(), Code::TokenRevoked);
        assert_eq!(global(store, "ada").get("large").wait().unwrap().unwrap().as_str(), json!(large).to_string());
        let verified = parsed(&store.sessions().verify(started["token"].as_str().unwrap()).wait().unwrap());
        assert_eq!((&verified["valid"], &verified["data"]["note"]), (&json!(true), &json!(large)));
        assert_eq!(global(store, "bob").get("cart").wait().unwrap(), None);
    }
}

#[test]
fn a_key_is_not_dropped_while_something_needs_it() {
    let place = Place::new();
    let store = place.store();
    fill(&store);
    store.close().wait().unwrap();
    place.rotate();
    let store = place.store();
    let error = store.drop_key("1").wait().unwrap_err();
    assert_eq!(
        (error.code(), &error.details()["heads"], &error.details()["fields"]),
        (Code::Conflict, &4.into(), &4.into())
    );
    assert_eq!(store.drop_key("2").wait().unwrap_err().code(), Code::Conflict, "in use, and primary");
    assert_eq!(store.drop_key("7").wait().unwrap_err().code(), Code::NotFound);
    assert_eq!(store.drop_key("x").wait().unwrap_err().code(), Code::InvalidArgument);
    let memory = Store::open(Options::new("memory:")).wait().unwrap();
    assert_eq!(memory.drop_key("1").wait().unwrap_err().code(), Code::Unsupported);
}

#[test]
fn a_check_and_a_store_for_reading_only_follow_the_keys() {
    let place = Place::new();
    let store = place.store();
    let (large, _) = fill(&store);
    let options = json!({"url": format!("sqlite:{}", place.0.path().join("sessions.db").display()), "readOnly": true});
    let options = Options::from_json(&options.to_string()).unwrap().keyring_file(place.keyring());
    let reads = Store::open(options).wait().unwrap();

    place.rotate();
    // For reading only, keys that the store has not met are known here, and told nobody.
    reads.reload_keys(None).wait().unwrap();
    // Somebody else seals with a key that these two have yet to meet.
    assert_eq!(rewrap_all(&place.store(), 100), (13, 0));
    for store in [&store, &reads] {
        let found = parsed(&store.check().wait().unwrap());
        assert_eq!((&found["ok"], &found["sessions"]), (&json!(true), &json!(4)), "{found}");
        assert_eq!(global(store, "ada").get("large").wait().unwrap().unwrap().as_str(), json!(large).to_string());
    }
}

#[test]
fn bad_options_of_rewrap_are_refused() {
    let store = Store::open(Options::new("memory:")).wait().unwrap();
    for bad in [r#"{"limit": 0}"#, r#"{"cursor": "AA"}"#, r#"{"limits": 1}"#, "7"] {
        assert_eq!(store.rewrap(Some(bad)).wait().unwrap_err().code(), Code::InvalidArgument, "{bad}");
    }
    assert_eq!(store.rewrap(None).wait().unwrap(), r#"{"cursor":null,"done":true,"rewrapped":0,"skipped":0}"#);
}

#[test]
fn what_cannot_be_opened_is_skipped_and_told() {
    let place = Place::new();
    let store = place.store();
    fill(&store);
    store.close().wait().unwrap();
    place.rotate();
    let file = rusqlite::Connection::open(place.0.path().join("sessions.db")).unwrap();
    let mut sealed: Vec<u8> = file.query_row("SELECT sealed FROM user WHERE rowid = 1", [], |row| row.get(0)).unwrap();
    sealed[40] ^= 1;
    file.execute("UPDATE user SET sealed = ?1 WHERE rowid = 1", [sealed]).unwrap();
    drop(file);
    let store = place.store();
    assert_eq!(rewrap_all(&store, 100), (12, 1));
    assert_eq!(usage(&store, 1), [0, 0, 1, 0]);
    assert_eq!(store.drop_key("1").wait().unwrap_err().code(), Code::Conflict);
}

/// Eight writers, a rewrapper that is killed again and again, and a key that becomes primary in the middle.
#[test]
fn rotation_under_eight_writers_and_a_killed_rewrapper() {
    const WRITERS: u64 = 8;
    let rounds: u64 = std::env::var("SESSILE_ROTATION_ROUNDS").map_or(4, |rounds| rounds.parse().unwrap());
    let place = Place::new();
    place.add();
    let store = place.store();
    fill(&store);
    for user in 0..200 {
        global(&store, &format!("old{user}")).put(r#"{"kept": "as it was"}"#, None).wait().unwrap();
    }

    let stop = AtomicBool::new(false);
    let operations = AtomicU64::new(0);
    let counts: Vec<u64> = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (store, stop, operations) = (&store, &stop, &operations);
                scope.spawn(move || {
                    // Two writers share a session, so that they meet in its guards as well.
                    let session = global(store, &format!("writer{}", writer / 2));
                    let name = format!("count{writer}");
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) {
                        session.increment(&name, "1").wait().unwrap();
                        session.increment("shared", "1").wait().unwrap();
                        count += 1;
                        let old = global(store, &format!("old{}", (writer * 25 + count) % 200));
                        old.put(&json!({ &name: count }).to_string(), None).wait().unwrap();
                        assert_eq!(old.get("kept").wait().unwrap().unwrap().as_str(), r#""as it was""#);
                        if count % 16 == 0 {
                            let data = json!({"userId": format!("u{writer}"), "note": count}).to_string();
                            let started = parsed(&store.sessions().start("shop", &data, None).wait().unwrap());
                            let refreshed = store.sessions().refresh(started["refreshToken"].as_str().unwrap());
                            refreshed.wait().unwrap();
                            store.sessions().revoke(started["sessionId"].as_str().unwrap()).wait().unwrap();
                        }
                        operations.fetch_add(1, Ordering::Relaxed);
                    }
                    count
                })
            })
            .collect();

        let work = |for_at_least: u64| {
            let until = operations.load(Ordering::Relaxed) + for_at_least;
            while operations.load(Ordering::Relaxed) < until && writers.iter().all(|writer| !writer.is_finished()) {
                thread::sleep(Duration::from_millis(5));
            }
        };
        work(40);
        Keyring::promote(place.keyring(), "2").unwrap();
        store.reload_keys(None).wait().unwrap();
        for round in 0..rounds {
            let mut rewrapper = Rewrapper::start(place.0.path());
            thread::sleep(Duration::from_millis(30 + 40 * round));
            rewrapper.kill();
            work(10);
        }
        work(40);
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });

    let (_, skipped) = rewrap_all(&store, 50);
    assert_eq!(skipped, 0);
    assert_eq!(usage(&store, 1), [0; 4], "nothing is left on the old key");
    for (writer, count) in counts.iter().enumerate() {
        let session = global(&store, &format!("writer{}", writer / 2));
        let stored = |name: &str| session.get(name).wait().unwrap().unwrap().as_str().parse::<u64>().unwrap();
        assert_eq!(stored(&format!("count{writer}")), *count, "writer {writer}");
        let both = counts[writer / 2 * 2] + counts[writer / 2 * 2 + 1];
        assert_eq!(stored("shared"), both);
    }
    store.drop_key("1").wait().unwrap();
    for user in 0..200 {
        let kept = global(&store, &format!("old{user}")).get("kept").wait().unwrap().unwrap();
        assert_eq!(kept.as_str(), r#""as it was""#);
    }
    println!("rotation: {} operations of 8 writers, {rounds} rewrappers killed", operations.load(Ordering::Relaxed));
}

/// This test program once more, in a process of its own: it rewraps until it is killed.
struct Rewrapper(Child);

impl Rewrapper {
    fn start(folder: &Path) -> Rewrapper {
        let started = folder.join("rewrapping");
        let _ = fs::remove_file(&started);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_rewrapper", "--nocapture"])
            .env("SESSILE_REWRAP", folder)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while !started.exists() {
            assert!(Instant::now() < until, "the rewrapper never began");
            thread::sleep(Duration::from_millis(2));
        }
        Rewrapper(child)
    }

    /// SIGKILL: it gets to do nothing more.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.code().is_none(), "it ended by itself: {status}");
    }
}

/// Nothing, unless it was started to be killed.
#[test]
fn the_rewrapper() {
    let Some(folder) = std::env::var_os("SESSILE_REWRAP").map(PathBuf::from) else { return };
    let store = open(&folder);
    loop {
        let mut cursor = Value::Null;
        loop {
            let result = store.rewrap(Some(&json!({"limit": 3, "cursor": cursor}).to_string())).wait();
            cursor = parsed(&result.unwrap())["cursor"].clone();
            fs::write(folder.join("rewrapping"), "").unwrap();
            if cursor.is_null() {
                break;
            }
        }
    }
}

/// Sealed with a key that nobody here has: an error, never an empty session, and never overwritten.
#[test]
fn an_unknown_key_is_never_an_empty_session() {
    let place = Place::new();
    place.rotate();
    let store = place.store();
    let (_, started) = fill(&store);
    store.close().wait().unwrap();
    let rows = || {
        let file = rusqlite::Connection::open(place.0.path().join("sessions.db")).unwrap();
        let mut select = file.prepare("SELECT key, head, cells FROM session ORDER BY key").unwrap();
        let rows = select
            .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?)));
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let before = rows();
    // A keyring that never had key 2.
    let mut file: Value = serde_json::from_slice(&fs::read(place.keyring()).unwrap()).unwrap();
    let with_both = file.clone();
    file["data"].as_array_mut().unwrap().remove(1);
    file["data"][0]["state"] = "primary".into();
    fs::write(place.keyring(), file.to_string()).unwrap();

    let store = place.store();
    let refused = |error: Error, what: &str| {
        assert_eq!((error.code(), &error.details()["keyId"]), (Code::KeyUnavailable, &2.into()), "{what}: {error}");
    };
    let session = global(&store, "ada");
    refused(session.get("cart").wait().unwrap_err(), "get");
    refused(session.all().wait().unwrap_err(), "all");
    refused(session.keys().wait().unwrap_err(), "keys");
    refused(session.put(r#"{"a": 1}"#, None).wait().unwrap_err(), "put");
    refused(session.increment("n", "1").wait().unwrap_err(), "increment");
    refused(session.delete(&["cart"]).wait().unwrap_err(), "delete");
    refused(session.clear().wait().unwrap_err(), "clear");
    refused(session.end().wait().unwrap_err(), "end");
    refused(session.info().wait().unwrap_err(), "info");
    let text = |name: &str| started[name].as_str().unwrap();
    let sessions = store.sessions();
    refused(sessions.verify(text("token")).wait().unwrap_err(), "verify");
    refused(sessions.refresh(text("refreshToken")).wait().unwrap_err(), "refresh");
    refused(sessions.update(text("sessionId"), r#"{"note": 1}"#).wait().unwrap_err(), "update");
    refused(sessions.extend(text("sessionId"), 60).wait().map(drop).unwrap_err(), "extend");
    refused(sessions.start("shop", r#"{"userId": "u1"}"#, None).wait().unwrap_err(), "start");
    refused(store.configs().get("shop").wait().unwrap_err(), "config");
    refused(store.configs().list(None).wait().unwrap_err(), "configs");
    refused(store.configs().create(CONFIG).wait().unwrap_err(), "create");
    let listed = parsed(&sessions.list("global", None, None).wait().unwrap());
    assert_eq!(listed["sessions"][0]["unreadable"], "KEY_UNAVAILABLE", "{listed}");
    let users = parsed(&sessions.users("global", None).wait().unwrap());
    assert_eq!(
        users["users"],
        json!([{"unreadable": "KEY_UNAVAILABLE"}, {"unreadable": "KEY_UNAVAILABLE"}, {"unreadable": "KEY_UNAVAILABLE"}])
    );
    refused(sessions.user("global", r#""ada""#).wait().unwrap_err(), "user");
    let counts = parsed(&sessions.dashboard("global").wait().unwrap());
    assert_eq!(counts["unreadable"].as_u64(), Some(3), "{counts}");
    let usage = parsed(&store.key_usage().wait().unwrap());
    assert_eq!((&usage["keys"][1]["id"], &usage["keys"][1]["state"]), (&2.into(), &"missing".into()), "{usage}");
    assert!(rows() == before, "nothing was overwritten");

    // The key comes back: found at once, by the first cell that names it.
    fs::write(place.keyring(), with_both.to_string()).unwrap();
    assert_eq!(global(&store, "ada").get("cart").wait().unwrap().unwrap().as_str(), "[1,2]");
    let verified = parsed(&sessions.verify(text("token")).wait().unwrap());
    assert_eq!(verified["valid"], true);
}

#[test]
fn a_signing_key_is_followed_too() {
    let place = Place::new();
    let (one, other) = (place.store(), place.store());
    let new = Keyring::add(place.keyring(), "signing").unwrap();
    place.age();
    Keyring::promote(place.keyring(), &new).unwrap();
    // Opened afterwards: it signs with the new key, which the others have not met.
    let third = place.store();
    let token = third.tokens().issue(r#"{"sub": "u1"}"#, 60).wait().unwrap();
    assert!(third.tokens().jwks().wait().unwrap().contains(&new));
    one.verify(&token).wait().unwrap();
    let run = other.execution(Some(JWT), Some(&token)).unwrap();
    run.global(None).put(r#"{"a": 1}"#, None).wait().unwrap();
    let signed_with = |store: &Store| parsed(&store.key_usage().wait().unwrap())["signsWith"].clone();
    assert_eq!(signed_with(&third), json!(new));
    assert_ne!(signed_with(&one), json!(new), "a key that came a moment ago signs nothing here");
    let old = one.tokens().issue(r#"{"sub": "u1"}"#, 60).wait().unwrap();
    third.verify(&old).wait().unwrap();
}

#[test]
fn a_keyring_is_given_anew_to_those_who_keep_it_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keyring.json");
    Keyring::generate(&path).unwrap();
    let first = fs::read(&path).unwrap();
    Keyring::add(&path, "data").unwrap();
    let second = fs::read(&path).unwrap();

    let store = Store::open(Options::new("memory:").keyring_bytes(&first)).wait().unwrap();
    let keys = |store: &Store| parsed(&store.key_usage().wait().unwrap())["keys"].as_array().unwrap().len();
    assert_eq!(store.reload_keys(None).wait().unwrap_err().code(), Code::InvalidArgument);
    store.reload_keys(Some(&second)).wait().unwrap();
    assert_eq!(keys(&store), 2);
    let foreign = Keyring::generate_json().unwrap();
    assert_eq!(store.reload_keys(Some(foreign.as_bytes())).wait().unwrap_err().code(), Code::KeyringInvalid);
    assert_eq!(store.reload_keys(Some(b"{}")).wait().unwrap_err().code(), Code::KeyringInvalid);
    let usage = parsed(&store.key_usage().wait().unwrap());
    assert_eq!((usage["keys"].as_array().unwrap().len(), &usage["problem"]["code"]), (2, &json!("KEYRING_INVALID")));
    let message = usage["problem"]["message"].as_str().unwrap();
    assert!(!message.contains("index key"), "of what was offered last: {message}");
    assert!(
        !usage.to_string().contains(parsed(std::str::from_utf8(&first).unwrap())["index"]["key"].as_str().unwrap())
    );

    let given = std::sync::Arc::new(std::sync::Mutex::new(first));
    let callback = given.clone();
    let caller = thread::current().id();
    let options = Options::new("memory:").keyring_callback(move || {
        assert_eq!(thread::current().id(), caller, "never on a thread of ours");
        Ok(callback.lock().unwrap().clone())
    });
    let store = Store::open(options).wait().unwrap();
    assert_eq!(keys(&store), 1);
    *given.lock().unwrap() = second;
    store.reload_keys(None).wait().unwrap();
    assert_eq!(keys(&store), 2);
    let random = Store::open(Options::new("memory:")).wait().unwrap();
    assert_eq!(random.reload_keys(None).wait().unwrap_err().code(), Code::InvalidArgument);
}

#[test]
fn other_bytes_under_a_known_id_are_refused_and_the_old_keyring_stays() {
    let place = Place::new();
    place.add();
    let store = place.store();
    global(&store, "ada").put(r#"{"a": 1}"#, None).wait().unwrap();
    // Somebody made another key 2 for another copy of the keyring, from which this store's is made anew.
    let elsewhere = Place::new();
    let mut file: Value = serde_json::from_slice(&fs::read(place.keyring()).unwrap()).unwrap();
    let mut other = file.clone();
    other["data"].as_array_mut().unwrap().truncate(1);
    fs::write(place.keyring(), other.to_string()).unwrap();
    let behind = place.store();
    file["data"][1]["key"] = parsed(&fs::read_to_string(elsewhere.keyring()).unwrap())["data"][0]["key"].clone();
    fs::write(place.keyring(), file.to_string()).unwrap();

    let error = behind.reload_keys(None).wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["keyId"]), (Code::KeyMismatch, &2.into()));
    let usage = parsed(&behind.key_usage().wait().unwrap());
    assert_eq!(usage["problem"]["code"], "KEY_MISMATCH");
    assert_eq!(global(&behind, "ada").get("a").wait().unwrap().unwrap().as_str(), "1");
    assert_eq!(store.reload_keys(None).wait().unwrap_err().code(), Code::KeyringInvalid, "it has that key itself");
}
