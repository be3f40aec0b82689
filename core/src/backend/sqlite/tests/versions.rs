//! Files of older versions are brought up to date, once, whoever comes first; newer ones are left alone.

use super::*;
use crate::backend::sqlite::schema::{CURRENT, NEXT, Schema};

fn open_as(path: &Path, schema: &'static Schema) -> Result<Sqlite> {
    Sqlite::open_as(path, settings(Durability::Interval, DEADLINE), schema)
}

pub(super) fn in_a_child(path: &Path, schema: &'static Schema) {
    let store = open_as(path, schema).unwrap();
    assert!(matches!(wait(store.apply(&[one(process::id() as u8)])).unwrap(), Outcome::Applied { .. }));
}

/// Ten processes that open the file at once.
fn ten(place: &Place, task: &str) {
    let children: Vec<_> = (0..10)
        .map(|_| {
            let mut command = child_command(place, &std::env::current_exe().unwrap());
            command.env(TASK, task).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn notes(place: &Place) -> Vec<String> {
    let raw = place.raw();
    let mut notes = raw.prepare("SELECT text FROM note").unwrap();
    notes.query_map([], |row| row.get(0)).unwrap().map(|note| note.unwrap()).collect()
}

#[test]
fn an_older_file_is_brought_up_to_date_with_what_is_in_it() {
    let place = Place::new();
    let store = open_as(&place.file(""), &CURRENT).unwrap();
    assert!(wait(store.apply(&[one(1)])).is_ok());
    drop(store);
    for _ in 0..2 {
        let store = open_as(&place.file(""), &NEXT).unwrap();
        assert_eq!(wait(store.read(&SPACE, &id(1), &Cells::All, None)).unwrap().count, 2);
    }
    // Once only.
    assert_eq!(notes(&place), ["migrated"]);
}

#[test]
fn ten_processes_make_a_file_once() {
    let place = Place::new();
    ten(&place, "this version");
    place.open();
}

#[test]
fn ten_processes_bring_a_file_up_to_date_once() {
    let place = Place::new();
    wait(place.open().close()).unwrap();
    ten(&place, "next version");
    assert_eq!(notes(&place), ["migrated"]);
}

#[test]
fn a_step_that_fails_leaves_the_file_as_it_was() {
    const BROKEN: Schema = Schema::of(&[], &["CREATE TABLE half(x); INSERT INTO nowhere VALUES(1)"]);
    let place = Place::new();
    wait(place.open().close()).unwrap();
    assert!(open_as(&place.file(""), &BROKEN).is_err());
    let store = place.open();
    applied(&store, &one(1));
    // Not what its version says it leaves: it is not taken for good.
    const OTHER: Schema = Schema::of(&[], &["CREATE TABLE other(x)"]);
    drop(store);
    assert_eq!(code(open_as(&place.file(""), &OTHER)), Some(Code::Corrupt));
}

#[test]
fn a_newer_file_is_left_byte_for_byte() {
    let place = Place::new();
    let store = open_as(&place.file(""), &NEXT).unwrap();
    assert!(wait(store.apply(&[one(1)])).is_ok());
    drop(store);
    let bytes = || (fs::read(place.file("")).unwrap(), fs::read_dir(place.0.path()).unwrap().count());
    let before = bytes();
    let error = place.refused(DEADLINE);
    assert_eq!(error.code(), Code::FormatTooNew);
    assert!(error.message().contains("version 2") && error.message().contains("up to 1"), "{error}");
    assert_eq!(bytes(), before);
}

#[test]
fn who_had_it_open_as_it_was_brought_up_to_date_writes_no_more() {
    let place = Place::new();
    let before = place.open();
    applied(&before, &one(1));
    let after = open_as(&place.file(""), &NEXT).unwrap();
    assert_eq!(code(wait(before.apply(&one(2)))), Some(Code::FormatTooNew));
    assert!(wait(after.apply(&[one(3)])).is_ok());
    assert!(wait(after.read(&SPACE, &id(2), &Cells::None, None)).unwrap().count == 0);
}
