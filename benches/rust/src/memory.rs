//! How much memory open executions and sessions in `memory:` take. Each is measured in a process where nothing was before.

use std::fs::read_to_string;

use sessile::{Options, Store};

use crate::Outcome;
use crate::bench::{Bench, print};
use crate::ours::{fill, open};

const EXECUTIONS: usize = 100_000;

pub fn run(bench: &Bench) -> Outcome {
    if bench.plan.wants("rust.memory.execution") {
        let store = Store::open(Options::new("memory:")).wait()?;
        let mut open = Vec::with_capacity(EXECUTIONS);
        let before = rss()?;
        for _ in 0..EXECUTIONS {
            let run = store.execution(None, None)?;
            let local = run.local();
            open.push((run, local));
        }
        let each = (rss()? - before) / EXECUTIONS as f64;
        print("rust.memory.execution", "sessile, an open execution", "bytes", &[each]);
    }
    for (size, text) in bench.payloads.sessions() {
        let name = format!("rust.memory.{size}");
        if !bench.plan.wants(&name) {
            continue;
        }
        let sessions = bench.plan.sessions;
        let before = rss()?;
        // No tokens are kept: what a host keeps of them is not the store's.
        let filled = fill(open(&bench.plan, "memory:", "", "")?, text, sessions, usize::MAX)?;
        let taken = rss()? - before;
        print(&name, "sessile, each session", "bytes", &[taken / sessions as f64]);
        print(&name, "its JSON", "bytes", &[text.len() as f64]);
        print(&name, "sessile, times the JSON", "×", &[taken / (sessions * text.len()) as f64]);
        drop(filled);
    }
    Ok(())
}

/// What this process has in memory, in bytes.
pub fn rss() -> Outcome<f64> {
    let statm = read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).ok_or("no pages")?.parse()?;
    // SAFETY: asks for a number.
    Ok(pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as f64)
}
