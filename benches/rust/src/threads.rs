//! Reads of three fields on one thread and on two.

use std::time::Instant;

use crate::Outcome;
use crate::bench::Bench;
use crate::ours::{fill, open, open_file};

const SESSIONS: usize = 8_000;

pub fn run(bench: &Bench) -> Outcome {
    for place in ["memory", "sqlite"] {
        let name = format!("rust.threads.{place}");
        if !bench.plan.wants(&name) {
            continue;
        }
        let sessions = SESSIONS.min(bench.plan.sessions);
        let store = if place == "memory" {
            open(&bench.plan, "memory:", "", "")?
        } else {
            open_file(&bench.plan, "threads", "")?
        };
        let filled = fill(store, bench.payloads.small.get(), sessions, 1)?;
        let (filled, names) = (&filled, &bench.payloads.read());
        let mut group = bench.group(&name);
        for threads in [1, 2] {
            let plural = if threads == 1 { "" } else { "s" };
            group.add_round(&format!("sessile, {threads} thread{plural}"), move |count| {
                // So many that starting the threads is nothing beside it.
                let done = count.max(2_000);
                let started = Instant::now();
                std::thread::scope(|scope| {
                    for thread in 0..threads {
                        scope.spawn(move || {
                            for n in (thread..done).step_by(threads) {
                                let key = bench.payloads.key(n, sessions);
                                filled.session(key).get_many(names).wait().expect("fields");
                            }
                        });
                    }
                });
                started.elapsed().mul_f64(count as f64 / done as f64)
            });
        }
        group.run();
    }
    Ok(())
}
