//! Care for a store's file: backed up while it is written, checked, flushed, opened for reading only.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rusqlite::Connection;
use serde_json::{Value, json};
use sessile::{Clock, Code, Execution, Keyring, Options, Store, Time};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;
const CONFIG: &str = r#"{"name": "User session", "expiry": 7, "period": "days",
    "schema": {"userId": "string", "note": "string"}, "selector": "userId"}"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        Keyring::generate(place.0.path().join("keyring.json")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open_file(&self, file: &Path, more: Value) -> sessile::Result<Store> {
        let mut options = json!({"url": format!("sqlite:{}", file.display())});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let options = Options::from_json(&options.to_string())?.keyring_file(self.path("keyring.json"));
        Store::open(options).wait()
    }

    fn open(&self) -> Store {
        self.open_file(&self.path("folder/sessions.db"), json!({})).unwrap()
    }

    /// Another program's connection; only while no store of this process has the file open.
    fn raw(&self) -> Connection {
        Connection::open(self.path("folder/sessions.db")).unwrap()
    }
}

fn user(store: &Store, subject: &str) -> Execution {
    let token = store.tokens().issue(&json!({"sub": subject}).to_string(), 600).wait().unwrap();
    store.execution(Some(JWT), Some(&token)).unwrap()
}

fn started(store: &Store, subject: &str) -> Value {
    let data = json!({"userId": subject, "note": "x"}).to_string();
    serde_json::from_str(&store.sessions().start("user_session", &data, None).wait().unwrap()).unwrap()
}

fn check(store: &Store) -> Value {
    serde_json::from_str(&store.check().wait().unwrap()).unwrap()
}

