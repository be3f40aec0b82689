//! Sessile: in-process, encrypted sessions for pipelines and products.
//!
//! The façade that every binding wraps, and nothing else. Values are JSON text ([`Json`]) at every border.
#![forbid(unsafe_code)]

mod audit;
mod backend;
mod check;
mod clock;
mod config;
mod copy;
mod error;
mod execution;
pub mod fork;
#[cfg(any(test, fuzzing))]
#[cfg_attr(fuzzing, expect(missing_docs, reason = "a part of the tests"))]
pub mod fuzz;
mod hand;
mod health;
mod identity;
mod json;
mod keys;
mod lifecycle;
mod limits;
mod lint;
mod options;
mod page;
mod secrets;
mod session;
mod step;
mod store;
mod task;
mod vault;

pub use clock::{Clock, Time};
pub use config::{Configs, selector_options};
pub use error::{Category, Code, Error, Result};
pub use execution::{CommitOptions, Committed, Execution};
pub use identity::VerifiedToken;
pub use json::{Exactness, Fields, Json};
pub use lifecycle::Sessions;
pub use limits::Limits;
pub use lint::lint;
pub use options::Options;
pub use session::{Info, Session, Update, Versioned};
pub use step::{Output, Step};
pub use store::{Store, Tokens};
pub use task::{Task, guard};
pub use vault::Keyring;

/// The Rust program of the guide, run as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guides/form-to-session.md")]
struct FormToSession;

/// The run-book's program is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/key-rotation.md")]
struct KeyRotation;

/// So is that of the way to a server.
#[cfg(doctest)]
#[doc = include_str!("../../docs/from-sqlite-to-a-cluster.md")]
struct ToACluster;
