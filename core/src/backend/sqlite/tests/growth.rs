//! How large the file and its log become, and what a lookup costs as they do.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::backend::sqlite::reader::FREE_PAGES_KEPT;

const PAGE: u64 = 4096;
/// How long a checkpoint is waited for on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ends the threads that look at it as it is dropped: where a test fails, too.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn pages(place: &Place, suffix: &str) -> u64 {
    fs::metadata(place.file(suffix)).map_or(0, |file| file.len()) / PAGE
}

/// A change of 16 KiB and more, on one of 50 sessions.
fn large(n: u32) -> Change {
    put((n % 50) as u8, vec![(cell(1), sealed(n as u8, 0, 16 << 10))])
}

fn sqlite(store: &Backend) -> &Sqlite {
    let Backend::Sqlite(sqlite, _) = store else { panic!("another backend") };
    sqlite
}

/// Writes until the log would be 64 MiB if it were never begun anew, as fast as it can.
fn write_much(store: &Backend) {
    (0..3000).for_each(|n| _ = applied(store, &large(n)));
}

/// Goes on writing until the log was begun anew. Checkpoints wait for the disk, which others use too: at full speed any
/// number of writes may come in between.
fn is_shortened(place: &Place, store: &Backend) {
    let started = Instant::now();
    while sqlite(store).log.pages() > 1000 {
        thread::sleep(Duration::from_millis(1));
        applied(store, &one(1));
        assert!(started.elapsed() < PATIENCE, "{} pages", sqlite(store).log.pages());
    }
    assert!(pages(place, "-wal") <= 8 * 1000 + 100, "{} pages", pages(place, "-wal"));
}

#[test]
fn the_log_is_kept_short_aside() {
    let place = Place::new();
    let store = place.open();
    write_much(&store);
    is_shortened(&place, &store);
}

#[test]
fn the_log_is_kept_short_under_readers_that_never_pause() {
    let place = Place::new();
    let store = place.open();
    applied(&store, &large(0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let _ending = Ending(&over);
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    read(&store, 0);
                }
            });
        }
        write_much(&store);
        is_shortened(&place, &store);
    });
}

/// Another program that stays in its snapshot: the log must grow, and shrinks once it has left.
#[test]
fn the_log_shrinks_after_a_reader_that_stayed() {
    let place = Place::new();
    let store = place.open();
    applied(&store, &large(0));
    let reading = connection::reading(&fs::canonicalize(place.file("")).unwrap()).unwrap();
    reading.execute_batch("BEGIN; SELECT count(*) FROM session").unwrap();
    write_much(&store);
    assert!(pages(&place, "-wal") > 12_000);
    reading.execute_batch("COMMIT").unwrap();
    drop(reading);
    // It was last tried when the log was half as long.
    write_much(&store);
    is_shortened(&place, &store);
}

#[test]
fn a_checkpoint_holds_no_caller_up() {
    let place = Place::new();
    let (store, pool) = (std::sync::Arc::new(place.open()), Pool::default());
    // What a host starts is answered inline, checkpoints or not. One that holds the lock for a moment, to wait for
    // readers, sends the call that meets it to the pool, which may answer before the start of it returns.
    let mut inline = 0;
    for n in 0..1500 {
        let store = store.clone();
        let task = Task::new(&pool, async move || store.apply(&large(n)).await.map(|_| thread::current().id()));
        let (sender, receiver) = mpsc::channel();
        let answered = match task.start(move |answered| sender.send(answered).unwrap()) {
            Some(answered) => answered,
            None => receiver.recv().unwrap(),
        };
        inline += u32::from(answered.unwrap() == thread::current().id());
    }
    // Each checkpoint meets one call at most, for they come one after the other; and there are some dozens, for one is due
    // at a thousand pages.
    assert!(inline > 1300, "{inline} of 1500");
    is_shortened(&place, &store);
    pool.close();
}

