//! What is special to files, processes and SQLite; what it shares with the others is in `backend::contract`.

mod durable;
mod groups;
mod growth;
mod lists;
mod read_only;
mod reads;
mod versions;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

use super::super::contract::{
    NOW, SPACE, applied, cell, change, counted, id, increment, open, put, read, sealed, settings, user, wait,
};
use super::super::{Backend, Location, UserEffect};
use super::*;
use crate::error::Code;
use crate::task::{Pool, Task};

const DEADLINE: Duration = Duration::from_secs(20);
/// The file a child process works on; set, it turns [`child`] from a test into that process.
const CHILD: &str = "SESSILE_TEST_CHILD";
/// What else it does than increment until it is killed.
const TASK: &str = "SESSILE_TEST_TASK";

struct Place(TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn file(&self, suffix: &str) -> PathBuf {
        self.0.path().join(format!("sessions.db{suffix}"))
    }

    fn try_open(&self, deadline: Duration) -> Result<Backend> {
        let url = format!("sqlite:{}", self.file("").display());
        open(&url, Durability::Interval, deadline)
    }

    fn open(&self) -> Backend {
        self.try_open(DEADLINE).unwrap()
    }

    #[track_caller]
    fn refused(&self, deadline: Duration) -> Error {
        match self.try_open(deadline) {
            Ok(_) => panic!("opened"),
            Err(error) => error,
        }
    }

    /// Another program's connection; only while no store of this process has the file open.
    fn raw(&self) -> Connection {
        Connection::open(self.file("")).unwrap()
    }
}

fn code<T>(result: Result<T>) -> Option<Code> {
    result.err().map(|error| error.code())
}

fn one(n: u8) -> Change {
    put(n, vec![(cell(1), sealed(n, 0, 60)), (cell(2), sealed(n, 0, 6000))])
}

#[test]
fn two_stores_on_one_file_see_each_other() {
    let place = Place::new();
    let (first, second) = (place.open(), place.open());
    applied(&first, &one(1));
    assert!(read(&second, 1).cells == read(&first, 1).cells);
    let mut clear = change(1);
    clear.effects.clear = true;
    applied(&second, &clear);
    thread::scope(|scope| {
        for (salt, store) in [&first, &second, &first, &second].into_iter().enumerate() {
            scope.spawn(move || (0..25).for_each(|n| increment(store, salt as u8, n)));
        }
    });
    assert_eq!((counted(&first), counted(&second)), (100, 100));
    wait(first.close()).unwrap();
    applied(&second, &one(3));
}

/// Restoring a backup under an open store, say: what it acknowledged would be in a file that nobody finds.
#[test]
fn a_file_that_was_replaced_under_an_open_store_is_told() {
    let (place, aside) = (Place::new(), tempfile::tempdir().unwrap());
    let held = place.open();
    applied(&held, &one(1));
    assert_eq!(read(&held, 1).count, 2);
    for suffix in ["", "-wal", "-shm"] {
        fs::rename(place.file(suffix), aside.path().join(format!("sessions.db{suffix}"))).unwrap();
    }
    assert_eq!(code(wait(held.apply(&one(2)))), Some(Code::Io), "removed");
    let fresh = place.open();
    applied(&fresh, &one(3));
    assert_eq!(code(wait(held.apply(&one(2)))), Some(Code::Io), "replaced");
    let Backend::Sqlite(sqlite, _) = &held else { panic!("another backend") };
    let second = sqlite.readers.lend(None, |_| code(sqlite.readers.lend(None, |_| ()))).unwrap();
    assert_eq!(second, Some(Some(Code::Io)), "a second reader would read the other file");
    wait(held.close()).unwrap();
    applied(&fresh, &one(4));
    assert_eq!(read(&fresh, 1).head, None);
}

#[test]
fn what_was_written_is_there_after_reopening() {
    let place = Place::new();
    let store = place.open();
    applied(&store, &one(1));
    wait(store.close()).unwrap();
    // The last close brings the log into the file.
    assert!(!place.file("-wal").exists());
    let store = place.open();
    assert_eq!((read(&store, 1).size, read(&store, 1).version), (6060, 1));
}

