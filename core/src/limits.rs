//! The limits: how large a thing may be before it is refused with `LIMIT_EXCEEDED` and nothing is stored.

use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result, fail};

/// Every limit, with its default. Sizes are bytes of UTF-8 JSON text, durations milliseconds in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// A field's name, in bytes (256). A name is never empty.
    pub field_name: usize,
    /// One field's value, in bytes (1 MiB).
    pub field_value: usize,
    /// All of a session's sealed fields together, in bytes (4 MiB); Local counts names and values.
    pub session: usize,
    /// Fields in one session (1,024).
    pub fields: usize,
    /// Fields named by one step (256).
    pub step_fields: usize,
    /// A message, in bytes (16 MiB).
    pub message: usize,
    /// Nesting depth of any JSON text (128).
    pub depth: usize,
    /// A token, in bytes (8 KiB).
    pub token: usize,
    /// A configuration's schema, in bytes (64 KiB).
    pub schema: usize,
    /// Nesting of sub-processes (64).
    pub nesting: usize,
    /// The deadline of one operation, in milliseconds (2,000).
    pub deadline: u64,
    /// How long a connection to a server may take, in milliseconds (1,000).
    pub connect: u64,
    /// Audit events that wait to be fetched (4,096); those beyond are counted.
    pub audit_events: usize,
    /// How many connections a store has to a PostgreSQL (4).
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            field_name: 256,
            field_value: 1 << 20,
            session: 4 << 20,
            fields: 1024,
            step_fields: 256,
            message: 16 << 20,
            depth: 128,
            token: 8 << 10,
            schema: 64 << 10,
            nesting: 64,
            deadline: 2_000,
            connect: 1_000,
            audit_events: 4_096,
            connections: 4,
        }
    }
}

impl Limits {
    /// The deadline of one operation.
    pub fn deadline(&self) -> Duration {
        Duration::from_millis(self.deadline)
    }

    /// How long a connection to a server may take.
    pub fn connect(&self) -> Duration {
        Duration::from_millis(self.connect)
    }
}

/// `LIMIT_EXCEEDED`, saying what was measured: `field value: 1048577 bytes, at most 1048576`.
pub(crate) fn exceeded(what: &str, given: usize, limit: usize, unit: &str) -> Error {
    fail!(LimitExceeded, "{what}: {given} {unit}, at most {limit}")
        .with("what", what)
        .with("given", given as u64)
        .with("limit", limit as u64)
}

/// Refuses `given` beyond `limit`.
pub(crate) fn check(what: &str, given: usize, limit: usize, unit: &str) -> Result<()> {
    if given <= limit { Ok(()) } else { Err(exceeded(what, given, limit, unit)) }
}