#[test]
fn space_is_given_back_a_little_with_each_sweep() {
    let place = Place::new();
    let store = place.open();
    for n in 0..40 {
        let mut change = put(n, (0..4).map(|at| (cell(at), sealed(n, 0, 100 << 10))).collect());
        change.effects.expires = Some(NOW);
        applied(&store, &change);
    }
    wait(store.sweep(NOW.plus_millis(-1), 1000, None)).unwrap();
    let size = || {
        sqlite(&store).checkpoint().unwrap();
        sqlite(&store)
            .readers
            .lend(None, |reader| reader.query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0)))
    };
    let size = || u64::from(size().unwrap().unwrap().unwrap());
    let full = size();
    assert!(full > 4000, "{full}");
    // Bounded: what one sweep gives back is in proportion to its budget.
    assert_eq!(wait(store.sweep(NOW, 4, None)).unwrap(), 4);
    let after_one = size();
    assert!((full - 40..full).contains(&after_one), "{after_one} of {full}");
    let mut sweeps = 0;
    let mut last = after_one;
    loop {
        wait(store.sweep(NOW, 32, Some(Duration::from_secs(1)))).unwrap();
        sweeps += 1;
        let now = size();
        assert!(last - now <= 256 + 2, "{last} to {now}");
        if now == last {
            break;
        }
        last = now;
    }
    assert!(sweeps > 10);
    assert!((FREE_PAGES_KEPT..FREE_PAGES_KEPT + 40).contains(&last), "{last}");
}

#[test]
fn a_sweep_beside_a_change_stops_in_time() {
    let place = Place::new();
    let store = place.open();
    for n in 0..64 {
        let mut change = one(n);
        change.effects.expires = Some(NOW);
        applied(&store, &change);
    }
    // No time at all: one goes, so that sweeps gain on what is over.
    assert_eq!(wait(store.sweep(NOW, 32, Some(Duration::ZERO))).unwrap(), 1);
    assert_eq!(wait(store.sweep(NOW, 32, Some(Duration::from_secs(60)))).unwrap(), 32);
    assert_eq!(wait(store.sweep(NOW, 32, None)).unwrap(), 31);
}

#[test]
fn a_flush_is_refused_where_it_would_promise_nothing() {
    let place = Place::new();
    let store = place.open();
    wait(store.flush()).unwrap();
    applied(&store, &one(1));
    wait(store.flush()).unwrap();
    fs::rename(place.file(""), place.file("-moved")).unwrap();
    assert_eq!(code(wait(store.flush())), Some(Code::Io));
    fs::rename(place.file("-moved"), place.file("")).unwrap();
    wait(store.close()).unwrap();
    assert_eq!(code(wait(store.flush())), Some(Code::Closed));
}

/// Times `lookups` reads of sessions that are there, after filling the file with `count` of them.
fn lookup_cost(count: u64, lookups: u32) -> (Backend, Place, Box<dyn Fn() -> Duration>) {
    let place = Place::new();
    wait(place.open().close()).unwrap();
    let spread = |n: u64| {
        // Ids are random: neighbours in time are none in the file.
        let mut id = [0; 17];
        id[1..9].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        id[0] = id[1];
        id
    };
    let raw = place.raw();
    raw.execute_batch("PRAGMA synchronous = OFF; BEGIN").unwrap();
    let sql = "INSERT INTO session(key, head, version, size, count, cells) VALUES(?1, ?2, 1, 0, 0, x'')";
    let mut keys: Vec<_> = (0..count).map(|n| session_key(&SPACE, &spread(n))).collect();
    keys.sort_unstable();
    let mut insert = raw.prepare(sql).unwrap();
    for key in keys {
        insert.execute(rusqlite::params![key, [7_u8; 200]]).unwrap();
    }
    drop(insert);
    raw.execute_batch("COMMIT").unwrap();
    drop(raw);
    let store = place.open();
    let path = place.file("");
    let timed = move || {
        let url = format!("sqlite:{}", path.display());
        let store = open(&url, Durability::Interval, DEADLINE).unwrap();
        let started = Instant::now();
        for at in 0..u64::from(lookups) {
            let n = at.wrapping_mul(0x2545_F491_4F6C_DD1D) % count;
            assert!(wait(store.read(&SPACE, &spread(n), &Cells::All, None)).unwrap().head.is_some());
        }
        started.elapsed()
    };
    (store, place, Box::new(timed))
}

/// A million by `make torture`.
#[test]
fn many_sessions_cost_a_lookup_what_few_cost() {
    let many = if std::env::var_os("SESSILE_TORTURE").is_some() { 1_000_000 } else { 100_000 };
    let few = 10_000;
    let (_few, _few_place, time_few) = lookup_cost(few, 20_000);
    let (_many, _many_place, time_many) = lookup_cost(many, 20_000);
    // In turns, the best of each: others use this machine too.
    let (mut best_few, mut best_many) = (Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        best_few = best_few.min(time_few());
        best_many = best_many.min(time_many());
    }
    let ratio = best_many.as_secs_f64() / best_few.as_secs_f64();
    println!("a lookup among {many} sessions costs {ratio:.2} times one among {few}");
    // More levels of a tree and fewer of its pages in the cache; a scan would cost ten or a hundred times as much.
    assert!(ratio < 4.0, "{ratio}");
}
