//! A Local session's put and get, and a sub-process's fork and discard.

use std::collections::HashMap;

use sessile::{Options, Store};

use crate::Outcome;
use crate::bench::Bench;

/// A value of about 1 KB, as JSON text.
pub fn large_value() -> String {
    format!("\"{}\"", "x".repeat(1022))
}

pub fn run(bench: &Bench) -> Outcome {
    for (size, value) in [("small", "12345".to_owned()), ("1kb", large_value())] {
        let name = format!("rust.local.{size}");
        if !bench.plan.wants(&name) {
            continue;
        }
        let mut group = bench.group(&name);
        let store = Store::open(Options::new("memory:")).wait()?;
        let run = store.execution(None, None)?;
        let local = run.local();
        let given = value.clone();
        group.add("sessile put + get", move |_| {
            // The execution owns the session: while it lives, so does the session.
            let _ = &run;
            local.put_one("total", &given, None).wait().expect("a put");
            local.get("total").wait().expect("a get")
        });
        let mut map = HashMap::new();
        group.add("HashMap insert + get with copies", move |_| {
            map.insert("total".to_owned(), value.clone());
            map.get("total").cloned()
        });
        group.run();
    }
    forks(bench)
}

/// Whether the parent has ten fields or a hundred thousand.
fn forks(bench: &Bench) -> Outcome {
    if !bench.plan.wants("rust.fork") {
        return Ok(());
    }
    let mut group = bench.group("rust.fork");
    let options = r#"{"url": "memory:", "limits": {"fields": 200000, "session": 100000000}}"#;
    let store = Store::open(Options::from_json(options)?).wait()?;
    for fields in [10, 1_000, 100_000] {
        let run = store.execution(None, None)?;
        for field in 0..fields {
            run.local().put_one(&format!("field{field}"), "1", None).wait()?;
        }
        group.add(&format!("sessile fork + discard, {fields} fields"), move |_| {
            run.subprocess("turn").expect("a sub-process").end();
        });
    }
    group.run();
    Ok(())
}