/// Two users with sessions under one config, one who was revoked, and three standing sessions.
fn furnish(store: &Store) {
    store.configs().create(CONFIG).wait().unwrap();
    ["u1", "u1", "u2", "gone"].iter().for_each(|subject| _ = started(store, subject));
    store.sessions().revoke_all("user_session", r#""gone""#, None).wait().unwrap();
    for n in 0..3 {
        let large = "x".repeat(10_000);
        user(store, &format!("s{n}")).global(None).put(&json!({"a": n, "b": large}).to_string(), None).wait().unwrap();
    }
    user(store, "s2").global(None).end().wait().unwrap();
}

#[test]
fn a_store_that_is_whole_is_found_so() {
    let place = Place::new();
    for store in [place.open(), Store::open(Options::new("memory:")).wait().unwrap()] {
        assert_eq!(check(&store)["ok"], true);
        furnish(&store);
        let expected = json!({
            "ok": true,
            // Four started, three standing, and the standing tombstone of who was revoked.
            "sessions": 8, "fields": 10, "users": 6, "configs": 1, "problemCount": 0, "problems": [],
        });
        assert_eq!(check(&store), expected);
        store.configs().delete("user_session", true).wait().unwrap();
        assert_eq!(check(&store)["ok"], true);
        store.close().wait().unwrap();
        assert_eq!(store.check().wait().unwrap_err().code(), Code::Closed);
    }
}

#[test]
fn what_is_wrong_is_told_and_nothing_else() {
    let table = [
        ("UPDATE session SET head = x'00' WHERE head IS NOT NULL AND count > 0", "session"),
        ("UPDATE session SET cells = substr(cells, 1, length(cells) - 1) WHERE length(cells) > 0", "session"),
        ("UPDATE field SET value = CAST(substr(value, 1, length(value) - 1) || x'00' AS BLOB)", "field"),
        ("DELETE FROM field", "session"),
        ("UPDATE session SET touch = zeroblob(24) WHERE count > 0", "touch"),
        ("DELETE FROM entry", "index"),
        ("UPDATE entry SET id = zeroblob(17) WHERE rowid_of_first", "index"),
        ("DELETE FROM user", "user"),
        ("UPDATE user SET sealed = zeroblob(100)", "user"),
        ("DELETE FROM session WHERE count > 0", "index"),
    ];
    for (damage, kind) in table {
        let place = Place::new();
        let store = place.open();
        furnish(&store);
        store.close().wait().unwrap();
        let damage = damage.replace("rowid_of_first", "id = (SELECT max(id) FROM entry)");
        assert!(place.raw().execute(&damage, []).unwrap() > 0, "{damage}");
        let store = place.open();
        let report = check(&store);
        assert_eq!(report["ok"], false, "{damage}");
        let problems = report["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem["kind"] == kind), "{damage}: {problems:?}");
        assert_eq!(report["problemCount"], problems.len() as u64);
        for problem in problems {
            let place = problem["where"].as_str().unwrap();
            assert!(place.len() > 32 && place.bytes().all(|b| b.is_ascii_hexdigit() || b == b'/'), "{damage}: {place}");
        }
    }
    // Beneath the records: an index of SQLite's own that lost an entry.
    let place = Place::new();
    let store = place.open();
    furnish(&store);
    store.close().wait().unwrap();
    let raw = place.raw();
    let root: i64 = raw
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'session_expires'", [], |row| row.get(0))
        .unwrap();
    drop(raw);
    let file = place.path("folder/sessions.db");
    let mut bytes = fs::read(&file).unwrap();
    // The number of cells of its page.
    bytes[(root as usize - 1) * 4096 + 4] -= 1;
    fs::write(&file, bytes).unwrap();
    let report = check(&place.open());
    assert!(report["problems"].as_array().unwrap().iter().any(|problem| problem["kind"] == "file"), "{report}");
}

/// When a field ends stands in the clear, for writers who can't open it: what is damaged there is told, and does not
/// take the field away as the session is used.
#[test]
fn a_field_whose_end_is_damaged_is_found_however_the_session_is_used() {
    let place = Place::new();
    let clock = Clock::manual(Time::parse("2026-01-01T00:00:00Z").unwrap());
    let open = || {
        let options = Options::new(&format!("sqlite:{}", place.path("folder/sessions.db").display()));
        Store::open(options.keyring_file(place.path("keyring.json")).clock(clock.clone())).wait().unwrap()
    };
    let store = open();
    let session = user(&store, "ada").global(None);
    session.put_one("whole", "1", None).wait().unwrap();
    session.put_one("damaged", "2", Some(1_000_000)).wait().unwrap();
    store.close().wait().unwrap();

    let raw = place.raw();
    let read = |column: &str| {
        let query = format!("SELECT {column} FROM session WHERE count = 2");
        raw.query_row(&query, [], |row| row.get::<_, Vec<u8>>(0)).unwrap()
    };
    let mut cells = read("cells");
    let end = clock.now().millis() + 1_000_000_000;
    let at = cells.windows(8).position(|bytes| bytes == end.to_be_bytes()).unwrap();
    cells[at + 2] ^= 1;
    raw.execute("UPDATE session SET cells = ?1 WHERE count = 2", [&cells]).unwrap();
    let touch = read("touch");
    drop(raw);

    // A use of the other field, long enough after the last one to be noted.
    clock.advance(120_000).unwrap();
    let store = open();
    let session = user(&store, "ada").global(None);
    assert_eq!(session.get("whole").wait().unwrap().unwrap().as_str(), "1");
    store.close().wait().unwrap();
    let touched: Vec<u8> =
        place.raw().query_row("SELECT touch FROM session WHERE count = 2", [], |row| row.get(0)).unwrap();
    assert_ne!(touched, touch, "the use was not noted");

    let store = open();
    let error = user(&store, "ada").global(None).get("damaged").wait().unwrap_err();
    assert_eq!(error.code(), Code::Corrupt);
    let report = check(&store);
    assert_eq!(report["problems"][0]["kind"], "field", "{report}");
}

/// The last key of a space stands behind those that it belongs before.
#[test]
fn a_check_comes_to_its_end_where_an_index_is_out_of_order() {
    let place = Place::new();
    let store = place.open();
    furnish(&store);
    store.close().wait().unwrap();
    for index in ["sqlite_autoindex_session_1", "sqlite_autoindex_user_1"] {
        let file = place.path("folder/sessions.db");
        let query = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
        let root: i64 = place.raw().query_row(query, [index], |row| row.get(0)).unwrap();
        let root = root as usize;
        let whole = fs::read(&file).unwrap();
        let mut bytes = whole.clone();
        let page = &mut bytes[(root - 1) * 4096..root * 4096];
        let number = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
        // Each key behind four bytes of lengths, and in it an id of 16 or 17 behind a space of 16.
        let keys: Vec<usize> = (0..number(3)).map(|cell| number(8 + 2 * cell) + 4).collect();
        let space = |key: usize| &page[key..key + 16];
        let last_of_its_space = |at: &usize| {
            space(keys[*at]) == space(keys[at - 1])
                && keys.get(at + 1).is_none_or(|next| space(*next) != space(keys[*at]))
        };
        let last = keys[(1..keys.len()).find(last_of_its_space).unwrap()];
        page[last + 16..last + 32].fill(0);
        fs::write(&file, bytes).unwrap();
        let store = place.open();
        let (told, report) = std::sync::mpsc::channel();
        let checking = thread::spawn(move || told.send(check(&store)));
        let report = report.recv_timeout(std::time::Duration::from_secs(60)).expect("the check goes on for ever");
        assert_eq!(report["ok"], false, "{index}");
        checking.join().unwrap().unwrap();
        fs::write(&file, whole).unwrap();
    }
}

#[test]
fn a_hundred_problems_are_listed_and_all_are_counted() {
    let place = Place::new();
    let store = place.open();
    store.configs().create(CONFIG).wait().unwrap();
    (0..150).for_each(|n| _ = started(&store, &format!("u{n}")));
    store.close().wait().unwrap();
    place.raw().execute("UPDATE user SET sealed = zeroblob(100)", []).unwrap();
    let report = check(&place.open());
    assert_eq!((&report["problemCount"], report["problems"].as_array().unwrap().len()), (&json!(150), 100));
}

#[test]
fn nothing_is_found_wrong_for_being_changed_meanwhile() {
    for url in ["memory:", "sqlite"] {
        let place = Place::new();
        let store = match url {
            "memory:" => Store::open(Options::new(url)).wait().unwrap(),
            _ => place.open(),
        };
        store.configs().create(CONFIG).wait().unwrap();
        (0..30).for_each(|n| _ = started(&store, &format!("u{n}")));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for worker in 0..3 {
                let (store, over) = (&store, &over);
                scope.spawn(move || {
                    for n in 0.. {
                        if over.load(Ordering::Relaxed) {
                            return;
                        }
                        let subject = format!("w{worker}-{}", n % 5);
                        started(store, &subject);
                        if n % 3 == 0 {
                            store
                                .sessions()
                                .revoke_all("user_session", &json!(subject).to_string(), None)
                                .wait()
                                .unwrap();
                        }
                        if n % 7 == 0 {
                            store.sessions().forget("user_session", &json!(subject).to_string()).wait().unwrap();
                        }
                    }
                });
            }
            for _ in 0..5 {
                let report = check(&store);
                if report["ok"] != true {
                    over.store(true, Ordering::Relaxed);
                }
                assert_eq!(report["ok"], true, "{report}");
            }
            over.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn a_backup_is_of_one_instant_and_a_store_of_its_own() {
    let place = Place::new();
    let store = place.open();
    furnish(&store);
    // Two fields of one put: equal in every instant. And fields of two sessions, the second written after the first.
    let acknowledged = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    let taken = thread::scope(|scope| {
        scope.spawn(|| {
            let (first, second) = (user(&store, "first"), user(&store, "second"));
            for n in 1.. {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let fields = json!({"a": n, "b": n}).to_string();
                first.global(None).put(&fields, None).wait().unwrap();
                second.global(None).put(&fields, None).wait().unwrap();
                acknowledged.store(n, Ordering::Release);
            }
        });
        let mut taken = Vec::new();
        for n in 0..5 {
            while acknowledged.load(Ordering::Acquire) < 10 * n + 1 {
                thread::yield_now();
            }
            let before = acknowledged.load(Ordering::Acquire);
            let path = place.path(&format!("backup-{n}.db"));
            store.backup(path.to_str().unwrap()).wait().unwrap();
            taken.push((path, before, acknowledged.load(Ordering::Acquire)));
        }
        over.store(true, Ordering::Relaxed);
        taken
    });
    for (path, before, after) in taken {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let copy = place.open_file(&path, json!({})).unwrap();
        assert_eq!(check(&copy)["ok"], true);
        let number = |subject: &str, name: &str| -> u64 {
            user(&copy, subject).global(None).get(name).wait().unwrap().unwrap().as_str().parse().unwrap()
        };
        let (first, second) = (number("first", "a"), number("second", "a"));
        assert_eq!((number("first", "b"), number("second", "b")), (first, second));
        assert!(first == second || first == second + 1, "{first} and {second}");
        assert!((before..=after + 1).contains(&first), "{first} of {before} to {after}");
    }
    let left: Vec<_> = fs::read_dir(place.0.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".part")), "{left:?}");
}

#[test]
fn a_backup_replaces_nothing() {
    let place = Place::new();
    let store = place.open();
    furnish(&store);
    let code = |path: PathBuf| store.backup(path.to_str().unwrap()).wait().map_err(|error| error.code());
    fs::write(place.path("there"), "before").unwrap();
    std::os::unix::fs::symlink(place.path("nowhere"), place.path("link")).unwrap();
    assert_eq!(code(place.path("there")), Err(Code::AlreadyExists));
    assert_eq!(code(place.path("link")), Err(Code::AlreadyExists));
    assert_eq!(code(place.path("folder/sessions.db")), Err(Code::AlreadyExists), "itself");
    assert_eq!(code(place.path("missing/backup.db")), Err(Code::Io));
    assert_eq!(code(PathBuf::from("/")), Err(Code::AlreadyExists));
    assert_eq!(fs::read(place.path("there")).unwrap(), b"before");
    assert!(!place.path("nowhere").exists());
    assert_eq!(check(&store)["ok"], true);

    let memory = Store::open(Options::new("memory:")).wait().unwrap();
    let error = memory.backup(place.path("memory.db").to_str().unwrap()).wait().unwrap_err();
    assert_eq!(error.code(), Code::Unsupported);
    assert!(!place.path("memory.db").exists());
}

/// As `docs/operations.md` has it: stop, move away, copy, start.
#[test]
fn a_backup_is_restored_by_copying_it() {
    let place = Place::new();
    let store = place.open();
    furnish(&store);
    let session = started(&store, "u3");
    store.backup(place.path("backup.db").to_str().unwrap()).wait().unwrap();
    store.sessions().revoke(session["sessionId"].as_str().unwrap()).wait().unwrap();
    store.close().wait().unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let from = place.path(&format!("folder/sessions.db{suffix}"));
        if from.exists() {
            fs::rename(&from, place.path(&format!("old{suffix}"))).unwrap();
        }
    }
    fs::copy(place.path("backup.db"), place.path("folder/sessions.db")).unwrap();
    let store = place.open();
    assert_eq!(check(&store)["ok"], true);
    let verified = store.sessions().verify(session["token"].as_str().unwrap()).wait().unwrap();
    assert!(verified.starts_with(r#"{"valid":true"#), "what was revoked after the backup is back: {verified}");
}

#[test]
fn the_folder_is_made_for_its_owner_alone() {
    let place = Place::new();
    place.open().close().wait().unwrap();
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("folder"), mode("folder/sessions.db")), (0o700, 0o600));
}

#[test]
fn a_flush_is_for_every_store() {
    let place = Place::new();
    for store in [place.open(), Store::open(Options::new("memory:")).wait().unwrap()] {
        user(&store, "u").global(None).put(r#"{"a": 1}"#, None).wait().unwrap();
        store.flush().wait().unwrap();
        store.close().wait().unwrap();
        assert_eq!(store.flush().wait().unwrap_err().code(), Code::Closed);
    }
}

#[test]
fn a_store_opened_for_reading_only_reads() {
    let place = Place::new();
    let store = place.open();
    furnish(&store);
    let session = started(&store, "u3");
    store.close().wait().unwrap();
    let file = place.path("folder/sessions.db");
    let before = fs::read(&file).unwrap();
    let store = place.open_file(&file, json!({"readOnly": true})).unwrap();
    assert_eq!(user(&store, "s1").global(None).get("a").wait().unwrap().unwrap().as_str(), "1");
    let verified = store.sessions().verify(session["token"].as_str().unwrap()).wait().unwrap();
    assert!(verified.starts_with(r#"{"valid":true"#), "{verified}");
    assert_eq!(check(&store)["ok"], true);
    let data = r#"{"userId": "u", "note": "x"}"#;
    let refused = [
        user(&store, "s1").global(None).put(r#"{"a": 2}"#, None).wait().unwrap_err(),
        store.sessions().start("user_session", data, None).wait().unwrap_err(),
        store.sessions().revoke(session["sessionId"].as_str().unwrap()).wait().unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.code() == Code::ReadOnly), "{refused:?}");
    store.backup(place.path("backup.db").to_str().unwrap()).wait().unwrap();
    store.close().wait().unwrap();
    assert_eq!(fs::read(&file).unwrap(), before);

    let error = Store::open(Options::from_json(r#"{"url": "memory:", "readOnly": true}"#).unwrap()).wait().unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    let missing = place.open_file(&place.path("none.db"), json!({"readOnly": true})).unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}
