//! A store that only reads: nothing in its folder is made or changed.

use std::os::unix::process::CommandExt;

use super::*;
use crate::backend::Access;

/// Nobody in particular, who may write nowhere.
const NOBODY: u32 = 65_534;

fn try_open(path: &Path) -> Result<Backend> {
    let settings = Settings { read_only: true, ..settings(Durability::Interval, DEADLINE) };
    Backend::open(Location::Sqlite(path), settings, Access::default(), &Pool::default())
}

/// Every file of the folder with its bytes.
fn files(place: &Place) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(place.0.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn made() -> Place {
    let place = Place::new();
    let store = place.open();
    applied(&store, &one(1));
    wait(store.close()).unwrap();
    place
}

pub(super) fn in_a_child(path: &Path) {
    let store = try_open(path).unwrap();
    assert_eq!(read(&store, 1).count, 2);
    let error = wait(store.apply(&one(2))).err().unwrap();
    assert_eq!(error.code(), Code::ReadOnly);
    wait(store.close()).unwrap();
}

#[test]
fn it_reads_and_changes_nothing() {
    let place = made();
    let before = files(&place);
    let store = try_open(&place.file("")).unwrap();
    assert_eq!(read(&store, 1).size, 6060);
    assert_eq!(wait(store.read(&SPACE, &id(1), &Cells::All, Some(&user(1)))).unwrap().cells.len(), 2);
    let mut durable = one(2);
    durable.effects.durable = true;
    for change in [one(2), durable] {
        let error = wait(store.apply(&change)).err().unwrap();
        assert_eq!(error.code(), Code::ReadOnly);
        assert!(error.message().contains("readOnly"), "{error}");
    }
    assert_eq!(code(wait(store.apply_meta(&[1; 16], None, b"x"))), Some(Code::ReadOnly));
    wait(store.flush()).unwrap();
    wait(store.close()).unwrap();
    assert!(files(&place) == before);
}

/// The folder of a medium that nothing can be written to, and of a user who may not.
#[test]
fn it_needs_no_right_to_write() {
    let place = made();
    let root = rustix::process::geteuid().is_root();
    // Where the tests are built others may have no way in.
    let program = place.0.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let modes = [(place.0.path().to_owned(), 0o555), (place.file(""), 0o444), (program.clone(), 0o555)];
    for (path, mode) in &modes {
        fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
    }
    let mut command = child_command(&place, &program);
    if root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.env(TASK, "read only").current_dir("/").output().unwrap();
    fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_sees_what_others_write_whether_they_come_or_go() {
    let place = made();
    let reader = try_open(&place.file("")).unwrap();
    assert_eq!(read(&reader, 2).count, 0);
    let mut writer = place.open();
    for n in 2..6 {
        applied(&writer, &one(n));
        assert_eq!(read(&reader, n).count, 2, "{n}: while it is open");
        if n % 2 == 0 {
            wait(writer.close()).unwrap();
            assert_eq!(read(&reader, n).count, 2, "{n}: after it was closed");
            writer = place.open();
        }
    }
    wait(reader.close()).unwrap();
    applied(&writer, &one(7));
}

#[test]
fn what_is_no_store_yet_is_not_made_one() {
    let place = Place::new();
    assert_eq!(code(try_open(&place.file(""))), Some(Code::NotFound));
    assert_eq!(code(try_open(&place.0.path().join("missing/sessions.db"))), Some(Code::Io));
    fs::write(place.file(""), b"").unwrap();
    assert_eq!(code(try_open(&place.file(""))), Some(Code::NotFound));
    fs::write(place.file(""), b"dear diary").unwrap();
    assert_eq!(code(try_open(&place.file(""))), Some(Code::Unsupported));
    assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 1);
}

#[test]
fn an_older_file_is_not_brought_up_to_date() {
    let place = made();
    let before = files(&place);
    let settings = Settings { read_only: true, ..settings(Durability::Interval, DEADLINE) };
    let error = Sqlite::open_as(&place.file(""), settings, &schema::NEXT).err().unwrap();
    assert_eq!(error.code(), Code::ReadOnly);
    assert!(files(&place) == before);
}
