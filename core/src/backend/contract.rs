//! What every backend must do, as one test that any of them is put through.

mod listing;
mod puts;
mod replace;
mod several;
mod users;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::*;
use crate::error::{Code, Result};
use crate::task::{Pool, block_on};

pub(super) const SPACE: Space = [1; 16];
const OTHER: Space = [2; 16];
pub(super) const NOW: Time = Time::from_millis(1_000_000);
pub(super) const DEADLINE: Duration = Duration::from_secs(20);

/// Puts what `make` makes through every rule; each rule meets a fresh, empty backend.
pub(crate) fn check(make: impl Fn() -> Backend) {
    type Rule = (&'static str, fn(&Backend));
    let rules: &[Rule] = &[
        ("what is not there reads as nothing", nothing),
        ("what was put is read, some or all of it", put_and_read),
        ("a failed guard changes nothing and answers", guards),
        ("puts alone count what they replace", puts::count_what_they_replace),
        ("puts alone are refused, or too large", puts::are_refused_or_too_large),
        ("puts alone meet what has an expiry", puts::meet_what_has_an_expiry),
        ("puts alone, side by side, lose nothing", puts::side_by_side_lose_nothing),
        ("a stamp guards one cell", stamps),
        ("an expired cell is absent", expiry),
        ("the version guards the whole", versions),
        ("the generation guards the user", users::generations),
        ("a record made again repeats no generation", users::made_again),
        ("users' records are paged in order", users::pages),
        ("the larger touch wins unless it is reset", touches),
        ("clear and delete count what they removed", counts),
        ("clear, delete, put: in this order", order),
        ("a limit refuses the whole change", limits),
        ("cells cross 4 KiB both ways", sizes),
        ("the index is paged in order", listing::index),
        ("all that is stored is paged by its ids", listing::ids),
        ("a list shows heads and touches as they stand", listing::heads_and_touches),
        ("a user's record and sessions are read together", listing::user_sessions),
        ("a session is found with whose it is", listing::found),
        ("no list shows half a change", listing::one_instant),
        ("several changes are applied as one", several::applied_as_one),
        ("one that fails leaves all undone", several::all_or_nothing),
        ("guards see what stood before all of them", several::guards_before),
        ("no increment of two sessions is lost", several::increments),
        ("bytes are replaced that still stand", replace::bytes_for_bytes),
        ("no write is lost to who seals anew", replace::no_write_is_lost),
        ("meta records are compared and set", meta),
        ("one of eight who race for a meta record wins", meta_race),
        ("no increment is lost", increments),
        ("nobody sees half a change", halves),
        ("spaces do not cross", spaces),
        ("a sweep is bounded and thorough", sweep),
        ("a use keeps a row, and a late one shortens nothing", uses),
        ("what is over stays with a use, and counts as gone", over),
        ("what is over now is swept with its index entry", swept_now),
        ("after close all is closed", close),
    ];
    for (name, rule) in rules {
        println!("{name}");
        rule(&make());
    }
}

/// The backend at `url`.
pub(super) fn open(url: &str, durability: Durability, deadline: Duration) -> Result<Backend> {
    let access = Access { connect: deadline, connections: 4, ..Access::default() };
    Backend::open(Location::parse(url)?, settings(durability, deadline), access, &Pool::default())
}

/// The backend at `url`, opened otherwise than usual.
pub(super) fn open_with(url: &str, shape: impl FnOnce(&mut Settings, &mut Access)) -> Result<Backend> {
    let mut settings = settings(Durability::default(), DEADLINE);
    let mut access = Access { connect: DEADLINE, connections: 4, ..Access::default() };
    shape(&mut settings, &mut access);
    Backend::open(Location::parse(url)?, settings, access, &Pool::default())
}

pub(super) fn settings(durability: Durability, deadline: Duration) -> Settings {
    Settings { durability, deadline, read_only: false, allow_network_filesystem: false }
}

#[test]
fn memory() {
    check(|| open("memory:", Durability::default(), DEADLINE).unwrap());
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    for durability in [Durability::Interval, Durability::Commit] {
        let made = std::cell::Cell::new(0);
        check(|| {
            made.set(made.get() + 1);
            let url = format!("sqlite:{}/{durability:?}-{}?x=1", folder.path().display(), made.get());
            open(&url, durability, DEADLINE).unwrap()
        });
    }
}

#[test]
fn urls_are_checked() {
    for url in ["", "memory", "redis://:secret@host", "memory:x", "sqlite:", "sqlite://host/x", "sqlite::memory:"] {
        let Err(error) = open(url, Durability::Interval, DEADLINE) else { panic!("{url} opened") };
        assert_eq!(error.code(), Code::InvalidArgument, "{url}");
        assert!(!error.message().contains("secret"));
    }
    let Err(error) = open("rodis://h", Durability::Interval, DEADLINE) else { panic!("opened") };
    assert!(error.message().contains("memory:") && error.message().contains("sqlite:PATH"));
}

/// What this process has in memory, in bytes.
pub(super) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Waits where it stands.
pub(super) fn wait<T>(work: impl Future<Output = T> + Send) -> T {
    block_on(work)
}

/// Does `work` on a thread with the least stack that the header asks for.
pub(super) fn on_a_small_stack(work: impl FnOnce() + Send) {
    thread::scope(|threads| {
        thread::Builder::new().stack_size(256 << 10).spawn_scoped(threads, work).unwrap();
    });
}

pub(super) fn id(n: u8) -> StorageId {
    let mut id = [7; 17];
    id[16] = n;
    id
}

pub(super) fn user(n: u8) -> BlindUser {
    let mut user = [7; 16];
    user[15] = n;
    user
}

pub(super) fn cell(n: u8) -> CellId {
    [n; 16]
}

/// A cell of `size` bytes.
pub(super) fn sealed(stamp: u8, expiry: i64, size: usize) -> SealedField {
    let mut bytes = vec![stamp; size.max(29)];
    bytes[SealedField::EXPIRY].copy_from_slice(&expiry.to_be_bytes());
    SealedField(bytes.into())
}

fn touch(at: i64) -> Touch {
    let mut touch = [9; 24];
    touch[..8].copy_from_slice(&at.to_be_bytes());
    touch
}

pub(super) fn change(n: u8) -> Change {
    let effects = Effects { raise_version: true, ..Effects::nothing(NOW, &Limits::default()) };
    Change { space: SPACE, id: id(n), guard: Guard::default(), effects, answer: Cells::All }
}

fn with(n: u8, shape: impl FnOnce(&mut Change)) -> Change {
    let mut change = change(n);
    shape(&mut change);
    change
}

pub(super) fn put(n: u8, cells: Vec<(CellId, SealedField)>) -> Change {
    with(n, |change| change.effects.put = cells)
}

#[track_caller]
pub(super) fn applied(backend: &Backend, change: &Change) -> (u64, u64) {
    match wait(backend.apply(change)).unwrap() {
        Outcome::Applied { version, deleted } => (version, deleted),
        Outcome::Refused(_) => panic!("refused"),
        Outcome::TooLarge { .. } => panic!("too large"),
    }
}

#[track_caller]
fn refused(backend: &Backend, change: &Change) -> Record {
    match wait(backend.apply(change)).unwrap() {
        Outcome::Refused(record) => record,
        _ => panic!("not refused"),
    }
}

pub(super) fn read(backend: &Backend, n: u8) -> Record {
    wait(backend.read(&SPACE, &id(n), &Cells::All, None)).unwrap()
}

fn ids(record: &Record) -> Vec<CellId> {
    let mut ids: Vec<_> = record.cells.iter().map(|(cell, _)| *cell).collect();
    ids.sort_unstable();
    ids
}

fn nothing(backend: &Backend) {
    let record = wait(backend.read(&SPACE, &id(1), &Cells::All, Some(&user(1)))).unwrap();
    assert!(record.head.is_none() && record.touch.is_none() && record.cells.is_empty() && record.user.is_none());
    assert_eq!((record.version, record.size, record.count), (0, 0, 0));
    assert!(wait(backend.page(&SPACE, None, None, 10)).unwrap().is_empty());
    assert!(wait(backend.read_meta(&[0; 16])).unwrap().is_none());
    assert_eq!(wait(backend.sweep(NOW, 10, None)).unwrap(), 0);
}

fn put_and_read(backend: &Backend) {
    let cells = vec![(cell(3), sealed(3, 0, 60)), (cell(1), sealed(1, 0, 70)), (cell(2), sealed(2, 0, 9000))];
    let begin = with(1, |change| {
        change.guard.head = HeadGuard::Absent;
        change.effects.head = Some((*b"head").into());
        change.effects.put = cells.clone();
    });
    assert_eq!(applied(backend, &begin), (1, 0));
    let all = read(backend, 1);
    assert_eq!(all.head.as_deref(), Some(&b"head"[..]));
    assert_eq!((all.version, all.size, all.count), (1, 9130, 3));
    for (cell, sealed) in &cells {
        assert!(all.cells.iter().any(|(found, bytes)| found == cell && bytes == sealed));
    }
    let some = Cells::Some(vec![cell(2), cell(9), cell(3)]);
    let some = wait(backend.read(&SPACE, &id(1), &some, None)).unwrap();
    assert_eq!(ids(&some), [cell(2), cell(3)]);
    let none = wait(backend.read(&SPACE, &id(1), &Cells::None, None)).unwrap();
    assert!(none.cells.is_empty() && none.head == all.head && none.count == 3);
}

fn guards(backend: &Backend) {
    let begin = with(1, |change| {
        change.effects.head = Some((*b"head").into());
        change.effects.put = vec![(cell(1), sealed(1, 0, 60)), (cell(2), sealed(2, 0, 6000))];
    });
    applied(backend, &begin);
    let failing = [
        Guard { head: HeadGuard::Absent, ..Guard::default() },
        Guard { head: HeadGuard::Is((*b"heaD").into()), ..Guard::default() },
        Guard { version: Some(2), ..Guard::default() },
        Guard { stamps: vec![(cell(1), Some([1; 16])), (cell(2), Some([9; 16]))], ..Guard::default() },
        Guard { stamps: vec![(cell(2), None)], ..Guard::default() },
        Guard { generation: Some((user(1), 1)), ..Guard::default() },
    ];
    for guard in failing {
        let all_at_once = with(1, |change| {
            change.guard = guard.clone();
            change.answer = Cells::Some(vec![cell(2)]);
            let effects = &mut change.effects;
            effects.head = Some((*b"new").into());
            effects.touch = Some(touch(5));
            effects.clear = true;
            effects.put = vec![(cell(3), sealed(3, 0, 60))];
            effects.user = Some((user(1), UserEffect::Write((*b"user").into())));
            effects.index = Some((user(1), true));
            effects.expires = Some(NOW);
        });
        let answer = refused(backend, &all_at_once);
        assert_eq!(answer.head.as_deref(), Some(&b"head"[..]));
        assert_eq!(ids(&answer), [cell(2)]);
        assert!(answer.cells[0].1 == sealed(2, 0, 6000));
        let after = wait(backend.read(&SPACE, &id(1), &Cells::All, Some(&user(1)))).unwrap();
        assert_eq!(ids(&after), [cell(1), cell(2)]);
        assert_eq!((after.version, after.size, after.count), (1, 6060, 2));
        assert!(after.touch.is_none() && after.user.is_none());
        assert!(wait(backend.page(&SPACE, None, None, 10)).unwrap().is_empty());
        assert_eq!(wait(backend.sweep(NOW, 10, None)).unwrap(), 0);
    }
    let holding = with(1, |change| {
        change.guard = Guard {
            head: HeadGuard::Is((*b"head").into()),
            version: Some(1),
            stamps: vec![(cell(1), Some([1; 16])), (cell(2), Some([2; 16])), (cell(3), None)],
            generation: Some((user(1), 0)),
        };
    });
    assert_eq!(applied(backend, &holding).0, 2);
}

fn stamps(backend: &Backend) {
    applied(backend, &put(1, vec![(cell(1), sealed(1, 0, 60))]));
    let replace = |from, to, size| {
        with(1, |change| {
            change.guard.stamps = vec![(cell(1), from)];
            change.effects.put = vec![(cell(1), sealed(to, 0, size))];
        })
    };
    applied(backend, &replace(Some([1; 16]), 2, 60));
    applied(backend, &replace(Some([2; 16]), 3, 5000));
    applied(backend, &replace(Some([3; 16]), 4, 60));
    refused(backend, &replace(Some([3; 16]), 5, 60));
    refused(backend, &replace(None, 5, 60));
    assert_eq!(read(backend, 1).cells[0].1.stamp(), Some([4; 16]));
}

fn expiry(backend: &Backend) {
    let at = NOW.millis();
    for size in [60, 6000] {
        applied(backend, &put(1, vec![(cell(1), sealed(1, at, size)), (cell(2), sealed(2, at + 1, size))]));
        let absent = |n| with(1, |change| change.guard.stamps = vec![(cell(n), None)]);
        refused(backend, &absent(2));
        let stamped = with(1, |change| change.guard.stamps = vec![(cell(1), Some([1; 16]))]);
        refused(backend, &stamped);
        applied(backend, &absent(1));
        // The change took the expired cell away.
        let after = read(backend, 1);
        assert_eq!(ids(&after), [cell(2)]);
        assert_eq!((after.size, after.count), (size as u64, 1));
        assert!(after.cells[0].1.expiry() == Some(NOW.plus_millis(1)));
    }
}

fn versions(backend: &Backend) {
    let at = |version| with(1, |change| change.guard.version = Some(version));
    assert_eq!(applied(backend, &at(0)).0, 1);
    assert_eq!(applied(backend, &at(1)).0, 2);
    refused(backend, &at(1));
    let still = with(1, |change| change.effects.raise_version = false);
    assert_eq!(applied(backend, &still).0, 2);
    let again = with(1, |change| change.effects.restart = Some(0));
    assert_eq!(applied(backend, &again).0, 1);
    assert_eq!(read(backend, 1).version, 1);
    // A record that is brought from elsewhere keeps its version, raised or not.
    for (from, raised, version) in [(41, true, 42), (7, false, 7)] {
        let brought = with(1, |change| {
            (change.effects.restart, change.effects.raise_version) = (Some(from), raised);
        });
        assert_eq!(applied(backend, &brought).0, version);
        assert_eq!(read(backend, 1).version, version);
    }
}

fn touches(backend: &Backend) {
    let touched = |at: Option<i64>, reset| {
        with(1, |change| {
            change.effects.touch = at.map(touch);
            change.effects.reset_touch = reset;
        })
    };
    let steps = [
        (Some(5), false, Some(5)),
        (Some(4), false, Some(5)),
        (None, false, Some(5)),
        (Some(6), false, Some(6)),
        (Some(2), true, Some(2)),
        (None, true, None),
    ];
    for (given, reset, expected) in steps {
        applied(backend, &touched(given, reset));
        assert_eq!(read(backend, 1).touch, expected.map(touch));
    }
}

fn counts(backend: &Backend) {
    let at = NOW.millis();
    let fill = || {
        let cells = vec![
            (cell(1), sealed(1, 0, 60)),
            (cell(2), sealed(2, at, 60)),
            (cell(3), sealed(3, 0, 7000)),
            (cell(4), sealed(4, 0, 60)),
        ];
        put(1, cells)
    };
    applied(backend, &fill());
    let delete = |cells| with(1, |change| change.effects.delete = cells);
    assert_eq!(applied(backend, &delete(vec![cell(1), cell(1), cell(2), cell(3), cell(9)])).1, 2);
    assert_eq!((read(backend, 1).size, read(backend, 1).count), (60, 1));
    applied(backend, &fill());
    let clear = with(1, |change| change.effects.clear = true);
    assert_eq!(applied(backend, &clear), (4, 3));
    let after = read(backend, 1);
    assert_eq!((after.version, after.size, after.count, after.cells.len()), (4, 0, 0, 0));
    assert_eq!(applied(backend, &clear).1, 0);
}

fn order(backend: &Backend) {
    applied(backend, &put(1, vec![(cell(1), sealed(1, 0, 60)), (cell(2), sealed(2, 0, 6000))]));
    let all = with(1, |change| {
        change.effects.clear = true;
        change.effects.delete = vec![cell(3)];
        change.effects.put =
            vec![(cell(3), sealed(3, 0, 60)), (cell(2), sealed(4, 0, 5000)), (cell(3), sealed(5, 0, 70))];
    });
    assert_eq!(applied(backend, &all).1, 2);
    let after = read(backend, 1);
    assert_eq!(ids(&after), [cell(2), cell(3)]);
    assert_eq!((after.size, after.count), (5070, 2));
    let stamps: Vec<_> = after.cells.iter().filter_map(|(_, sealed)| sealed.stamp()).collect();
    assert!(stamps.contains(&[4; 16]) && stamps.contains(&[5; 16]));
}

fn limits(backend: &Backend) {
    let fitting = put(1, vec![(cell(1), sealed(1, 0, 60)), (cell(2), sealed(2, 0, 6000))]);
    applied(backend, &fitting);
    let attempt = |cells, max_size, max_count| {
        let change = with(1, |change| {
            change.effects.put = cells;
            change.effects.delete = vec![cell(1)];
            change.effects.max_size = max_size;
            change.effects.max_count = max_count;
        });
        wait(backend.apply(&change)).unwrap()
    };
    let large = attempt(vec![(cell(3), sealed(3, 0, 100))], 6099, 9);
    assert!(matches!(large, Outcome::TooLarge { size: 6100, count: 2 }));
    let many = attempt(vec![(cell(3), sealed(3, 0, 60)), (cell(4), sealed(4, 0, 60))], 1 << 20, 2);
    assert!(matches!(many, Outcome::TooLarge { size: 6120, count: 3 }));
    assert_eq!(ids(&read(backend, 1)), [cell(1), cell(2)]);
    assert_eq!(read(backend, 1).version, 1);
    // Emptying a session is possible however low the limits are now.
    assert!(matches!(attempt(Vec::new(), 10, 0), Outcome::Applied { deleted: 1, .. }));
    assert!(matches!(attempt(vec![(cell(2), sealed(2, 0, 100))], 100, 1), Outcome::Applied { .. }));
}

fn sizes(backend: &Backend) {
    for size in [60, 4096, 4097, 300_000, 4097, 4096, 29, 1 << 20, 60] {
        let cells = vec![(cell(1), sealed(1, 0, size)), (cell(2), sealed(2, 0, 50))];
        applied(backend, &put(1, cells.clone()));
        let after = read(backend, 1);
        assert_eq!((after.size, after.count), (size as u64 + 50, 2));
        assert!(cells.iter().all(|cell| after.cells.contains(cell)), "{size}");
    }
}

fn meta(backend: &Backend) {
    let key = [5; 16];
    let set = |expected, new| wait(backend.apply_meta(&key, expected, new)).unwrap();
    assert_eq!(set(Some(&b"x"[..]), b"a"), Err(None));
    assert_eq!(set(None, b"a"), Ok(()));
    assert_eq!(set(None, b"b"), Err(Some((*b"a").into())));
    assert_eq!(set(Some(&b"a"[..]), b"b"), Ok(()));
    assert_eq!(wait(backend.read_meta(&key)).unwrap().as_deref(), Some(&b"b"[..]));
    assert!(wait(backend.read_meta(&[6; 16])).unwrap().is_none());
}

fn meta_race(backend: &Backend) {
    let won: Vec<u8> = thread::scope(|scope| {
        let racers: Vec<_> = (0..8u8)
            .map(|n| scope.spawn(move || wait(backend.apply_meta(&[5; 16], None, &[n])).unwrap().is_ok().then_some(n)))
            .collect();
        racers.into_iter().filter_map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(won.len(), 1);
    assert_eq!(wait(backend.read_meta(&[5; 16])).unwrap().as_deref(), Some(&won[..]));
}

/// Adds one to the number in cell 1 by a guarded change, again until it is applied.
pub(super) fn increment(backend: &Backend, salt: u8, n: u32) {
    try_increment(backend, salt, n).unwrap();
}

/// The same, unless the backend fails.
pub(super) fn try_increment(backend: &Backend, salt: u8, n: u32) -> Result<()> {
    loop {
        let record = wait(backend.read(&SPACE, &id(1), &Cells::All, None))?;
        let old = record.cells.first().map(|(_, sealed)| sealed);
        let count = old.map_or(0, |old| u32::from_be_bytes(old.0[29..33].try_into().unwrap()));
        let mut new = sealed(salt, 0, 60);
        new.0[5..9].copy_from_slice(&n.to_be_bytes());
        new.0[29..33].copy_from_slice(&(count + 1).to_be_bytes());
        let change = with(1, |change| {
            change.guard.stamps = vec![(cell(1), old.and_then(SealedField::stamp))];
            change.effects.put = vec![(cell(1), new.clone())];
        });
        if let Outcome::Applied { .. } = wait(backend.apply(&change))? {
            return Ok(());
        }
    }
}

pub(super) fn counted(backend: &Backend) -> u32 {
    u32::from_be_bytes(read(backend, 1).cells[0].1.0[29..33].try_into().unwrap())
}

fn increments(backend: &Backend) {
    thread::scope(|scope| {
        for salt in 0..16 {
            scope.spawn(move || (0..10).for_each(|n| increment(backend, salt, n)));
        }
    });
    assert_eq!(counted(backend), 160);
    assert_eq!(read(backend, 1).version, 160);
}

fn halves(backend: &Backend) {
    let both = |stamp, size| put(1, vec![(cell(1), sealed(stamp, 0, size)), (cell(2), sealed(stamp, 0, 6100 - size))]);
    applied(backend, &both(0, 60));
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let record = read(backend, 1);
                    assert_eq!(record.cells.len(), 2);
                    assert_eq!(record.cells[0].1.stamp(), record.cells[1].1.stamp());
                    assert_eq!(record.size, 6100);
                }
            });
        }
        for n in 0..200u8 {
            applied(backend, &both(n, if n % 2 == 0 { 60 } else { 6000 }));
        }
        done.store(true, Ordering::Relaxed);
    });
}

