//! Somebody edits the file: what they move, swap or flip is never read as data.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use sessile::{Code, Error, Keyring, Options, Session, Store};

const JWT: &str = r#"{"type": "rest", "security": "jwt"}"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        Keyring::generate(place.keyring()).unwrap();
        place
    }

    fn keyring(&self) -> PathBuf {
        self.0.path().join("keyring.json")
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("sessions.db")
    }

    fn store(&self, product: &str, env: &str) -> Store {
        let options =
            serde_json::json!({"url": format!("sqlite:{}", self.file().display()), "product": product, "env": env});
        Store::open(Options::from_json(&options.to_string()).unwrap().keyring_file(self.keyring())).wait().unwrap()
    }

    /// What `look` sees in the session of `subject`, in a store opened anew.
    fn read<T>(
        &self,
        product: &str,
        env: &str,
        subject: &str,
        look: impl Fn(&Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let store = self.store(product, env);
        let token = store.tokens().issue(&format!(r#"{{"sub": "{subject}"}}"#), 600).wait().unwrap();
        let seen = look(&store.execution(Some(JWT), Some(&token)).unwrap().global(None));
        store.close().wait().unwrap();
        seen
    }

    fn put(&self, product: &str, env: &str, subject: &str, fields: &str) {
        self.read(product, env, subject, |session| session.put(fields, None).wait()).unwrap();
    }

    /// The keys of all session rows, with no store open.
    fn keys(&self) -> Vec<Vec<u8>> {
        let file = Connection::open(self.file()).unwrap();
        let mut rows = file.prepare("SELECT key FROM session ORDER BY rowid").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn edit(&self, edit: impl Fn(&Connection)) {
        edit(&Connection::open(self.file()).unwrap());
    }
}

fn refused<T>(seen: Result<T, Error>, what: &str) {
    match seen {
        Ok(_) => panic!("{what}: read as if nothing had happened"),
        Err(error) => assert_eq!(error.code(), Code::Corrupt, "{what}: {error}"),
    }
}

/// Copies columns of one session's row over another's.
fn copy(file: &Connection, columns: &[&str], from: &[u8], to: &[u8]) {
    for column in columns {
        let sql = format!("UPDATE session SET {column} = (SELECT {column} FROM session WHERE key = ?1) WHERE key = ?2");
        assert_eq!(file.execute(&sql, params![from, to]).unwrap(), 1);
    }
}

#[test]
fn a_record_moved_to_another_user_product_or_env_is_corrupt() {
    let table = [
        ("user", ("shop", "dev", "ada"), ("shop", "dev", "bob")),
        ("product", ("shop", "dev", "ada"), ("other", "dev", "ada")),
        ("env", ("shop", "dev", "ada"), ("shop", "prd", "ada")),
    ];
    for (what, from, to) in table {
        for columns in [&["head", "cells", "size", "count"][..], &["head"], &["cells", "size", "count"]] {
            let place = Place::new();
            place.put(from.0, from.1, from.2, r#"{"cart": "ada's"}"#);
            place.put(to.0, to.1, to.2, r#"{"cart": "bob's"}"#);
            let keys = place.keys();
            place.edit(|file| copy(file, columns, &keys[0], &keys[1]));
            let seen = place.read(to.0, to.1, to.2, |session| session.get("cart").wait());
            // Another session's cells have other ids: by name they are not even found, and all of them do not open.
            if columns.contains(&"head") {
                refused(seen, what);
            } else {
                assert_eq!(seen.unwrap(), None, "{what}");
            }
            refused(place.read(to.0, to.1, to.2, |session| session.all().wait()), what);
        }
    }
}

#[test]
fn the_fields_of_an_older_life_do_not_open_in_a_newer_one() {
    let place = Place::new();
    place.put("shop", "dev", "ada", r#"{"cart": "old"}"#);
    let old = fs::read(place.file()).unwrap();
    place.read("shop", "dev", "ada", |session| session.end().wait()).unwrap();
    place.put("shop", "dev", "ada", r#"{"cart": "new"}"#);
    let key = place.keys().remove(0);
    let saved = place.0.path().join("saved.db");
    fs::write(&saved, old).unwrap();
    place.edit(|file| {
        file.execute("ATTACH ?1 AS saved", [saved.to_str().unwrap()]).unwrap();
        let sql = "UPDATE session SET (cells, size, count) = (SELECT cells, size, count FROM saved.session WHERE key = ?1) WHERE key = ?1";
        assert_eq!(file.execute(sql, [&key]).unwrap(), 1);
    });
    refused(place.read("shop", "dev", "ada", |session| session.get("cart").wait()), "an older life");
}

#[test]
fn a_large_field_swapped_with_another_is_corrupt() {
    let place = Place::new();
    let (one, two) = ("1".repeat(9_000), "2".repeat(9_000));
    place.put("shop", "dev", "ada", &format!(r#"{{"one": "{one}", "two": "{two}"}}"#));
    place.edit(|file| {
        let rows: Vec<(i64, Vec<u8>)> = {
            let mut select = file.prepare("SELECT rowid, value FROM field").unwrap();
            select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap()
        };
        assert_eq!(rows.len(), 2);
        file.execute("UPDATE field SET value = ?2 WHERE rowid = ?1", params![rows[0].0, rows[1].1]).unwrap();
        file.execute("UPDATE field SET value = ?2 WHERE rowid = ?1", params![rows[1].0, rows[0].1]).unwrap();
    });
    for name in ["one", "two"] {
        refused(place.read("shop", "dev", "ada", |session| session.get(name).wait()), name);
    }
}

#[test]
fn any_byte_of_a_row_flipped_is_refused_or_changes_nothing() {
    let place = Place::new();
    place.put("shop", "dev", "ada", r#"{"cart": "tea"}"#);
    place.put("shop", "dev", "bob", r#"{"cart": "honey"}"#);
    let keys = place.keys();
    for column in ["head", "cells"] {
        let select = format!("SELECT {column} FROM session WHERE key = ?1");
        let update = format!("UPDATE session SET {column} = ?2 WHERE key = ?1");
        let good: Vec<u8> =
            Connection::open(place.file()).unwrap().query_row(&select, [&keys[0]], |row| row.get(0)).unwrap();
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            place.edit(|file| assert_eq!(file.execute(&update, params![keys[0], bad]).unwrap(), 1));
            let seen = place.read("shop", "dev", "ada", |session| session.all().wait());
            let code = seen.expect_err(&format!("{column}, byte {at}")).code();
            // The format byte and the key id stand in the clear: flipped, they name what is not there.
            assert!(
                [Code::Corrupt, Code::FormatTooNew, Code::KeyUnavailable].contains(&code),
                "{column}, byte {at}: {code}"
            );
            // Nobody else's record suffers, and nothing is written under a damaged head.
            place.read("shop", "dev", "bob", |session| session.get("cart").wait()).unwrap().unwrap();
            if column == "head" {
                assert!(place.read("shop", "dev", "ada", |session| session.increment("n", "1").wait()).is_err());
            }
        }
        place.edit(|file| assert_eq!(file.execute(&update, params![keys[0], good]).unwrap(), 1));
        place.read("shop", "dev", "ada", |session| session.get("cart").wait()).unwrap().unwrap();
    }
}

#[test]
fn a_head_that_is_gone_shows_no_field() {
    let place = Place::new();
    place.put("shop", "dev", "ada", r#"{"cart": "tea"}"#);
    place.edit(|file| assert_eq!(file.execute("UPDATE session SET head = NULL", []).unwrap(), 1));
    assert_eq!(place.read("shop", "dev", "ada", |session| session.get("cart").wait()).unwrap(), None);
    place.put("shop", "dev", "ada", r#"{"fresh": 1}"#);
    let keys = place.read("shop", "dev", "ada", |session| session.keys().wait()).unwrap();
    assert_eq!(keys, ["fresh"], "the cells of the lost life go as a new one begins");
}

#[test]
fn a_file_of_something_else_is_refused_by_name_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = folder.path().join("keyring.json");
    Keyring::generate(&keyring).unwrap();
    let open =
        |path: &Path| Store::open(Options::new(&format!("sqlite:{}", path.display())).keyring_file(&keyring)).wait();

    let text = folder.path().join("notes.txt");
    fs::write(&text, "dear diary").unwrap();
    assert_eq!(open(&text).unwrap_err().code(), Code::Unsupported);
    assert_eq!(fs::read_to_string(&text).unwrap(), "dear diary");

    let foreign = folder.path().join("other.db");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE mine(a); INSERT INTO mine VALUES(1)").unwrap();
    let before = fs::read(&foreign).unwrap();
    assert_eq!(open(&foreign).unwrap_err().code(), Code::Unsupported);
    assert_eq!(fs::read(&foreign).unwrap(), before);

    let newer = folder.path().join("newer.db");
    drop(open(&newer).unwrap());
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    assert_eq!(open(&newer).unwrap_err().code(), Code::FormatTooNew);
}

/// The index is under no MAC: what it says of a session counts only where the session's head says so too.
#[test]
fn an_index_entry_that_somebody_added_shows_and_ends_nobodys_session() {
    let place = Place::new();
    let store = place.store("shop", "dev");
    let quota = r#"{"name": "user", "schema": {"id": "string"}, "selector": "id", "maxSessionsPerUser": 1}"#;
    store.configs().create(quota).wait().unwrap();
    let start = |user: &str| {
        let started = store.sessions().start("user", &format!(r#"{{"id": "{user}"}}"#), None).wait().unwrap();
        serde_json::from_str::<serde_json::Value>(&started).unwrap()["token"].as_str().unwrap().to_owned()
    };
    let ada = start("ada");
    start("bob");
    place.edit(|file| {
        let sql = "INSERT INTO entry SELECT one.space, one.user, two.id FROM entry one, entry two \
                   WHERE one.space = two.space AND one.user <> two.user";
        assert_eq!(file.execute(sql, []).unwrap(), 2);
    });

    let listed = store.sessions().list("user", Some("\"bob\""), None).wait().unwrap();
    assert!(!listed.contains("\"ada\"") && listed.contains("CORRUPT"), "{listed}");
    let bob = store.sessions().user("user", "\"bob\"").wait().unwrap();
    assert!(bob.contains("\"activeSessions\":1"), "{bob}");
    // Neither a quota nor a revocation of one user's reaches the other's.
    start("bob");
    assert_eq!(store.sessions().revoke_all("user", "\"bob\"", None).wait().unwrap(), 1);
    assert!(store.sessions().verify(&ada).wait().unwrap().starts_with("{\"valid\":true"));
}
