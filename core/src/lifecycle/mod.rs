//! The life of a user's sessions under a configuration.

use std::fmt;
use std::sync::Arc;

use crate::clock::Time;
use crate::error::fail;
use crate::store::Inner;
use crate::task::Task;

/// The sessions of a store's users.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

fn todo<T: Send + 'static>() -> Task<T> {
    Task::ready(Err(fail!(Unsupported, "not there yet")))
}

#[expect(unused_variables)]
impl Sessions {
    pub(crate) fn new(store: Arc<Inner>) -> Sessions {
        Sessions(store)
    }

    /// Starts a session.
    pub fn start(&self, tag: &str, data: &str, ttl: Option<u64>) -> Task<String> {
        todo()
    }

    /// Verifies a session token.
    pub fn verify(&self, token: &str) -> Task<String> {
        todo()
    }

    /// Turns a refresh token into a new pair.
    pub fn refresh(&self, refresh_token: &str) -> Task<String> {
        todo()
    }

    /// Revokes one.
    pub fn revoke(&self, session_id: &str) -> Task<()> {
        todo()
    }

    /// Revokes all of a user's.
    pub fn revoke_all(&self, tag: &str, user: &str, except: Option<&str>) -> Task<u64> {
        todo()
    }

    /// Lists sessions.
    pub fn list(&self, tag: &str, user: Option<&str>, page: Option<&str>) -> Task<String> {
        todo()
    }

    /// Merges fields.
    pub fn update(&self, session_id: &str, data: &str) -> Task<()> {
        todo()
    }

    /// Moves the end.
    pub fn extend(&self, session_id: &str, ttl: u64) -> Task<Option<Time>> {
        todo()
    }

    /// Lists users.
    pub fn users(&self, tag: &str, page: Option<&str>) -> Task<String> {
        todo()
    }

    /// One user.
    pub fn user(&self, tag: &str, user: &str) -> Task<String> {
        todo()
    }

    /// Counts.
    pub fn dashboard(&self, tag: &str) -> Task<String> {
        todo()
    }

    /// Forgets a user.
    pub fn forget(&self, tag: &str, user: &str) -> Task<u64> {
        todo()
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}
