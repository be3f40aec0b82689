//! What a token costs that was seen before, against one that was not: `cargo run --release --example token_cache`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use sessile::{Options, Store};

const ROUNDS: usize = 9;
const COLD: usize = 500;
const KNOWN: usize = 50_000;

/// The median of several rounds, each of the mean of many.
fn median(mut round: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    all.sort_unstable();
    all[ROUNDS / 2]
}

fn main() -> sessile::Result<()> {
    let store = Store::open(Options::new("memory:")).wait()?;
    let issue = || store.tokens().issue(r#"{"sub": "u1", "name": "Ada Lovelace", "roles": ["a", "b"]}"#, 3600).wait();
    let cold = median(|| {
        let fresh: Vec<String> = (0..COLD).map(|_| issue().expect("a token")).collect();
        let started = Instant::now();
        for token in &fresh {
            black_box(store.verify(token).wait().expect("a good token"));
        }
        started.elapsed() / COLD as u32
    });
    let token = issue()?;
    let known = median(|| {
        let started = Instant::now();
        for _ in 0..KNOWN {
            black_box(store.verify(black_box(&token)).wait().expect("a good token"));
        }
        started.elapsed() / KNOWN as u32
    });
    println!("a token of {} bytes, EdDSA", token.len());
    println!("cold: {cold:?}   known: {known:?}   {:.0} times faster", cold.as_secs_f64() / known.as_secs_f64());
    println!("{}", store.stats());
    Ok(())
}
