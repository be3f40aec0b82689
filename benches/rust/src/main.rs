//! The Rust side of the benchmark. `benches/run.py` starts it with a plan, a JSON object; it prints one line of JSON for
//! each figure: `{"group", "contestant", "unit", "values"}`, a value for each round.

mod axum;
mod bench;
mod border;
mod commit;
mod global;
mod growth;
mod local;
mod memory;
mod ours;
mod plan;
mod postgres;
mod redis;
mod scale;
mod seal;
mod step;
mod store;
mod threads;
mod token;

use std::error::Error;

use bench::Bench;
use plan::Plan;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let plan = Plan::parse(&std::env::args().nth(1).ok_or("usage: sessile-bench <plan>")?)?;
    let bench = Bench::new(plan)?;
    store::run(&bench)?;
    local::run(&bench)?;
    global::run(&bench)?;
    token::run(&bench)?;
    seal::run(&bench)?;
    step::run(&bench)?;
    border::run(&bench)?;
    redis::run(&bench)?;
    postgres::run(&bench)?;
    commit::run(&bench)?;
    threads::run(&bench)?;
    memory::run(&bench)?;
    scale::run(&bench)?;
    growth::run(&bench)
}