#[test]
fn only_the_owner_may_read_any_of_the_files() {
    let place = Place::new();
    let store = place.open();
    applied(&store, &one(1));
    for suffix in ["", "-wal", "-shm", "-lock"] {
        let mode = fs::metadata(place.file(suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[test]
fn a_path_is_a_path() {
    let place = Place::new();
    for name in ["a?mode=memory", "file:b", "c%20d", "é"] {
        let path = place.0.path().join(name);
        let url = format!("sqlite://{}", path.display());
        let store = open(&url, Durability::Interval, DEADLINE).unwrap();
        applied(&store, &one(1));
        assert!(path.is_file(), "{name}");
    }
    let linked = place.0.path().join("linked");
    std::os::unix::fs::symlink(place.0.path().join("é"), &linked).unwrap();
    let url = format!("sqlite:{}", linked.display());
    assert_eq!(read(&open(&url, Durability::Interval, DEADLINE).unwrap(), 1).count, 2);
    assert!(!place.0.path().join("linked-lock").exists());
}

/// As `.cargo/config.toml` has it built, for whoever builds in this tree.
#[test]
fn sqlite_is_built_with_nothing_that_a_hostile_file_could_reach_for() {
    let raw = Connection::open_in_memory().unwrap();
    let mut select = raw.prepare("SELECT compile_options FROM pragma_compile_options").unwrap();
    let options: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(options.iter().any(|option| option == "OMIT_LOAD_EXTENSION"), "{options:?}");
    for unwanted in ["ENABLE_FTS", "ENABLE_RTREE", "ENABLE_DBSTAT", "ENABLE_LOAD_EXTENSION"] {
        assert!(!options.iter().any(|option| option.starts_with(unwanted)), "{unwanted}");
    }
}

#[test]
fn the_lasting_pragmas_are_set() {
    let place = Place::new();
    wait(place.open().close()).unwrap();
    let raw = place.raw();
    let pragma = |name| raw.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    let found = ["page_size", "auto_vacuum", "application_id", "user_version"].map(pragma);
    assert_eq!(found, [4096, 2, i64::from(schema::APPLICATION_ID), 1]);
    assert_eq!(raw.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0)).unwrap(), "wal");
}

#[test]
fn another_programs_file_is_refused_and_left_as_it_is() {
    let text =
        b"dear diary, this is no database, and it is longer than a header of one hundred bytes, so there is enough";
    let sqlite = |setup: &str| {
        let place = Place::new();
        place.raw().execute_batch(setup).unwrap();
        fs::read(place.file("")).unwrap()
    };
    let ours = format!("PRAGMA application_id = {}; PRAGMA user_version = ", schema::APPLICATION_ID);
    let cases = [
        (text.to_vec(), Code::Unsupported),
        (b"x".to_vec(), Code::Unsupported),
        (sqlite("CREATE TABLE t(x)"), Code::Unsupported),
        (sqlite("PRAGMA application_id = 77; CREATE TABLE t(x)"), Code::Unsupported),
        (sqlite(&format!("{ours} 2; CREATE TABLE t(x)")), Code::FormatTooNew),
    ];
    for (bytes, expected) in cases {
        let place = Place::new();
        fs::write(place.file(""), &bytes).unwrap();
        let error = place.refused(DEADLINE);
        assert_eq!(error.code(), expected, "{error}");
        assert!(expected != Code::Unsupported || error.message().contains("not a sessile store"));
        assert_eq!(fs::read(place.file("")).unwrap(), bytes);
        assert_eq!(fs::read_dir(place.0.path()).unwrap().count(), 1, "nothing was put beside it");
    }
    // Ours by its number, but with more in it than we made.
    let place = Place::new();
    wait(place.open().close()).unwrap();
    place.raw().execute_batch("CREATE TRIGGER t AFTER INSERT ON meta BEGIN DELETE FROM session; END").unwrap();
    assert_eq!(place.refused(DEADLINE).code(), Code::Corrupt);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    fs::write(place.file(""), b"").unwrap();
    applied(&place.open(), &one(1));
}

#[test]
fn places_that_cannot_hold_a_store_are_named() {
    let place = Place::new();
    let open = |path: &Path| open(&format!("sqlite:{}", path.display()), Durability::Interval, DEADLINE);
    let Err(error) = open(&place.0.path().join("missing/deeper/sessions.db")) else { panic!("opened") };
    assert_eq!(error.code(), Code::Io);
    assert!(error.message().contains(&format!("{}/missing/deeper", place.0.path().display())), "{error}");
    assert_eq!(code(open(place.0.path())), Some(Code::Unsupported));

    fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write everywhere.
    if !rustix::process::geteuid().is_root() {
        let error = place.refused(DEADLINE);
        assert_eq!(error.code(), Code::Io);
        assert!(error.message().contains("sessions.db"), "{error}");
    }
    fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_damaged_row_concerns_its_own_session_only() {
    let damages = [
        "UPDATE session SET cells = substr(cells, 1, length(cells) - 3)",
        // The first cell alone: well formed, but not all that the row counts.
        "UPDATE session SET cells = substr(cells, 1, 81)",
        "UPDATE session SET cells = x'02' || substr(cells, 2)",
        "UPDATE session SET cells = 'text'",
        "DELETE FROM field",
        "UPDATE field SET value = x'00'",
    ];
    for damage in damages {
        let place = Place::new();
        let store = place.open();
        let begin = |n| {
            let mut begin = one(n);
            begin.effects.head = Some([n].into());
            begin
        };
        applied(&store, &begin(1));
        applied(&store, &begin(2));
        wait(store.close()).unwrap();
        let key = session_key(&SPACE, &id(1));
        place.raw().execute(&format!("{damage} WHERE key = ?1"), [key]).unwrap();
        let store = place.open();
        let all = wait(store.read(&SPACE, &id(1), &Cells::All, None));
        assert_eq!(code(all), Some(Code::Corrupt), "{damage}");
        assert_eq!(read(&store, 2).count, 2);
        applied(&store, &one(2));
        // Its head can still be read, and it can be revoked.
        assert!(wait(store.read(&SPACE, &id(1), &Cells::None, None)).unwrap().head.is_some());
        let mut revoke = change(1);
        revoke.effects.head = Some((*b"revoked").into());
        revoke.effects.clear = true;
        applied(&store, &revoke);
        assert_eq!(read(&store, 1).count, 0);
    }
}

#[test]
fn who_holds_the_lock_past_the_deadline_is_busy_to_others() {
    let place = Place::new();
    drop(place.open());
    let store = place.try_open(Duration::from_millis(60)).unwrap();
    let lock = WriteLock::open(&place.file("-lock")).unwrap();
    let held = lock.try_hold().unwrap();
    assert!(held.is_some());
    let started = Instant::now();
    let Err(error) = wait(store.apply(&one(1))) else { panic!("applied") };
    assert_eq!(error.code(), Code::Busy);
    assert!(error.retryable() && !error.message().contains("locked"));
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(place.refused(Duration::from_millis(60)).code(), Code::Busy);
    // Who reads asks nobody.
    assert_eq!(read(&store, 1).count, 0);
    drop(held);
    applied(&store, &one(1));
}

#[test]
fn a_foreign_writer_is_waited_for_too() {
    let place = Place::new();
    drop(place.open());
    let store = place.try_open(Duration::from_millis(300)).unwrap();
    let raw = place.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(code(wait(store.apply(&one(1)))), Some(Code::Busy));
    thread::scope(|scope| {
        let write = scope.spawn(|| applied(&store, &one(1)));
        thread::sleep(Duration::from_millis(50));
        raw.execute_batch("COMMIT").unwrap();
        assert_eq!(write.join().unwrap().0, 1);
    });
}

#[test]
fn a_write_is_inline_when_nobody_holds_the_locks_and_moves_to_the_pool_when_somebody_does() {
    let place = Place::new();
    let store = std::sync::Arc::new(place.open());
    let pool = Pool::default();
    let task = |n| {
        let store = store.clone();
        Task::new(&pool, async move || store.apply(&one(n)).await.map(|_| thread::current().id()))
    };
    let inline = task(1).start(|_| panic!("not inline")).unwrap().unwrap();
    assert_eq!(inline, thread::current().id());

    let lock = WriteLock::open(&place.file("-lock")).unwrap();
    let held = lock.try_hold().unwrap();
    let (sender, receiver) = mpsc::channel();
    let moved = task(2).start(move |result| sender.send(result.unwrap()).unwrap());
    assert!(moved.is_none());
    drop(held);
    assert_ne!(receiver.recv().unwrap(), thread::current().id());
    assert_eq!(read(&store, 2).count, 2);
    pool.close();
}

#[test]
fn a_forked_child_is_told_so_and_touches_nothing() {
    let place = Place::new();
    let path = place.file("");
    let mut inherited = Sqlite::open(&path, settings(Durability::Interval, DEADLINE)).unwrap();
    assert!(matches!(wait(inherited.apply(&[one(1)])).unwrap(), Outcome::Applied { .. }));
    wait(inherited.read(&SPACE, &id(1), &Cells::All, None)).map(|_| ()).unwrap();
    *inherited.pid.get_mut() += 1;
    assert_eq!(code(wait(inherited.apply(&[one(1)]))), Some(Code::Forked));
    assert_eq!(code(wait(inherited.read(&SPACE, &id(1), &Cells::All, None))), Some(Code::Forked));
    assert_eq!(code(wait(inherited.close())), Some(Code::Forked));
    let descriptors = || {
        let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
        open.filter(|open| *open == path).count()
    };
    let before = descriptors();
    drop(inherited);
    assert_eq!(descriptors(), before, "the parent's descriptors stay open");
}

#[test]
fn a_file_open_by_other_means_in_this_process_is_refused() {
    let place = Place::new();
    drop(place.open());
    let stranger = fs::File::open(place.file("")).unwrap();
    assert_eq!(place.refused(DEADLINE).code(), Code::Unsupported);
    drop(stranger);
    place.open();
}

/// Not a test by itself: what a child process does, when [`CHILD`] names its file.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    match std::env::var(TASK).as_deref() {
        Ok("read only") => return read_only::in_a_child(Path::new(&path)),
        Ok("next version") => return versions::in_a_child(Path::new(&path), &schema::NEXT),
        Ok("this version") => return versions::in_a_child(Path::new(&path), &schema::CURRENT),
        _ => {}
    }
    let url = format!("sqlite:{}", path.display());
    let store = open(&url, Durability::Interval, DEADLINE).unwrap();
    for n in 0..u32::MAX {
        increment(&store, process::id() as u8, n);
        println!("wrote {}", n + 1);
    }
}

fn spawn_child(place: &Place) -> process::Child {
    child_command(place, &std::env::current_exe().unwrap()).stdout(Stdio::piped()).spawn().unwrap()
}

fn child_command(place: &Place, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", "backend::sqlite::tests::child", "--nocapture"]).env(CHILD, place.file(""));
    command
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let place = Place::new();
    for _ in 0..3 {
        let before = if place.file("").exists() { counted(&place.open()) } else { 0 };
        let mut child = spawn_child(&place);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = 0;
        for line in lines.map_while(std::result::Result::ok) {
            if let Some(count) = line.strip_prefix("wrote ") {
                acknowledged = count.parse().unwrap();
                if acknowledged == 50 {
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        let counted = counted(&place.open()) - before;
        // At most the one write whose answer the kill cut off is there beyond what was acknowledged.
        assert!(counted == acknowledged || counted == acknowledged + 1, "{counted} of {acknowledged}");
    }
}

#[test]
fn processes_take_turns() {
    let place = Place::new();
    drop(place.open());
    let mut children = [spawn_child(&place), spawn_child(&place)];
    // Read as they come: a full pipe would hold the writers up.
    let readers = children.each_mut().map(|child| {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        thread::spawn(move || lines.filter(|line| line.starts_with("wrote ")).count() as u32)
    });
    thread::sleep(Duration::from_millis(300));
    let store = place.open();
    let mut slowest = Duration::ZERO;
    for n in 0..200 {
        let started = Instant::now();
        applied(&store, &one(9));
        slowest = slowest.max(started.elapsed());
        if n % 50 == 0 {
            increment(&store, 99, n);
        }
    }
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let acknowledged: u32 = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
    println!("slowest of 200 writes beside two writing processes: {slowest:?}; theirs: {acknowledged}");
    let counted = counted(&store) - 4;
    assert!(acknowledged > 0 && (acknowledged..=acknowledged + 2).contains(&counted), "{counted} of {acknowledged}");
    assert!(slowest < DEADLINE);
}
