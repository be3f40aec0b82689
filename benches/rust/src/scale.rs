//! What a get and a put cost in a file of 10,000 sessions and in one of a million, beside a bare upsert in tables as large.

use crate::Outcome;
use crate::bench::{Bench, Group, print};
use crate::global::{ROW, warm};
use crate::ours::{Filled, fill, open_file};
use crate::store::Plain;

/// So many users come back, in either file: their sessions lie all over it, and nothing but its size is told apart.
const FEW: usize = 10_000;

pub fn run(bench: &Bench) -> Outcome {
    if bench.plan.scale == 0 || !bench.plan.wants("rust.scale") {
        return Ok(());
    }
    let sizes = [FEW, bench.plan.scale];
    let mut files = Vec::new();
    for size in sizes {
        let store = open_file(&bench.plan, &format!("scale-{size}"), "")?;
        let filled = fill(store, bench.payloads.small.get(), size, apart(size))?;
        warm(&filled, FEW)?;
        let plain = Plain::open(&bench.plan.file(&format!("scale-plain-{size}.db"))?)?;
        plain.fill(size, &vec![7; ROW])?;
        files.push((size, filled, plain));
    }
    let row = vec![7; ROW];
    let names = bench.payloads.read();
    let mut group = bench.group("rust.scale");
    for (size, filled, _) in &files {
        group.add(&format!("sessile get of 3 fields at {}", thousands(*size)), |n| {
            filled.session(bench.payloads.key(n, FEW)).get_many(&names).wait().expect("fields")
        });
    }
    for (size, filled, plain) in &files {
        add_puts(&mut group, bench, *size, filled, plain, &row);
    }
    let values = group.run();
    // Six in all: two gets, then a put and an upsert at each size.
    let growth = |few: usize, many: usize| -> Vec<f64> {
        values[many].iter().zip(&values[few]).map(|(many, few)| many / few).collect()
    };
    print("rust.scale.growth", "sessile put of 1 field", "×", &growth(2, 4));
    print("rust.scale.growth", "rusqlite upsert", "×", &growth(3, 5));
    Ok(())
}

fn add_puts<'a>(
    group: &mut Group<'a>,
    bench: &'a Bench,
    size: usize,
    filled: &'a Filled,
    plain: &'a Plain,
    row: &'a [u8],
) {
    let changed = bench.payloads.changed.as_str();
    group.add(&format!("sessile put of 1 field at {}", thousands(size)), move |n| {
        filled.session(bench.payloads.key(n, FEW)).put_one(changed, &n.to_string(), None).wait().expect("a put");
    });
    group.add(&format!("rusqlite upsert at {}", thousands(size)), move |n| {
        plain.upsert(bench.payloads.key(n, FEW) * apart(size), row).expect("an upsert")
    });
}

/// Every how many sessions lies one of those who come back.
fn apart(size: usize) -> usize {
    (size / FEW).max(1)
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}
