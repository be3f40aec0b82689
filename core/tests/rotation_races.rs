//! Keys that change in the moment in which something else does: nothing is lost, nothing comes back.
#![allow(clippy::unwrap_used, reason = "a test that meets an error has failed")]

mod place;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sessile::{Code, Keyring, Store};

use place::{CONFIG, JWT, Place, global, parsed, rewrap_all, usage};

/// What lies under a configuration that can't be opened is found by nobody: its key stays.
#[test]
fn a_key_is_not_dropped_while_a_configuration_can_not_be_opened() {
    let place = Place::new();
    let store = place.store();
    store.configs().create(CONFIG).wait().unwrap();
    let started = parsed(&store.sessions().start("shop", r#"{"userId": "u1"}"#, None).wait().unwrap());
    store.close().wait().unwrap();
    place.rotate();
    let store = place.store();
    store.configs().update("shop", r#"{"description": "sealed anew"}"#).wait().unwrap();
    assert_eq!((usage(&store, 1), usage(&store, 2)), ([1, 1, 1, 0], [0, 0, 0, 1]));
    store.close().wait().unwrap();

    let flip = || {
        let file = rusqlite::Connection::open(place.0.path().join("sessions.db")).unwrap();
        let mut rows = file.prepare("SELECT rowid, head FROM session WHERE head IS NOT NULL").unwrap();
        let rows = rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))).unwrap();
        let sealed_anew: Vec<_> = rows.map(Result::unwrap).filter(|(_, head)| head[1..5] == [0, 0, 0, 2]).collect();
        let [(row, head)] = sealed_anew.as_slice() else { panic!("the configuration alone") };
        let mut head = head.clone();
        *head.last_mut().unwrap() ^= 1;
        file.execute("UPDATE session SET head = ?1 WHERE rowid = ?2", rusqlite::params![head, row]).unwrap();
    };
    flip();
    let store = place.store();
    let error = store.drop_key("1").wait().unwrap_err();
    assert_eq!((error.code(), &error.details()["reason"]), (Code::Conflict, &"unreadable".into()));
    store.close().wait().unwrap();
    flip();
    let verified = parsed(&place.store().sessions().verify(started["token"].as_str().unwrap()).wait().unwrap());
    assert_eq!(verified["valid"], true, "nothing is lost once it is mended");
}

/// A process that has met the new key a moment ago goes on sealing with the old one: what it seals while that one is dropped
/// is not lost.
#[test]
fn what_another_process_seals_while_a_key_is_dropped_is_not_lost() {
    let place = Place::new();
    let other = place.store();
    let session = global(&other, "ada");
    place.rotate();
    let store = place.store();
    assert_eq!(usage(&store, 1), [0; 4]);
    let dropped = thread::scope(|scope| {
        let dropping = scope.spawn(|| store.drop_key("1").wait());
        let patience = Instant::now();
        while parsed(&Keyring::describe(place.keyring()).unwrap())["data"][0]["state"] == "retired" {
            assert!(patience.elapsed() < Duration::from_secs(60), "it was never taken out of use");
            thread::sleep(Duration::from_millis(1));
        }
        session.put_one("late", "1", None).wait().unwrap();
        dropping.join().unwrap()
    });
    let fresh = place.store();
    assert_eq!(global(&fresh, "ada").get("late").wait().unwrap().unwrap().as_str(), "1");
    // On a machine so slow that the other process has looked first, nothing was sealed with the old key.
    if let Err(error) = dropped {
        assert_eq!((error.code(), &error.details()["reason"]), (Code::Conflict, &"used".into()));
        assert_eq!(parsed(&Keyring::describe(place.keyring()).unwrap())["data"][0]["state"], "retired");
        rewrap_all(&fresh, 100);
        fresh.drop_key("1").wait().unwrap();
    }
}

/// Everybody ends sessions while their cells are sealed anew: who was revoked or forgotten stays so, the others lose nothing.
#[test]
fn rewrapping_brings_nothing_back_that_was_ended_meanwhile() {
    const USERS: usize = 45;
    let place = Place::new();
    let store = place.store();
    store.configs().create(CONFIG).wait().unwrap();
    store.configs().create(&CONFIG.replace("shop", "gone")).wait().unwrap();
    let start = |tag: &str, user: usize| {
        parsed(&store.sessions().start(tag, &json!({"userId": format!("u{user}")}).to_string(), None).wait().unwrap())
    };
    let started: Vec<Value> = (0..USERS).map(|user| start("shop", user)).collect();
    (0..USERS).for_each(|user| drop(start("gone", user)));
    store.close().wait().unwrap();
    place.rotate();

    let (store, over) = (place.store(), AtomicBool::new(false));
    let text = |user: usize, name: &str| started[user][name].as_str().unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            let (store, over) = (place.store(), &over);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    rewrap_all(&store, 3);
                }
            });
        }
        let store = &store;
        let all = [
            scope.spawn(move || {
                (0..15).for_each(|user| store.sessions().revoke(text(user, "sessionId")).wait().unwrap())
            }),
            scope.spawn(move || {
                for user in 15..30 {
                    assert_eq!(
                        store.sessions().forget("shop", &json!(format!("u{user}")).to_string()).wait().unwrap(),
                        1
                    );
                }
            }),
            scope.spawn(move || {
                for turn in 0..3 {
                    for user in 30..USERS {
                        let run = store.execution(Some(JWT), Some(text(user, "token"))).unwrap();
                        run.global(Some("shop")).put_one("note", &turn.to_string(), None).wait().unwrap();
                    }
                }
            }),
            scope.spawn(move || store.configs().delete("gone", true).wait().unwrap()),
        ];
        let failed = all.into_iter().filter_map(|done| done.join().err()).count();
        over.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0, "an operation failed");
    });
    assert_eq!(rewrap_all(&store, 100).1, 0, "nothing that can't be opened is left");
    assert_eq!(usage(&store, 1), [0; 4]);
    for store in [&store, &place.store()] {
        for user in 0..USERS {
            let verified = parsed(&store.sessions().verify(text(user, "token")).wait().unwrap());
            assert_eq!(verified["valid"], user >= 30, "user {user}: {verified}");
            assert!(user < 30 || verified["data"]["note"] == 2, "user {user}: {verified}");
        }
        for user in 15..30 {
            let known = store.sessions().user("shop", &json!(format!("u{user}")).to_string()).wait();
            assert_eq!(known.unwrap_err().code(), Code::NotFound, "user {user}");
        }
        assert_eq!(store.configs().get("gone").wait().unwrap_err().code(), Code::NotFound);
    }
}

