//! What a durable put costs when many ask at once: `durability: commit` with 1, 8 and 64 callers, beside a hand-written
//! transaction of 64 upserts and a bare append with `fdatasync`, on the same disk in the same run, taking turns.
//!
//! ```text
//! group_commit <folder> [seconds for each figure, default 1] [rounds, default 5]
//! ```

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use sessile::{Keyring, Options, Store};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const CALLERS: [usize; 3] = [1, 8, 64];
const TRIGGER: &str = r#"{"type": "rest", "security": "jwt"}"#;
/// As large as what a put below makes of a session's row, head and field sealed.
const ROW: usize = 700;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: group_commit <folder> [seconds] [rounds]")?;
    let seconds = Duration::from_secs_f64(arguments.next().map_or(Ok(1.0), |seconds| seconds.parse())?);
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let keyring = folder.join("keyring.json");
    Keyring::generate(&keyring)?;
    let url = folder.join("sessions.db").display().to_string();
    let options = serde_json::json!({"url": format!("sqlite:{url}"), "durability": "commit"}).to_string();
    let store = Store::open(Options::from_json(&options)?.keyring_file(&keyring)).wait()?;
    let plain = table(&folder.join("plain.db"))?;
    let mut log = OpenOptions::new().create(true).append(true).open(folder.join("log"))?;

    let mut ratios = CALLERS.map(|_| Vec::new());
    for round in 1..=rounds {
        let syncs = appends(&mut log, seconds)?;
        let upserts = transactions(&plain, seconds)?;
        println!("round {round}: fdatasync {syncs:8.0}/s   64 upserts a transaction {upserts:8.0}/s");
        for (ratios, callers) in ratios.iter_mut().zip(CALLERS) {
            let puts = puts(&store, callers, seconds)?;
            let (to_upserts, to_syncs) = (puts / upserts, puts / syncs);
            println!(
                "   {callers:2} callers {puts:8.0} puts/s   {to_upserts:6.2} x the upserts   {to_syncs:6.2} x the fdatasyncs"
            );
            ratios.push((to_upserts, to_syncs));
        }
    }
    for (ratios, callers) in ratios.iter_mut().zip(CALLERS) {
        let median = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = ratios.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        println!(
            "median of {rounds}: {callers:2} callers {:6.2} x the upserts   {:6.2} x the fdatasyncs",
            median(|ratio| ratio.0),
            median(|ratio| ratio.1)
        );
    }
    store.close().wait()?;
    Ok(())
}

/// Puts a second, each caller on a session of its own.
fn puts(store: &Store, callers: usize, time: Duration) -> Outcome<f64> {
    let runs = (0..callers)
        .map(|n| {
            let token = store.tokens().issue(&format!(r#"{{"sub": "user{n}"}}"#), 3600).wait()?;
            let run = store.execution(Some(TRIGGER), Some(&token))?;
            run.global(None).put(r#"{"cart": "begun"}"#, None).wait()?;
            Ok(run)
        })
        .collect::<sessile::Result<Vec<_>>>()?;
    let count = AtomicU64::new(0);
    let started = Instant::now();
    thread::scope(|scope| {
        for run in &runs {
            scope.spawn(|| -> sessile::Result<()> {
                let session = run.global(None);
                let value = "x".repeat(300);
                while started.elapsed() < time {
                    session.put(&format!(r#"{{"cart": "{value}"}}"#), None).wait()?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
    });
    Ok(count.into_inner() as f64 / started.elapsed().as_secs_f64())
}

fn table(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE session(key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, cells BLOB NOT NULL)",
    )?;
    Ok(connection)
}

/// Upserts a second, 64 in each transaction.
fn transactions(connection: &Connection, time: Duration) -> rusqlite::Result<f64> {
    let mut count = 0_u64;
    let started = Instant::now();
    while started.elapsed() < time {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        for n in 0..64_u64 {
            let sql = "INSERT INTO session(key, version, cells) VALUES(?1, 1, ?2) \
                       ON CONFLICT(key) DO UPDATE SET version = version + 1, cells = excluded.cells";
            let row = vec![n as u8; ROW];
            connection.prepare_cached(sql)?.execute(params![[n.to_be_bytes(); 4].concat(), row])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        count += 64;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// Appends of 4 KiB a second, each on the disk before the next.
fn appends(log: &mut File, time: Duration) -> std::io::Result<f64> {
    let mut count = 0_u64;
    let started = Instant::now();
    while started.elapsed() < time {
        log.write_all(&[7; 4096])?;
        log.sync_data()?;
        count += 1;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}
