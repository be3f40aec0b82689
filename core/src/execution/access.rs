//! The proof an execution holds, and what it opens: from a token to a user's session.

use std::sync::Arc;

use parking_lot::Mutex;

use super::trigger::{Trigger, not_allowed};
use crate::audit::{Event, What, Whose};
use crate::config::{Config, GLOBAL};
use crate::error::{Code, Error, Result};
use crate::identity::VerifiedToken;
use crate::session::global::Global;
use crate::session::global::target::{Opened, Proof, Target, session_expired};
use crate::store::Inner;

/// An execution's trigger and token; the token is verified by the first Global operation.
pub(crate) struct Access {
    trigger: Trigger,
    state: Mutex<State>,
    /// The identity that a checkpoint recorded; nobody else may go on.
    recorded: Option<[u8; 16]>,
    /// The host's name for what it is doing, for audit events.
    request: Mutex<Option<Arc<str>>>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<str>>,
    verified: Option<VerifiedToken>,
    /// The sessions met so far: they stay the same for the whole execution.
    opened: Vec<Arc<Target>>,
}

impl Access {
    pub(crate) fn new(trigger: Trigger, token: Option<&str>) -> Access {
        let state = State { token: token.map(Arc::from), ..State::default() };
        Access { trigger, state: Mutex::new(state), recorded: None, request: Mutex::default() }
    }

    /// The access of a token verified already.
    pub(crate) fn proven(token: VerifiedToken) -> Access {
        let state = State { verified: Some(token), ..State::default() };
        Access { trigger: Trigger::proven(), state: Mutex::new(state), recorded: None, request: Mutex::default() }
    }

    /// An access that goes on only for the identity that was recorded.
    pub(crate) fn resumed(trigger: Trigger, token: Option<&str>, recorded: Option<[u8; 16]>) -> Access {
        Access { recorded, ..Access::new(trigger, token) }
    }

    pub(crate) fn request(&self) -> Option<Arc<str>> {
        self.request.lock().clone()
    }

    pub(crate) fn set_request(&self, id: Option<&str>) {
        *self.request.lock() = id.map(Arc::from);
    }

    /// The session that was opened under that tag (absent: the token's own, else `global`).
    pub(crate) fn met(&self, tag: Option<&str>) -> Option<Arc<Target>> {
        let state = self.state.lock();
        let own = state.verified.as_ref().and_then(|token| token.session()).map(|session| &*session.id.tag);
        let tag = tag.or(own).unwrap_or(GLOBAL);
        state.opened.iter().find(|target| *target.tag == *tag).cloned()
    }

    /// The verified token: verified now if it was not yet, its times checked at every call.
    pub(crate) fn token(&self, store: &Inner) -> Result<VerifiedToken> {
        let (token, is_new) = self.token_whenever(store)?;
        token.check_alive(store.clock.now())?;
        if is_new {
            self.tell_verified(store, || Whose::proven(&store.vault, &token));
        }
        Ok(token)
    }

    fn tell_verified(&self, store: &Inner, whose: impl FnOnce() -> Whose) {
        store.audit.happened(|| Event::of(What::TokenVerified).whose(whose().at(self.request())));
    }

    /// The verified token, which may have expired, and whether it was verified just now.
    fn token_whenever(&self, store: &Inner) -> Result<(VerifiedToken, bool)> {
        let mut state = self.state.lock();
        if let Some(token) = &state.verified {
            return Ok((token.clone(), false));
        }
        let Some(token) = state.token.clone() else {
            return Err(not_allowed("token", "the execution has no token"));
        };
        let token = store.verifier.verify_whenever(&token, store.clock.now())?;
        self.check_recorded(store, &token)?;
        state.verified = Some(token.clone());
        Ok((token, true))
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
        if let Some(old) = old {
            if (old.realm(), old.subject()) != (fresh.realm(), fresh.subject()) {
                return Err(other_identity());
            }
            if old.session().map(|session| &session.id) != fresh.session().map(|session| &session.id) {
                return Err(not_allowed("other_session", "the token opens another session than this execution's"));
            }
        }
        state.token = Some(Arc::from(token));
        state.verified = Some(fresh.clone());
        drop(state);
        self.tell_verified(store, || Whose::proven(&store.vault, &fresh));
        Ok(())
    }

    /// The session that the token opens under config `tag` (absent: the token's own, else `global`): trigger, security,
    /// token and config are checked here, at every operation.
    pub(crate) async fn open(&self, store: &Arc<Inner>, tag: Option<&str>) -> Result<Opened> {
        self.trigger.allows_global()?;
        let (token, is_new) = self.token_whenever(store)?;
        if let Err(error) = token.check_alive(store.clock.now()) {
            return Err(Box::pin(why_expired(store, &token, error)).await);
        }
        let opened = self.open_proven(store, tag, &token).await;
        if is_new {
            self.tell_verified(store, || match &opened {
                Ok(Opened { target, .. }) => {
                    let session = token.session().map(|session| session.id.storage);
                    Whose { tag: Some(target.tag.clone()), user: target.user(), session, request: None }
                }
                Err(_) => Whose::proven(&store.vault, &token),
            });
        }
        opened
    }

    async fn open_proven(&self, store: &Arc<Inner>, tag: Option<&str>, token: &VerifiedToken) -> Result<Opened> {
        let tag = match (token.session(), tag) {
            (Some(session), Some(tag)) if *session.id.tag != *tag => {
                let why = format!("the token opens one session of config {:?}, not of {tag:?}", session.id.tag);
                return Err(not_allowed("other_session", &why));
            }
            (Some(session), _) => &session.id.tag,
            (None, tag) => tag.unwrap_or(GLOBAL),
        };
        let config = store.catalog.find(store, tag).await?;
        let target = self.target(store, &config, token)?;
        Ok(Opened { target, config, proof: Proof::Token(token.clone()) })
    }

    fn target(&self, store: &Inner, config: &Config, token: &VerifiedToken) -> Result<Arc<Target>> {
        let mut state = self.state.lock();
        let met = state.opened.iter().position(|target| target.tag == config.tag);
        match met.map(|at| &state.opened[at]) {
            Some(target) if target.config_id == config.id => return Ok(target.clone()),
            Some(target) if target.pinned.lock().is_some() => {
                let message = "the session's configuration was deleted and made again: the session is no more";
                return Err(Error::new(Code::SessionRevoked, message)
                    .with("tag", &*config.tag)
                    .with("reason", "ended"));
            }
            _ => {}
        }
        let target = Arc::new(match token.session() {
            Some(session) => Target::named(store, config, session.id.storage, Some(session.user)),
            None => Target::standing(store, config, token)?,
        });
        match met {
            Some(at) => state.opened[at] = target.clone(),
            None => state.opened.push(target.clone()),
        }
        Ok(target)
    }
}

/// A session token never outlives its session, so it has always expired first: where the session is over too, that is
/// what helps its user.
async fn why_expired(store: &Arc<Inner>, token: &VerifiedToken, error: Error) -> Error {
    let now = store.clock.now();
    match token.session().filter(|session| session.ends_at.is_some_and(|end| end <= now)) {
        None => error,
        Some(session) => match Global::by_id(store.clone(), session.id.clone()).seen().await {
            Err(over) if over.code() == Code::NotFound => session_expired(&session.id.tag),
            Err(over) => over,
            Ok(_) => error,
        },
    }
}

fn other_identity() -> Error {
    not_allowed("other_identity", "the token belongs to another user than this execution")
}
