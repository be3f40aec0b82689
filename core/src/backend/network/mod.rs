//! What backends behind a network share: the process's one network thread, deadlines and retries,
//! TLS.
//!
//! Nothing in here knows a protocol. A backend's call is handed to the [`Engine`] as a plain future and awaited like
//! any other: a sync caller parks, a promise's rest goes on in the store's pool.

mod engine;
mod patience;
mod tls;

pub(super) use engine::Engine;
pub(super) use patience::{Patience, lost, timed_out, unavailable};
pub(super) use tls::Tls;
pub(crate) use tls::TlsFiles;
