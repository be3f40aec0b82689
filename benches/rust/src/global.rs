//! A Global session whose head is known: three fields read, one put, beside the same row by hand.

use std::path::Path;

use rusqlite::Connection;

use crate::Outcome;
use crate::bench::Bench;
use crate::ours::{Filled, fill, open, open_file};
use crate::store::Plain;

/// What a session of 0.5 KB is as a row of ours: head, touch, and eight fields sealed one by one. Its file is asked.
pub const ROW: usize = 1_474;

pub fn run(bench: &Bench) -> Outcome {
    let (payloads, sessions) = (&bench.payloads, bench.plan.sessions);
    let key = move |n| payloads.key(n, sessions);
    let (names, changed) = (payloads.read(), payloads.changed.as_str());
    let text = payloads.small.get();
    if bench.plan.wants("rust.global.get3.memory") {
        let memory = fill(open(&bench.plan, "memory:", "memory", "")?, text, sessions, 1)?;
        warm(&memory, sessions)?;
        let mut group = bench.group("rust.global.get3.memory");
        group.add("sessile get of 3 fields", |n| {
            // As many sessions as heads are remembered.
            memory.session(key(n) % WARM).get_many(&names).wait().expect("fields")
        });
        group.run();
    }
    let names_of_groups = ["rust.global.get3.sqlite", "rust.global.put.sqlite"];
    if !names_of_groups.iter().any(|name| bench.plan.wants(name)) {
        return Ok(());
    }
    let file = fill(open_file(&bench.plan, "global", "")?, text, sessions, 1)?;
    warm(&file, sessions)?;
    assert_eq!(row_of(&bench.plan.file("global.db")?)?, ROW, "bytes of a row of ours");
    let plain = Plain::open(&bench.plan.file("global-plain.db")?)?;
    let row = vec![7; ROW];
    plain.fill(sessions, &row)?;
    let [get, put] = names_of_groups;
    if bench.plan.wants(get) {
        let mut get = bench.group(get);
        get.add("sessile get of 3 fields", |n| file.session(key(n) % WARM).get_many(&names).wait().expect("fields"));
        get.add("rusqlite prepared select", |n| plain.select(key(n) % WARM).expect("a row"));
        get.run();
    }
    if bench.plan.wants(put) {
        let mut put = bench.group(put);
        put.add("sessile put of 1 field", |n| {
            file.session(key(n) % WARM).put_one(changed, &n.to_string(), None).wait().expect("a put");
        });
        put.add("rusqlite upsert in its own transaction", |n| plain.upsert(key(n) % WARM, &row).expect("an upsert"));
        put.run();
    }
    Ok(())
}

/// A store remembers the heads of 14,320 sessions.
const WARM: usize = 8_000;

/// Has the heads remembered of as many sessions as that allows.
pub fn warm(filled: &Filled, sessions: usize) -> Outcome {
    for key in 0..WARM.min(sessions) {
        filled.session(key).get("visits").wait()?;
    }
    Ok(())
}

/// How large a session's row is, its key and its numbers aside.
fn row_of(file: &Path) -> Outcome<usize> {
    let sql = "SELECT length(head) + length(touch) + length(cells) FROM session LIMIT 1";
    let bytes: i64 = Connection::open(file)?.query_row(sql, [], |row| row.get(0))?;
    Ok(usize::try_from(bytes)?)
}
