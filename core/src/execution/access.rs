//! The proof an execution holds, and what it opens: from a token to a user's session.

use std::sync::Arc;

use parking_lot::Mutex;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::trigger::{Trigger, not_allowed};
use crate::audit::{Event, What, Whose};
use crate::config::{Config, GLOBAL};
use crate::error::{Code, Error, Result};
use crate::identity::{VerifiedToken, check_demands};
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
    token: Option<Text>,
    verified: Option<VerifiedToken>,
    /// Watchers know that this token was good.
    is_told: bool,
    /// The sessions met so far: they stay the same for the whole execution.
    opened: Vec<Arc<Target>>,
}

/// What an execution holds of its user.
struct Held {
    verified: Option<VerifiedToken>,
    given: Option<Text>,
    is_told: bool,
}

/// A token as it was given: whoever reads it is its user, so it is not left behind.
type Text = Arc<Zeroizing<Box<str>>>;

fn text(token: &str) -> Text {
    Arc::new(Zeroizing::new(token.into()))
}

impl Access {
    pub(crate) fn new(trigger: Trigger, token: Option<&str>) -> Access {
        let state = State { token: token.map(text), ..State::default() };
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
    /// Watchers are told once something is opened with it.
    pub(crate) async fn token(&self, store: &Inner) -> Result<VerifiedToken> {
        let (token, _) = self.token_whenever(store).await?;
        token.check_alive(store.clock.now())?;
        store.revocations.check(store, &token).await?;
        Ok(token)
    }

    /// Watchers are told once of a token that was good, not of each use.
    fn tell_verified(&self, store: &Inner, whose: impl FnOnce() -> Whose) {
        if !std::mem::replace(&mut self.state.lock().is_told, true) {
            store.audit.happened(|| Event::of(What::TokenVerified).whose(whose().at(self.request())));
        }
    }

    /// The verified token, which may have expired, and whether watchers know of it.
    async fn token_whenever(&self, store: &Inner) -> Result<(VerifiedToken, bool)> {
        let Held { verified, given, is_told } = self.held();
        if let Some(token) = verified {
            token.check_key()?;
            return Ok((token, is_told));
        }
        let Some(given) = given else {
            return Err(not_allowed("token", "the execution has no token"));
        };
        let token = store.verify_whenever(&given, self.trigger.proof()).await?;
        self.check_recorded(store, &token)?;
        let mut state = self.state.lock();
        // While this one waited for keys another may have been put in place.
        if state.verified.is_none() {
            state.verified = Some(token.clone());
        }
        Ok((state.verified.clone().unwrap_or(token), state.is_told))
    }

    fn held(&self) -> Held {
        let state = self.state.lock();
        Held { verified: state.verified.clone(), given: state.token.clone(), is_told: state.is_told }
    }

    /// The MAC of the identity, if the token can tell it; an execution without a token has none.
    pub(crate) async fn identity(&self, store: &Inner) -> Result<Option<[u8; 16]>> {
        match self.known_identity(store) {
            Some(identity) => Ok(identity),
            None => {
                let token = self.token(store).await?;
                Ok(Some(store.vault.identity_mac(token.realm(), token.subject())))
            }
        }
    }

    /// The same, unless the token has to be verified first.
    pub(crate) fn known_identity(&self, store: &Inner) -> Option<Option<[u8; 16]>> {
        if self.recorded.is_some() {
            return Some(self.recorded);
        }
        match self.held() {
            Held { verified: Some(token), .. } => Some(Some(store.vault.identity_mac(token.realm(), token.subject()))),
            Held { given: None, .. } => Some(None),
            Held { given: Some(_), .. } => None,
        }
    }

    fn check_recorded(&self, store: &Inner, token: &VerifiedToken) -> Result<()> {
        match self.recorded {
            Some(recorded)
                if !bool::from(recorded.ct_eq(&store.vault.identity_mac(token.realm(), token.subject()))) =>
            {
                Err(other_identity())
            }
            _ => Ok(()),
        }
    }

    /// Puts a fresh token of the same identity in place. A token that was not used yet counts, if it is good: one that
    /// is not proves nobody.
    pub(crate) async fn renew(&self, store: &Inner, token: &str) -> Result<()> {
        let proof = self.trigger.proof();
        let fresh = store.verify(token, proof).await?;
        store.revocations.check(store, &fresh).await?;
        self.check_recorded(store, &fresh)?;
        let old = match self.held() {
            Held { verified: Some(verified), .. } => Some(verified),
            Held { given: Some(unused), .. } => store.verify(&unused, proof).await.ok(),
            Held { given: None, .. } => None,
        };
        if let Some(old) = old {
            if (old.realm(), old.subject()) != (fresh.realm(), fresh.subject()) {
                return Err(other_identity());
            }
            if old.session().map(|session| &session.id) != fresh.session().map(|session| &session.id) {
                return Err(not_allowed("other_session", "the token opens another session than this execution's"));
            }
        }
        let mut state = self.state.lock();
        state.token = Some(text(token));
        state.verified = Some(fresh.clone());
        state.is_told = false;
        drop(state);
        self.tell_verified(store, || Whose::proven(&store.vault, &fresh));
        Ok(())
    }

    /// The session that the token opens under config `tag` (absent: the token's own, else `global`): trigger, security,
    /// token and config are checked here, at every operation.
    pub(crate) async fn open(&self, store: &Arc<Inner>, tag: Option<&str>) -> Result<Opened> {
        self.trigger.allows_global()?;
        let (token, is_told) = self.token_whenever(store).await?;
        if let Err(error) = token.check_alive(store.clock.now()) {
            return Err(Box::pin(why_expired(store, &token, error)).await);
        }
        store.revocations.check(store, &token).await?;
        let opened = self.open_proven(store, tag, &token).await?;
        if !is_told {
            self.tell_verified(store, || {
                let session = token.session().map(|session| session.id.storage);
                let Target { tag, .. } = &*opened.target;
                Whose { tag: Some(tag.clone()), user: opened.target.user(), session, request: None }
            });
        }
        Ok(opened)
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
        check_demands(&config.definition, token, || store.clock.now())?;
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
