//! Contestants side by side: all are set up, then they take turns, A B C A B C, for as many rounds as the plan says.

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Outcome;
use crate::plan::{Payloads, Plan};

/// The plan, and what it is about.
pub struct Bench {
    pub plan: Plan,
    pub payloads: Payloads,
}

/// Contestants of one row.
pub struct Group<'a> {
    bench: &'a Bench,
    name: String,
    contestants: Vec<(String, Round<'a>)>,
}

/// Does that many operations and says how long they took, set-up left out.
type Round<'a> = Box<dyn FnMut(usize) -> Duration + 'a>;

impl Bench {
    pub fn new(plan: Plan) -> Outcome<Bench> {
        let payloads = plan.payloads()?;
        Ok(Bench { plan, payloads })
    }

    /// Contestants of the group of that name. Whatever they borrow was made before.
    pub fn group(&self, name: &str) -> Group<'_> {
        Group { bench: self, name: name.to_owned(), contestants: Vec::new() }
    }
}

impl<'a> Group<'a> {
    /// A contestant: `operation` is given the number of the operation.
    pub fn add<T>(&mut self, name: &str, mut operation: impl FnMut(usize) -> T + 'a) {
        let mut n = 0;
        self.add_round(name, move |count| {
            let started = Instant::now();
            for _ in 0..count {
                black_box(operation(n));
                n += 1;
            }
            started.elapsed()
        });
    }

    /// A contestant who says itself how long so many operations took.
    pub fn add_round(&mut self, name: &str, round: impl FnMut(usize) -> Duration + 'a) {
        self.contestants.push((name.to_owned(), Box::new(round)));
    }

    /// Measures, and prints a line for each contestant. Gives their values, a value a round.
    pub fn run(mut self) -> Vec<Vec<f64>> {
        let millis = Duration::from_millis(self.bench.plan.millis);
        let counts: Vec<usize> = self.contestants.iter_mut().map(|(_, round)| count_for(millis, round)).collect();
        let mut values = vec![Vec::new(); counts.len()];
        for _ in 0..self.bench.plan.rounds {
            for (((_, round), count), values) in self.contestants.iter_mut().zip(&counts).zip(&mut values) {
                values.push(round(*count).as_nanos() as f64 / *count as f64);
            }
        }
        for ((name, _), values) in self.contestants.iter().zip(&values) {
            print(&self.name, name, "ns", values);
        }
        values
    }
}

/// How many operations fill a round. It warms up by the way.
fn count_for(millis: Duration, round: &mut Round<'_>) -> usize {
    let mut count = 1;
    loop {
        let took = round(count);
        if took * 4 >= millis || count >= 1 << 26 {
            let wanted = millis.as_secs_f64() / took.as_secs_f64().max(1e-9) * count as f64;
            return (wanted as usize).max(1);
        }
        count *= 2;
    }
}

/// One line of what `run.py` reads.
pub fn print(group: &str, contestant: &str, unit: &str, values: &[f64]) {
    println!("{}", json!({"group": group, "contestant": contestant, "unit": unit, "values": values}));
}
