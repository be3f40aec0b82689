//! The proof an execution holds, and what it opens: from a token to a user's standing session.

use std::sync::Arc;

use parking_lot::Mutex;

use super::trigger::{Trigger, not_allowed};
use crate::backend::{BlindUser, Space, StorageId};
use crate::clock::Time;
use crate::config::{Config, GLOBAL, global};
use crate::error::{Error, Result, fail};
use crate::identity::VerifiedToken;
use crate::store::Inner;
use crate::vault::{ConfigVault, Identifier, Life};

/// An execution's trigger and token; the token is verified by the first Global operation.
pub(crate) struct Access {
    trigger: Trigger,
    state: Mutex<State>,
    /// The identity that a checkpoint recorded; nobody else may go on.
    recorded: Option<[u8; 16]>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<str>>,
    verified: Option<VerifiedToken>,
    opened: Vec<Arc<Standing>>,
}

/// A user's standing session of one config, found and derived; not yet read.
pub(crate) struct Standing {
    pub(crate) config: Arc<Config>,
    pub(crate) vault: Arc<ConfigVault>,
    pub(crate) space: Space,
    pub(crate) id: StorageId,
    pub(crate) user: BlindUser,
    pub(crate) realm: String,
    pub(crate) identifier: Identifier,
    /// The life that the execution met first: it never changes to another unnoticed.
    pub(crate) pinned: Mutex<Option<Pin>>,
}

/// See [`Standing::pinned`].
#[derive(Clone, Copy)]
pub(crate) struct Pin {
    pub(crate) life: Life,
    pub(crate) ends: Option<Time>,
}

impl Access {
    pub(crate) fn new(trigger: Trigger, token: Option<&str>) -> Access {
        let state = State { token: token.map(Arc::from), ..State::default() };
        Access { trigger, state: Mutex::new(state), recorded: None }
    }

    /// The access of a token verified already.
    pub(crate) fn proven(token: VerifiedToken) -> Access {
        let state = State { verified: Some(token), ..State::default() };
        Access { trigger: Trigger::proven(), state: Mutex::new(state), recorded: None }
    }

    /// An access that goes on only for the identity that was recorded.
    pub(crate) fn resumed(trigger: Trigger, token: Option<&str>, recorded: Option<[u8; 16]>) -> Access {
        Access { recorded, ..Access::new(trigger, token) }
    }

    /// The verified token: verified now if it was not yet, its times checked at every call.
    pub(crate) fn token(&self, store: &Inner) -> Result<VerifiedToken> {
        let mut state = self.state.lock();
        if let Some(token) = &state.verified {
            token.check_alive(store.clock.now())?;
            return Ok(token.clone());
        }
        let Some(token) = state.token.clone() else {
            return Err(not_allowed("token", "the execution has no token"));
        };
        let token = store.verifier.verify(&token, store.clock.now())?;
        self.check_recorded(store, &token)?;
        state.verified = Some(token.clone());
        Ok(token)
    }

    /// The MAC of the identity, if the token can tell it; an execution without a token has none.
    pub(crate) fn identity(&self, store: &Inner) -> Result<Option<[u8; 16]>> {
        if self.recorded.is_some() {
            return Ok(self.recorded);
        }
        let (verified, given) = {
            let state = self.state.lock();
            (state.verified.clone(), state.token.is_some())
        };
        let token = match verified {
            Some(token) => token,
            None if !given => return Ok(None),
            None => self.token(store)?,
        };
        Ok(Some(store.vault.identity_mac(token.realm(), token.subject())))
    }

    fn check_recorded(&self, store: &Inner, token: &VerifiedToken) -> Result<()> {
        match self.recorded {
            Some(recorded) if recorded != store.vault.identity_mac(token.realm(), token.subject()) => {
                Err(other_identity())
            }
            _ => Ok(()),
        }
    }

    /// Puts a fresh token of the same identity in place. A token that was not used yet counts, if it is good: one that
    /// is not proves nobody.
    pub(crate) fn renew(&self, store: &Inner, token: &str) -> Result<()> {
        let now = store.clock.now();
        let fresh = store.verifier.verify(token, now)?;
        self.check_recorded(store, &fresh)?;
        let mut state = self.state.lock();
        let old = match (&state.verified, &state.token) {
            (Some(verified), _) => Some(verified.clone()),
            (None, Some(unused)) => store.verifier.verify(unused, now).ok(),
            (None, None) => None,
        };
        if old.is_some_and(|old| old.realm() != fresh.realm() || old.subject() != fresh.subject()) {
            return Err(other_identity());
        }
        state.token = Some(Arc::from(token));
        state.verified = Some(fresh);
        Ok(())
    }

    /// The standing session of config `tag` (absent: `global`): trigger, security, token and config are checked here,
    /// at every operation.
    pub(crate) fn open(&self, store: &Inner, tag: Option<&str>) -> Result<(Arc<Standing>, VerifiedToken)> {
        self.trigger.allows_global()?;
        let token = self.token(store)?;
        let config = find(tag.unwrap_or(GLOBAL))?;
        let mut state = self.state.lock();
        if let Some(standing) = state.opened.iter().find(|standing| standing.config.tag == config.tag) {
            return Ok((standing.clone(), token));
        }
        let standing = Arc::new(Standing::of(store, config, &token));
        state.opened.push(standing.clone());
        Ok((standing, token))
    }
}

impl Standing {
    fn of(store: &Inner, config: Arc<Config>, token: &VerifiedToken) -> Standing {
        let vault = store.vault.config(&config.tag, &config.id);
        let identifier = Identifier::String(token.subject().to_owned());
        let user = vault.user(token.realm(), &identifier);
        Standing {
            config,
            space: vault.space(),
            id: vault.standing(token.realm(), token.subject(), &user),
            user,
            realm: token.realm().to_owned(),
            identifier,
            vault,
            pinned: Mutex::new(None),
        }
    }
}

fn find(tag: &str) -> Result<Arc<Config>> {
    if tag == GLOBAL {
        return Ok(global());
    }
    Err(fail!(NotFound, "no session configuration has the tag {tag:?} in this workspace, product and env")
        .with("tag", tag))
}

fn other_identity() -> Error {
    not_allowed("other_identity", "the token belongs to another user than this execution")
}