fn spaces(backend: &Backend) {
    applied(backend, &put(1, vec![(cell(1), sealed(1, 0, 60))]));
    let elsewhere = with(1, |change| {
        change.space = OTHER;
        change.guard.stamps = vec![(cell(1), None)];
        change.effects.put = vec![(cell(1), sealed(2, 0, 6000))];
        change.effects.user = Some((user(1), UserEffect::Write((*b"u").into())));
    });
    applied(backend, &elsewhere);
    assert_eq!(read(backend, 1).cells[0].1.stamp(), Some([1; 16]));
    let there = wait(backend.read(&OTHER, &id(1), &Cells::All, Some(&user(1)))).unwrap();
    assert_eq!(there.cells[0].1.stamp(), Some([2; 16]));
    assert!(there.user.is_some());
    assert!(wait(backend.read(&SPACE, &id(1), &Cells::None, Some(&user(1)))).unwrap().user.is_none());
}

fn sweep(backend: &Backend) {
    for n in 1..=10 {
        let begin = with(n, |change| {
            change.effects.head = Some([n].into());
            change.effects.put = vec![(cell(1), sealed(1, 0, 60)), (cell(2), sealed(2, 0, 6000))];
            change.effects.index = Some((user(n), true));
            change.effects.user = Some((user(n), UserEffect::Write([n].into())));
            change.effects.expires = Some(NOW.plus_millis(if n <= 6 { 0 } else { 1 }));
        });
        applied(backend, &begin);
    }
    // An ordinary put leaves the hint as it is; a new head brings its own.
    applied(backend, &put(1, vec![(cell(3), sealed(3, 0, 60))]));
    applied(backend, &with(2, |change| change.effects.head = Some((*b"longer").into())));
    assert_eq!(wait(backend.sweep(NOW, 0, None)).unwrap(), 0);
    assert_eq!(wait(backend.sweep(NOW, 3, None)).unwrap(), 3);
    assert_eq!(wait(backend.sweep(NOW, 100, None)).unwrap(), 2);
    assert_eq!(wait(backend.sweep(NOW, 100, None)).unwrap(), 0);
    for n in 1..=10 {
        let stands = n == 2 || n > 6;
        let record = wait(backend.read(&SPACE, &id(n), &Cells::All, Some(&user(n)))).unwrap();
        assert_eq!((record.head.is_some(), record.cells.len()), (stands, if stands { 2 } else { 0 }), "{n}");
        // The user outlives the session.
        assert!(record.user.is_some());
        let listed = wait(backend.page(&SPACE, Some(&user(n)), None, 9)).unwrap();
        assert_eq!(listed.len(), usize::from(stands));
    }
    // A session begun again in a swept place meets nothing of the old one.
    applied(backend, &put(1, vec![(cell(2), sealed(9, 0, 5000))]));
    assert_eq!((read(backend, 1).version, read(backend, 1).size), (1, 5000));
}

