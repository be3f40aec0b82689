//! The cheapest call there is, beside which the other languages' borders are seen.

use sessile::{Options, Store};

use crate::Outcome;
use crate::bench::Bench;
use crate::local::large_value;

pub fn run(bench: &Bench) -> Outcome {
    if !bench.plan.wants("rust.border") {
        return Ok(());
    }
    let store = Store::open(Options::new("memory:")).wait()?;
    let run = store.execution(None, None)?;
    let local = run.local();
    let value = large_value();
    let mut group = bench.group("rust.border");
    let (empty, large) = (local.clone(), local);
    group.add("sessile contains (an empty session)", move |_| empty.contains("x").wait().expect("an answer"));
    group.add("sessile put + get of 1 KB", move |_| {
        large.put_one("x", &value, None).wait().expect("a put");
        large.get("x").wait().expect("a get")
    });
    group.run();
    drop(run);
    Ok(())
}
