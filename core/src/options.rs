//! How a store is opened: everything but secrets as JSON, secrets through doors of their own.

use std::path::Path;

use crate::clock::Clock;
use crate::error::Result;

/// What [`Store::open`](crate::Store::open) needs. JSON members: `url` (required), `workspace`, `product`, `env`,
/// `issuers` (array), `limits` (object), `durability` (`"interval"` or `"commit"`), `keyring` (a path). An unknown
/// member is an error.
#[derive(Default)]
pub struct Options {}

impl Options {
    /// Options for `url` alone: `memory:`, `sqlite:PATH`.
    pub fn new(url: &str) -> Options {
        let _ = url;
        todo!()
    }
    /// Options from JSON text.
    pub fn from_json(text: &str) -> Result<Options> {
        let _ = text;
        todo!()
    }
    /// The keyring is this file; read when the store opens.
    pub fn keyring_file(self, path: impl AsRef<Path>) -> Options {
        let _ = path;
        self
    }
    /// The keyring is this JSON text.
    pub fn keyring_bytes(self, bytes: &[u8]) -> Options {
        let _ = bytes;
        self
    }
    /// The keyring is the JSON text in this environment variable; read when the store opens.
    pub fn keyring_env(self, variable: &str) -> Options {
        let _ = variable;
        self
    }
    /// The HMAC secret of an issuer that was declared `"symmetric": true`.
    pub fn issuer_secret(self, issuer: &str, secret: &[u8]) -> Options {
        let _ = (issuer, secret);
        self
    }
    /// The clock to use instead of the system's.
    pub fn clock(self, clock: Clock) -> Options {
        let _ = clock;
        self
    }
}
