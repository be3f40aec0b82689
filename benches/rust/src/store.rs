//! Get a session, change one field of it, save it.

use std::path::Path;

use moka::sync::Cache;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use tower_sessions_core::SessionStore as _;
use tower_sessions_core_14::SessionStore as _;

use crate::bench::Bench;
use crate::ours::{Filled, KNOWN, TRIGGER, fill, open, open_file};
use crate::plan::fields;
use crate::{Outcome, axum};

pub fn run(bench: &Bench) -> Outcome {
    for (size, text) in bench.payloads.sessions() {
        let name = format!("rust.store.{size}");
        if !bench.plan.wants(&name) {
            continue;
        }
        let mut group = bench.group(&name);
        let (payloads, sessions) = (&bench.payloads, bench.plan.sessions);
        let key = move |n| payloads.key(n, sessions);
        let changed = payloads.changed.as_str();

        let memory = fill(open(&bench.plan, "memory:", "memory", "")?, text, sessions, 1)?;
        group.add("sessile memory", move |n| ours(&memory, key(n), changed, n));
        let file = fill(open_file(&bench.plan, &format!("store-{size}"), "")?, text, sessions, 1)?;
        let store = file.store.clone();
        let texts = file.texts.clone();
        group.add("sessile SQLite", move |n| ours(&file, key(n), changed, n));
        group.add("sessile SQLite, from the token's text", move |n| {
            let run =
                store.execution(Some(TRIGGER), Some(&texts[key(n) % KNOWN.min(texts.len())])).expect("an execution");
            let session = run.global(None);
            let found = session.all().wait().expect("a session");
            session.put_one(changed, &n.to_string(), None).wait().expect("a put");
            found
        });

        let data = fields(text)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let runtime = std::rc::Rc::new(runtime);
        {
            let store = tower_sessions_memory_store::MemoryStore::default();
            let ids = runtime.block_on(async {
                let mut ids = Vec::new();
                for _ in 0..sessions {
                    let data = data.clone().into_iter().collect();
                    let expiry_date = OffsetDateTime::now_utc() + Duration::days(1);
                    let mut record = tower_sessions_core::session::Record { id: Default::default(), data, expiry_date };
                    store.create(&mut record).await?;
                    ids.push(record.id);
                }
                Ok::<_, tower_sessions_core::session_store::Error>(ids)
            })?;
            let runtime = runtime.clone();
            group.add("tower-sessions MemoryStore", move |n| {
                runtime.block_on(async {
                    let mut record = store.load(&ids[key(n)]).await.expect("a store").expect("a session");
                    record.data.insert(changed.to_owned(), json!(n));
                    store.save(&record).await.expect("saved");
                    record
                })
            });
        }
        {
            let store = tower_sessions_moka_store::MokaStore::new(None);
            let ids = runtime.block_on(async {
                let mut ids = Vec::new();
                for _ in 0..sessions {
                    let data = data.clone().into_iter().collect();
                    let expiry_date = OffsetDateTime::now_utc() + Duration::days(1);
                    let mut record =
                        tower_sessions_core_14::session::Record { id: Default::default(), data, expiry_date };
                    store.create(&mut record).await?;
                    ids.push(record.id);
                }
                Ok::<_, tower_sessions_core_14::session_store::Error>(ids)
            })?;
            let runtime = runtime.clone();
            group.add("tower-sessions moka store", move |n| {
                runtime.block_on(async {
                    let mut record = store.load(&ids[key(n)]).await.expect("a store").expect("a session");
                    record.data.insert(changed.to_owned(), json!(n));
                    store.save(&record).await.expect("saved");
                    record
                })
            });
        }
        let mut change = axum::sessions(&runtime, &data, changed, sessions)?;
        group.add("axum_session, through its layer", move |n| change(key(n), n));

        let cache: Cache<usize, serde_json::Map<String, Value>> = Cache::builder().build();
        for key in 0..sessions {
            cache.insert(key, data.clone());
        }
        group.add("moka get + clone", move |n| {
            let key = key(n);
            let mut data = cache.get(&key).expect("a session");
            data.insert(changed.to_owned(), json!(n));
            cache.insert(key, data);
        });

        let plain = Plain::open(&bench.plan.file(&format!("plain-{size}.db"))?)?;
        plain.fill(sessions, text.as_bytes())?;
        group.add("rusqlite select + upsert", move |n| {
            let row = plain.select(key(n)).expect("a row");
            plain.upsert(key(n), &row).expect("an upsert");
            row
        });
        group.run();
    }
    Ok(())
}

fn ours(filled: &Filled, key: usize, changed: &str, n: usize) -> sessile::Fields {
    let session = filled.session(key);
    let found = session.all().wait().expect("a session");
    session.put_one(changed, &n.to_string(), None).wait().expect("a put");
    found
}

/// A table of rows by key, as one would write it by hand: WAL, NORMAL, prepared statements, each upsert a transaction.
pub struct Plain(Connection);

impl Plain {
    pub fn open(path: &Path) -> rusqlite::Result<Plain> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE session(key BLOB PRIMARY KEY NOT NULL, version INTEGER NOT NULL, cells BLOB NOT NULL)",
        )?;
        Ok(Plain(connection))
    }

    pub fn fill(&self, rows: usize, row: &[u8]) -> rusqlite::Result<()> {
        self.0.execute_batch("BEGIN")?;
        for key in 0..rows {
            self.upsert(key, row)?;
        }
        self.0.execute_batch("COMMIT")
    }

    pub fn select(&self, key: usize) -> rusqlite::Result<Vec<u8>> {
        let mut select = self.0.prepare_cached("SELECT version, cells FROM session WHERE key = ?1")?;
        let row = select.query_row(params![blob(key)], |row| row.get(1)).optional()?;
        row.ok_or(rusqlite::Error::QueryReturnedNoRows)
    }

    pub fn upsert(&self, key: usize, row: &[u8]) -> rusqlite::Result<usize> {
        let sql = "INSERT INTO session(key, version, cells) VALUES(?1, 1, ?2) \
                   ON CONFLICT(key) DO UPDATE SET version = version + 1, cells = excluded.cells";
        self.0.prepare_cached(sql)?.execute(params![blob(key), row])
    }
}

/// A key of 33 bytes, as ours are, spread over the table as hashes are.
pub fn blob(key: usize) -> Vec<u8> {
    let spread = (key as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut blob = spread.to_be_bytes().repeat(4);
    blob.push(0);
    blob
}