fn swept_now(backend: &Backend) {
    let begin = |n| {
        with(n, |change| {
            change.effects.head = Some([n].into());
            change.effects.put = vec![(cell(1), sealed(1, 0, 60))];
            change.effects.index = Some((user(1), true));
            change.effects.expires = Some(NOW.plus_millis(1000));
        })
    };
    applied(backend, &begin(1));
    applied(backend, &begin(2));
    // The hint alone, and the hint with a new head.
    applied(backend, &with(1, |change| change.effects.expires = Some(NOW)));
    let last = with(2, |change| {
        change.effects.head = Some((*b"over").into());
        change.effects.clear = true;
        change.effects.expires = Some(NOW);
    });
    applied(backend, &last);
    applied(backend, &begin(3));
    assert_eq!(wait(backend.sweep(NOW.plus_millis(-1), 9, None)).unwrap(), 0);
    assert_eq!(wait(backend.sweep(NOW, 9, None)).unwrap(), 2);
    let listed = wait(backend.page(&SPACE, None, None, 9)).unwrap();
    assert_eq!(listed.iter().map(|entry| entry.id).collect::<Vec<_>>(), [id(3)]);
    assert!(read(backend, 1).head.is_none() && read(backend, 1).cells.is_empty() && read(backend, 2).head.is_none());
}

