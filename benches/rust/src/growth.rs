//! Memory that does not grow, step after step.

use sessile::{Options, Step, Store};

use crate::Outcome;
use crate::bench::{Bench, print};
use crate::memory::rss;

pub fn run(bench: &Bench) -> Outcome {
    if !bench.plan.wants("rust.growth") {
        return Ok(());
    }
    let store = Store::open(Options::new("memory:")).wait()?;
    let run = store.execution(None, None)?;
    run.local().put(bench.payloads.put.get(), None).wait()?;
    let step = Step::parse(bench.payloads.step.get())?;
    let message = &bench.payloads.messages["512"];
    let steps = |count: u64| -> Outcome<f64> {
        for _ in 0..count {
            run.step(&step, Some(message)).wait()?;
        }
        rss()
    };
    let before = steps(bench.plan.steps / 5)?;
    let after = steps(bench.plan.steps)?;
    print("rust.growth", "sessile", "% of RSS", &[(after / before - 1.0) * 100.0]);
    Ok(())
}
