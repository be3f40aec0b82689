//! A store: opens and wires everything.

use crate::error::Result;
use crate::execution::Execution;
use crate::identity::VerifiedToken;
use crate::limits::Limits;
use crate::options::Options;
use crate::session::Session;
use crate::task::Task;

/// An open store. Clones are the same store.
#[derive(Clone)]
pub struct Store;

impl Store {
    /// Opens (or makes) the store.
    pub fn open(options: Options) -> Task<Store> {
        let _ = options;
        todo!()
    }
    /// Starts an execution. `trigger` is JSON text (`{"type":"rest","security":"jwt"}`), absent = none.
    /// Never fails for its token: the first Global operation verifies it.
    pub fn execution(&self, trigger: Option<&str>, token: Option<&str>) -> Result<Execution> {
        let _ = (trigger, token);
        todo!()
    }
    /// Takes up an execution from a checkpoint.
    pub fn resume(&self, checkpoint: &[u8], trigger: Option<&str>, token: Option<&str>) -> Task<Execution> {
        let _ = (checkpoint, trigger, token);
        todo!()
    }
    /// Verifies a token, with or without `Bearer ` or `<tag>:`.
    pub fn verify(&self, token: &str) -> Task<VerifiedToken> {
        let _ = token;
        todo!()
    }
    /// The user's Global session of config `tag` (absent: `global`), from proof alone, outside any execution.
    pub fn global(&self, token: &VerifiedToken, tag: Option<&str>) -> Result<Session> {
        let _ = (token, tag);
        todo!()
    }
    /// Login tokens of the store's own issuer.
    pub fn tokens(&self) -> Tokens {
        todo!()
    }
    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        todo!()
    }
    /// Closes the store: later calls are `CLOSED`. Closing twice is fine.
    pub fn close(&self) -> Task<()> {
        todo!()
    }
}

/// Login tokens of the store's own issuer.
#[derive(Clone)]
pub struct Tokens;

impl Tokens {
    /// Signs a login token. `claims`: a JSON object with `sub`; `ttl` in seconds, 1 to 86,400.
    pub fn issue(&self, claims: &str, ttl: u64) -> Task<String> {
        let _ = (claims, ttl);
        todo!()
    }
    /// The public keys, as a JWK set (JSON text).
    pub fn jwks(&self) -> Task<String> {
        todo!()
    }
}
