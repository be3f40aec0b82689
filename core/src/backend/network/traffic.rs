//! What a store's calls to its server came to in this process: counted, never reset.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::error::Result;

/// See the module.
#[derive(Default)]
pub(in crate::backend) struct Traffic {
    calls: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
    connects: AtomicU64,
}

impl Traffic {
    /// A call that began then has ended so.
    pub(super) fn count<T>(&self, began: Instant, outcome: &Result<T>) {
        let micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        if outcome.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection was made.
    pub(in crate::backend) fn connected(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn to_json(&self) -> Value {
        let [calls, failed, micros, connects] =
            [&self.calls, &self.failed, &self.micros, &self.connects].map(|count| count.load(Ordering::Relaxed));
        json!({"calls": calls, "failed": failed, "meanMicros": micros.checked_div(calls), "connects": connects})
    }
}
