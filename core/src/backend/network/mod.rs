//! What backends behind a network share: the process's [`Engine`], which does all input and output, deadlines and retries,
//! TLS.
//!
//! Nothing in here knows a protocol. A backend's call is given to the engine as a plain future and awaited like any other: a
//! sync caller does it himself, a promise's rest goes on in the store's pool.

mod desk;
mod engine;
mod host;
mod patience;
mod process;
mod remote;
mod repeat;
mod tls;
mod traffic;

use engine::Engine;
pub(super) use host::{Host, unescaped, unreachable_host};
use patience::read_only;
pub(super) use patience::{Patience, lost, timed_out, unavailable};
use process::PerProcess;
pub(super) use remote::Remote;
pub(super) use repeat::{Repeat, settled};
pub(super) use tls::Tls;
pub(crate) use tls::TlsFiles;
pub(super) use traffic::Traffic;
