//! A folder with a keyring and a file that several stores have open, in this process and others; and a crowd of threads.

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};
use sessile::{Clock, Keyring, Options, Store, Time};
use tempfile::TempDir;

/// Long: who races with thirty others on two cores may wait.
const DEADLINE: u64 = 60_000;

pub struct Place {
    folder: TempDir,
    durability: &'static str,
    deadline: u64,
}

impl Place {
    pub fn new() -> Place {
        Place::with("interval", DEADLINE)
    }

    /// `deadline` in milliseconds.
    pub fn with(durability: &'static str, deadline: u64) -> Place {
        let folder = tempfile::tempdir().unwrap();
        Keyring::generate(folder.path().join("keyring.json")).unwrap();
        Place { folder, durability, deadline }
    }

    /// What another process opens it with.
    pub fn to_json(&self) -> Value {
        json!({"folder": self.folder.path(), "durability": self.durability, "deadline": self.deadline})
    }

    pub fn open_from(order: &Value, clock: &Clock) -> Store {
        let text = |name: &str| order[name].as_str().unwrap();
        open(Path::new(text("folder")), text("durability"), order["deadline"].as_u64().unwrap(), clock)
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("sessions.db")
    }

    pub fn open(&self, clock: &Clock) -> Store {
        open(self.folder.path(), self.durability, self.deadline, clock)
    }
}

fn open(folder: &Path, durability: &str, deadline: u64, clock: &Clock) -> Store {
    let url = format!("sqlite:{}", folder.join("sessions.db").display());
    let options = json!({"url": url, "keyring": folder.join("keyring.json"), "durability": durability,
        "limits": {"deadline": deadline}});
    Store::open(Options::from_json(&options.to_string()).unwrap().clock(clock.clone())).wait().unwrap()
}

pub fn memory(clock: &Clock) -> Store {
    let options = json!({"url": "memory:", "limits": {"deadline": DEADLINE}});
    Store::open(Options::from_json(&options.to_string()).unwrap().clock(clock.clone())).wait().unwrap()
}

/// A Monday.
const START: &str = "2026-01-05T00:00:00Z";

pub fn start() -> Clock {
    Clock::manual(Time::parse(START).unwrap())
}

/// Runs `work` on so many threads, let go at one moment; what each gave.
pub fn crowd<R: Send>(threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let work = &work;
        let barrier = &barrier;
        let run = move |thread| {
            barrier.wait();
            work(thread)
        };
        let handles: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    })
}