/// Whatever becomes of the file, the keys that were read last stay in force; once it is mended they are followed again.
#[test]
fn a_keyring_file_that_became_bad_changes_nothing_until_it_is_mended() {
    let place = Place::new();
    let store = place.store();
    let session = global(&store, "ada");
    session.put_one("a", "1", None).wait().unwrap();
    let (path, aside) = (place.keyring(), place.0.path().join("aside.json"));
    let good = fs::read(&path).unwrap();
    let mode = |mode: u32| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    let change = |change: &dyn Fn(&mut Value)| {
        let mut file: Value = serde_json::from_slice(&good).unwrap();
        change(&mut file);
        fs::write(&path, file.to_string()).unwrap();
    };
    type Harm<'a> = (&'a str, &'a str, &'a dyn Fn());
    let harms: [Harm; 9] = [
        ("others may read it", "world_readable", &|| mode(0o604)),
        ("its group may write it", "group_writable", &|| mode(0o620)),
        ("half of it", "format", &|| fs::write(&path, &good[..good.len() / 2]).unwrap()),
        ("nothing in it", "format", &|| fs::write(&path, "").unwrap()),
        ("it is gone", "missing", &|| fs::remove_file(&path).unwrap()),
        ("a link to it", "symlink", &|| {
            fs::rename(&path, &aside).unwrap();
            symlink(&aside, &path).unwrap();
        }),
        ("a key with the id 0", "id", &|| change(&|file| file["data"][0]["id"] = json!(0))),
        ("other bytes under the same id", "changed", &|| {
            let other = parsed(&Keyring::generate_json().unwrap());
            change(&|file| file["data"][0]["key"] = other["data"][0]["key"].clone());
        }),
        ("another index key", "index", &|| {
            let other = parsed(&Keyring::generate_json().unwrap());
            change(&|file| file["index"] = other["index"].clone());
        }),
    ];
    for (turn, (what, reason, harm)) in harms.into_iter().enumerate() {
        harm();
        let error = store.reload_keys(None).wait().expect_err(what);
        assert_eq!((error.code(), &error.details()["reason"]), (Code::KeyringInvalid, &reason.into()), "{what}");
        session.put_one("a", &turn.to_string(), None).wait().expect(what);
        assert_eq!(session.get("a").wait().unwrap().unwrap().as_str(), turn.to_string(), "{what}");
        let usage = parsed(&store.key_usage().wait().unwrap());
        assert_eq!(usage["problem"]["code"], "KEYRING_INVALID", "{what}");

        let _ = fs::remove_file(&path);
        fs::write(&path, &good).unwrap();
        mode(0o600);
        store.reload_keys(None).wait().expect(what);
        assert!(parsed(&store.key_usage().wait().unwrap())["problem"].is_null(), "{what}");
    }
}

/// A keyring without the key that everything is sealed with is one that lost it: nothing looks empty, nothing is overwritten.
#[test]
fn a_keyring_without_the_key_in_use_shows_no_empty_session() {
    let place = Place::new();
    let store = place.store();
    let session = global(&store, "ada");
    session.put_one("a", "1", None).wait().unwrap();
    let good = fs::read(place.keyring()).unwrap();
    place.rotate();
    let both = fs::read(place.keyring()).unwrap();
    let mut file: Value = serde_json::from_slice(&both).unwrap();
    file["data"].as_array_mut().unwrap().remove(0);
    fs::write(place.keyring(), file.to_string()).unwrap();
    store.reload_keys(None).wait().unwrap();
    for store in [&store, &place.store()] {
        let session = global(store, "ada");
        assert_eq!(session.get("a").wait().unwrap_err().code(), Code::KeyUnavailable);
        assert_eq!(session.put_one("a", "2", None).wait().unwrap_err().code(), Code::KeyUnavailable);
        assert_eq!(session.keys().wait().unwrap_err().code(), Code::KeyUnavailable);
        assert!(store.sessions().list("global", None, None).wait().unwrap().contains("unreadable"));
    }
    for keyring in [both, good] {
        fs::write(place.keyring(), keyring).unwrap();
        let store: Store = place.store();
        assert_eq!(global(&store, "ada").get("a").wait().unwrap().unwrap().as_str(), "1");
    }
}
