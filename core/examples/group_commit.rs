//! What a durable put costs when many ask at once: `durability: commit` with 1, 8 and 64 callers, beside a hand-written
//! transaction of 64 upserts and a bare append with `fdatasync`, on the same disk in the same run, taking turns.
//!
//! And beside as many threads that hand one thread a row each, which it upserts as above and then wakes them: what it costs
//! to be called by threads that wait, with nothing sealed, nothing checked and nothing read.
//!
//! ```text
//! group_commit <folder> [seconds for each figure, default 1] [rounds, default 5]
//! ```

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, Thread};
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
        let (upserts, each) = with_cpu(|| transactions(&plain, seconds))?;
        println!(
            "round {round}: fdatasync {syncs:8.0}/s   64 upserts a transaction {upserts:8.0}/s ({each:.1} us of CPU)"
        );
        for (ratios, callers) in ratios.iter_mut().zip(CALLERS) {
            let (handed, handed_each) = with_cpu(|| handed(&plain, callers, seconds))?;
            let (puts, each) = with_cpu(|| puts(&store, callers, seconds))?;
            let ratio = [puts / upserts, puts / handed, puts / syncs];
            println!(
                "   {callers:2} callers {puts:8.0} puts/s ({each:.1} us of CPU), {handed:8.0} rows handed over/s \
                 ({handed_each:.1} us)   {}",
                printed(&ratio)
            );
            ratios.push(ratio);
        }
    }
    for (ratios, callers) in ratios.iter_mut().zip(CALLERS) {
        let median = |at: usize| {
            let mut all: Vec<f64> = ratios.iter().map(|ratio| ratio[at]).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        println!("median of {rounds}: {callers:2} callers {}", printed(&[0, 1, 2].map(median)));
    }
    store.close().wait()?;
    Ok(())
}

fn printed([upserts, handed, syncs]: &[f64; 3]) -> String {
    format!("{upserts:6.2} x the upserts   {handed:6.2} x the rows handed over   {syncs:6.2} x the fdatasyncs")
}

/// A rate, and the microseconds of CPU that each took: what stands where others keep the machine busy.
fn with_cpu<E>(work: impl FnOnce() -> Result<f64, E>) -> Outcome<(f64, f64)>
where
    Box<dyn std::error::Error>: From<E>,
{
    let (cpu, started) = (cpu()?, Instant::now());
    let rate = work()?;
    let count = rate * started.elapsed().as_secs_f64();
    Ok((rate, (self::cpu()? - cpu) * 1e6 / count))
}

/// Seconds of CPU that this process has taken, in hundredths.
fn cpu() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(ticks as f64 / 100.0)
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
            upsert(connection, n, &vec![n as u8; ROW])?;
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        count += 64;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

fn upsert(connection: &Connection, n: u64, row: &[u8]) -> rusqlite::Result<()> {
    let sql = "INSERT INTO session(key, version, cells) VALUES(?1, 1, ?2) \
               ON CONFLICT(key) DO UPDATE SET version = version + 1, cells = excluded.cells";
    connection.prepare_cached(sql)?.execute(params![[n.to_be_bytes(); 4].concat(), row])?;
    Ok(())
}

/// A row that somebody waits for.
struct Handed {
    n: u64,
    row: Vec<u8>,
    done: Arc<AtomicBool>,
    caller: Thread,
}

/// Rows a second that as many threads hand to one, each waiting for its own to be on the disk.
fn handed(connection: &Connection, callers: usize, time: Duration) -> rusqlite::Result<f64> {
    let count = AtomicU64::new(0);
    let started = Instant::now();
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for n in 0..callers as u64 {
            let (sender, count) = (sender.clone(), &count);
            scope.spawn(move || {
                let done = Arc::new(AtomicBool::new(false));
                while started.elapsed() < time {
                    done.store(false, Ordering::Relaxed);
                    let row = Handed { n, row: vec![n as u8; ROW], done: done.clone(), caller: thread::current() };
                    if sender.send(row).is_err() {
                        return;
                    }
                    while !done.load(Ordering::Acquire) {
                        thread::park();
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        drop(sender);
        write_handed(connection, &receiver)
    })?;
    Ok(count.into_inner() as f64 / started.elapsed().as_secs_f64())
}

/// One transaction after the other, of whatever has come meanwhile.
fn write_handed(connection: &Connection, rows: &Receiver<Handed>) -> rusqlite::Result<()> {
    while let Ok(first) = rows.recv() {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut written = Vec::new();
        let mut next = Some(first);
        while let Some(row) = next {
            upsert(connection, row.n, &row.row)?;
            written.push(row);
            next = rows.try_recv().ok().or_else(|| {
                thread::yield_now();
                rows.try_recv().ok()
            });
        }
        connection.prepare_cached("COMMIT")?.execute([])?;
        for Handed { done, caller, .. } in written {
            done.store(true, Ordering::Release);
            caller.unpark();
        }
    }
    Ok(())
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
