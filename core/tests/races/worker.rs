//! One process of several: this test program again, told what to do and asked what came of it, in lines of JSON.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use sessile::{Clock, Store};

use crate::place::{self, Place};

/// Set, it turns the test `child` into a worker.
const JOB: &str = "SESSILE_RACES_JOB";
/// What a worker says begins so; the test harness prints lines of its own.
const MARK: &str = "@@";

/// A worker, seen from the process that started it. Killed when it is dropped.
pub struct Worker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    pub fn spawn(place: &Place, job: &str) -> Worker {
        let mut order = place.to_json();
        order["job"] = json!(job);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(JOB, order.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut worker = Worker { child, input, output };
        assert_eq!(worker.hear(), json!("ready"));
        worker
    }

    pub fn say(&mut self, what: &Value) {
        writeln!(self.input, "{what}").unwrap();
    }

    /// What it says next; fails when it ended instead.
    pub fn hear(&mut self) -> Value {
        self.hear_or_end().expect("a worker failed: its messages are above")
    }

    /// `None`: it has ended, or was killed.
    pub fn hear_or_end(&mut self) -> Option<Value> {
        loop {
            let line = self.output.next()?.ok()?;
            if let Some((_, said)) = line.split_once(MARK) {
                return Some(serde_json::from_str(said).unwrap());
            }
        }
    }

    /// `SIGKILL`; what it had said before is still to be heard.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A worker, seen from inside: its store, its clock, and the line to who started it.
pub struct Desk {
    pub store: Store,
    pub clock: Clock,
}

impl Desk {
    /// The next order; `None` when there is none to come.
    pub fn hear(&self) -> Option<Value> {
        let mut line = String::new();
        match std::io::stdin().read_line(&mut line).unwrap() {
            0 => None,
            _ => Some(serde_json::from_str(&line).unwrap()),
        }
    }

    pub fn say(&self, what: &Value) {
        // One write, so that a kill leaves the whole line or none.
        let line = format!("{MARK}{what}\n");
        let mut output = std::io::stdout().lock();
        output.write_all(line.as_bytes()).unwrap();
        output.flush().unwrap();
    }
}

/// What the test `child` does: nothing, or its job.
pub fn run(work: impl FnOnce(&str, &Desk)) {
    let Ok(order) = std::env::var(JOB) else { return };
    let order: Value = serde_json::from_str(&order).unwrap();
    let clock = place::start();
    let desk = Desk { store: Place::open_from(&order, &clock), clock };
    desk.say(&json!("ready"));
    work(order["job"].as_str().unwrap(), &desk);
}