fn uses(backend: &Backend) {
    let used = |at: i64, kept: i64| {
        with(1, |change| {
            change.effects.raise_version = false;
            change.effects.touch = Some(touch(at));
            change.effects.expires = Some(NOW.plus_millis(kept));
        })
    };
    let begin = with(1, |change| {
        change.effects.head = Some([1].into());
        change.effects.expires = Some(NOW);
    });
    applied(backend, &begin);
    for (at, kept, until) in [(5, 1000, 1000), (4, 10, 1000), (4, 2000, 1000), (6, 500, 500), (7, 3000, 3000)] {
        applied(backend, &used(at, kept));
        assert_eq!(wait(backend.sweep(NOW.plus_millis(until - 1), 9, None)).unwrap(), 0, "{at} {kept}");
    }
    assert_eq!(wait(backend.sweep(NOW.plus_millis(3000), 9, None)).unwrap(), 1);
}

fn over(backend: &Backend) {
    for clear in [false, true] {
        let both = vec![(cell(1), sealed(1, NOW.millis(), 60)), (cell(2), sealed(2, 0, 60))];
        applied(backend, &put(1, both));
        let quietly = |shape: &dyn Fn(&mut Effects)| {
            with(1, |change| {
                change.effects.raise_version = false;
                shape(&mut change.effects);
            })
        };
        applied(backend, &quietly(&|effects| effects.touch = Some(touch(5 + i64::from(clear)))));
        assert_eq!((read(backend, 1).count, read(backend, 1).size), (2, 120));
        let gone = quietly(&|effects| {
            effects.clear = clear;
            effects.delete = if clear { Vec::new() } else { vec![cell(1), cell(2)] };
        });
        assert_eq!(applied(backend, &gone).1, 1, "clear: {clear}");
        assert_eq!((read(backend, 1).count, read(backend, 1).size), (0, 0));
    }
}

fn close(backend: &Backend) {
    applied(backend, &put(1, vec![(cell(1), sealed(1, 0, 60))]));
    wait(backend.close()).unwrap();
    wait(backend.close()).unwrap();
    let closed = |code: Option<Code>| assert_eq!(code, Some(Code::Closed));
    closed(wait(backend.read(&SPACE, &id(1), &Cells::All, None)).err().map(|error| error.code()));
    closed(wait(backend.apply(&change(1))).err().map(|error| error.code()));
    closed(wait(backend.page(&SPACE, None, None, 1)).err().map(|error| error.code()));
    closed(wait(backend.user(&SPACE, &user(1))).err().map(|error| error.code()));
    closed(wait(backend.page_users(&SPACE, None, 1)).err().map(|error| error.code()));
    closed(wait(backend.sweep(NOW, 1, None)).err().map(|error| error.code()));
    closed(wait(backend.read_meta(&[0; 16])).err().map(|error| error.code()));
    closed(wait(backend.apply_meta(&[0; 16], None, b"")).err().map(|error| error.code()));
}
