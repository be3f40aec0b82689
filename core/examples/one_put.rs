//! What one put and one get cost on SQLite: of one field and of three, among 1,000 sessions of 8 fields and half a kilobyte,
//! `durability: interval`; beside a bare upsert of a row of the same size in its own transaction, and a bare prepared select
//! of it, in the same run, taking turns.
//!
//! ```text
//! one_put <folder> [seconds for each figure, default 0.5] [rounds, default 9]
//! ```

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use sessile::{Execution, Keyring, Options, Store};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

const SESSIONS: usize = 1000;
const FIELDS: [&str; 8] = ["cart", "locale", "theme", "lastSeen", "name", "email", "role", "flags"];
const TRIGGER: &str = r#"{"type": "rest", "security": "jwt"}"#;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: one_put <folder> [seconds] [rounds]")?;
    let time = Duration::from_secs_f64(arguments.next().map_or(Ok(0.5), |seconds| seconds.parse())?);
    let rounds: usize = arguments.next().map_or(Ok(9), |rounds| rounds.parse())?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let keyring = folder.join("keyring.json");
    Keyring::generate(&keyring)?;
    let file = folder.join("sessions.db");
    let open = || Store::open(Options::new(&format!("sqlite:{}", file.display())).keyring_file(&keyring)).wait();

    let store = open()?;
    let tokens = (0..SESSIONS)
        .map(|n| store.tokens().issue(&format!(r#"{{"sub": "user{n}"}}"#), 3600).wait())
        .collect::<sessile::Result<Vec<_>>>()?;
    for token in &tokens {
        let members: Vec<String> = FIELDS.iter().map(|name| format!("{name:?}: {:?}", "x".repeat(55))).collect();
        let session = store.execution(Some(TRIGGER), Some(token))?.global(None);
        session.put(&format!("{{{}}}", members.join(",")), None).wait()?;
    }
    store.close().wait()?;
    let row = size_of_rows(&file)?;
    println!("rows of {row} bytes");
    let plain = table(&folder.join("plain.db"), row)?;

    let store = open()?;
    let runs = tokens
        .iter()
        .map(|token| store.execution(Some(TRIGGER), Some(token)))
        .collect::<sessile::Result<Vec<Execution>>>()?;
    // Tokens are verified, and heads opened, once.
    for run in &runs {
        run.global(None).get("cart").wait()?;
    }
    let value = format!("{:?}", "y".repeat(55));
    let mut taken = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        let works: [&dyn Fn(usize) -> Outcome; 4] = [
            &|n| upsert(&plain, n, row),
            &|n| Ok(runs[n].global(None).put_one("cart", &value, None).wait()?),
            &|n| select(&plain, n),
            &|n| Ok(runs[n].global(None).get_many(&["cart", "theme", "flags"]).wait().map(|_| ())?),
        ];
        for (taken, work) in taken.iter_mut().zip(works) {
            taken.push(each(time, work)?);
        }
    }
    let [upsert, put, select, get] = taken.map(|mut taken| {
        taken.sort_by(f64::total_cmp);
        taken[taken.len() / 2]
    });
    println!("bare upsert {upsert:7.2} us   put of one field {put:7.2} us   {:5.2} x", put / upsert);
    println!("bare select {select:7.2} us   get of 3 fields  {get:7.2} us   {:5.2} x", get / select);
    store.close().wait()?;
    Ok(())
}

/// Microseconds each, over sessions that lie apart.
fn each(time: Duration, work: &dyn Fn(usize) -> Outcome) -> Outcome<f64> {
    let mut done = 0;
    let started = Instant::now();
    while started.elapsed() < time {
        for _ in 0..50 {
            work(done * 389 % SESSIONS)?;
            done += 1;
        }
    }
    Ok(started.elapsed().as_secs_f64() * 1e6 / done as f64)
}

/// Bytes of a session's row, on average. While no store has the file open.
fn size_of_rows(file: &Path) -> rusqlite::Result<usize> {
    let connection = Connection::open(file)?;
    let sql = "SELECT avg(length(key) + length(head) + length(touch) + length(cells)) FROM session WHERE touch NOTNULL";
    connection.query_row(sql, [], |row| row.get::<_, f64>(0)).map(|size| size as usize)
}

fn table(path: &Path, row: usize) -> Outcome<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE session(key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, cells BLOB NOT NULL)",
    )?;
    for n in 0..SESSIONS {
        upsert(&connection, n, row)?;
    }
    Ok(connection)
}

fn key(n: usize) -> [u8; 32] {
    let mut key = [0; 32];
    key.chunks_mut(8)
        .for_each(|part| part.copy_from_slice(&(n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()));
    key
}

fn upsert(connection: &Connection, n: usize, row: usize) -> Outcome {
    let sql = "INSERT INTO session(key, version, cells) VALUES(?1, 1, ?2) \
               ON CONFLICT(key) DO UPDATE SET version = version + 1, cells = excluded.cells";
    connection.prepare_cached(sql)?.execute(params![key(n), vec![n as u8; row - 32]])?;
    Ok(())
}

fn select(connection: &Connection, n: usize) -> Outcome {
    let mut select = connection.prepare_cached("SELECT version, cells FROM session WHERE key = ?1")?;
    let cells: Vec<u8> = select.query_row([key(n)], |row| row.get(1))?;
    if cells.is_empty() { Err("the row is empty".into()) } else { Ok(()) }
}
