//! What a store says of each token: the first line of the input is its options, each other one a token, each line of the
//! output `ok SUBJECT` or the error's name. For `tests/differential/run.py`.

use std::io::{BufRead, Write, stdin, stdout};

use sessile::{Clock, Options, Store, Time};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut lines = stdin().lock().lines();
    let options = lines.next().ok_or("the options are missing")??;
    let now = Time::parse("2026-01-01T00:00:00Z")?;
    let store = Store::open(Options::from_json(&options)?.clock(Clock::manual(now))).wait()?;
    let mut out = stdout().lock();
    for line in lines {
        match store.verify(&line?).wait() {
            Ok(token) => writeln!(out, "ok {}", token.subject())?,
            Err(error) => writeln!(out, "{}", error.code())?,
        }
    }
    Ok(())
}
