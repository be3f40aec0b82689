//! Durable puts: `durability: commit` with one caller and with 64, threads that wait or futures of one thread, beside what
//! the disk takes at least.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::Outcome;
use crate::bench::Bench;
use crate::ours::{Filled, fill, open_file};
use crate::store::blob;

const CALLERS: usize = 64;
/// As large as what a put below makes of a session's row.
const ROW: usize = 700;

pub fn run(bench: &Bench) -> Outcome {
    if !bench.plan.wants("rust.commit") {
        return Ok(());
    }
    let store = open_file(&bench.plan, "commit", r#", "durability": "commit", "limits": {"deadline": 20000}"#)?;
    let filled = fill(store, r#"{"cart": "begun"}"#, CALLERS, 1)?;
    let plain = Connection::open(bench.plan.file("commit-plain.db")?)?;
    plain.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE session(key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, cells BLOB NOT NULL)",
    )?;
    let mut log = OpenOptions::new().create(true).append(true).open(bench.plan.file("log")?)?;

    let mut group = bench.group("rust.commit");
    for callers in [CALLERS, 1] {
        let plural = if callers == 1 { "" } else { "s" };
        let filled = &filled;
        group.add_round(&format!("sessile durable put, {callers} caller{plural}"), move |count| {
            scaled(count, callers, |done| puts(filled, callers, done))
        });
    }
    group.add_round("sessile durable put, 64 futures of one thread", |count| {
        scaled(count, CALLERS, |done| awaited_puts(&filled, done))
    });
    group.add_round("64 upserts in a hand-written transaction", |count| {
        let started = Instant::now();
        let transactions = count.div_ceil(CALLERS);
        for _ in 0..transactions {
            transaction(&plain).expect("a transaction");
        }
        started.elapsed().mul_f64(count as f64 / (transactions * CALLERS) as f64)
    });
    group.add("append + fdatasync", |_| {
        log.write_all(&[7; 4096]).expect("appended");
        log.sync_data().expect("on the disk");
    });
    group.run();
    Ok(())
}

/// How long `count` puts take, told by so many that all callers have something to do most of the time.
fn scaled(count: usize, callers: usize, puts: impl FnOnce(usize)) -> Duration {
    let done = count.max(4 * callers);
    let started = Instant::now();
    puts(done);
    started.elapsed().mul_f64(count as f64 / done as f64)
}

/// So many puts in all, each caller on a session of its own.
fn puts(filled: &Filled, callers: usize, count: usize) {
    let done = AtomicUsize::new(0);
    let value = format!("\"{}\"", "x".repeat(300));
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (done, value) = (&done, &value);
            let session = filled.session(caller);
            scope.spawn(move || {
                while done.fetch_add(1, Ordering::Relaxed) < count {
                    session.put_one("cart", value, None).wait().expect("a put");
                }
            });
        }
    });
}

/// The same by callers who share one thread.
fn awaited_puts(filled: &Filled, count: usize) {
    let done = AtomicUsize::new(0);
    let value = format!("\"{}\"", "x".repeat(300));
    let callers = (0..CALLERS).map(async |caller| {
        let session = filled.session(caller);
        while done.fetch_add(1, Ordering::Relaxed) < count {
            session.put_one("cart", &value, None).await.expect("a put");
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(futures_util::future::join_all(callers));
}

fn transaction(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for caller in 0..CALLERS {
        let sql = "INSERT INTO session(key, version, cells) VALUES(?1, 1, ?2) \
                   ON CONFLICT(key) DO UPDATE SET version = version + 1, cells = excluded.cells";
        connection.prepare_cached(sql)?.execute(params![blob(caller), vec![caller as u8; ROW]])?;
    }
    connection.prepare_cached("COMMIT")?.execute([]).map(drop)
}
