//! The proof of identity.

use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::claims::{self, Claims};
use super::confirmation::Confirmation;
use super::issuer::{self, Issuer};
use super::key::Print;
use super::members::Members;
use super::refusal::{claim, untrusted};
use crate::backend::{BlindUser, StorageId};
use crate::clock::Time;
use crate::error::Result;
use crate::vault::{ConfigVault, Identifier, KnownCells, SessionId};

/// Who the user is, proven: only the verifier makes one, so whatever asks for a `VerifiedToken` can't be reached with a
/// bare user id.
///
/// The token's text is not in it. A refreshed token of the same issuer and subject is the same user.
#[derive(Clone)]
pub struct VerifiedToken(Arc<Proof>);

/// What a proof says; see the methods of [`VerifiedToken`].
///
/// In this order: what every operation looks at lies together, for a proof among many thousands is in no cache.
#[repr(C)]
pub(super) struct Proof {
    /// The key of the verifier that made it.
    pub(super) verifier: Arc<()>,
    pub(super) issuer: Arc<Issuer>,
    pub(super) ends_at: Time,
    /// The set that the key stood in which verified it.
    pub(super) generation: u64,
    /// Which session it opens, if it is a session token.
    pub(super) session: Option<Box<SessionRef>>,
    /// The user's standing session of the configuration that the token was used for first: it takes two MACs to find.
    pub(super) standing: OnceLock<Standing>,
    /// Of the session that it was used for last.
    pub(super) cells: KnownCells,
    pub(super) claims: Claims,
    pub(super) realm: Arc<str>,
    /// The key that verified it.
    pub(super) key: Print,
}

/// A user's standing session of one configuration: where it lies, and whose it is.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    config_id: [u8; 16],
    pub(crate) id: StorageId,
    pub(crate) user: BlindUser,
}

/// What only a session token says.
pub(crate) struct SessionRef {
    pub(crate) id: SessionId,
    /// Whose session it is, blinded (`sub`).
    pub(crate) user: BlindUser,
    /// The session's end as the token knows it (`sxp`); it may have been moved since.
    pub(crate) ends_at: Option<Time>,
}

impl SessionRef {
    /// From the claims of a session token of ours, whose signature has verified.
    pub(super) fn read(members: &Members<'_>) -> Result<SessionRef> {
        let id = SessionId::parse(&claims::required_text(members, "sid")?);
        let user = URL_SAFE_NO_PAD.decode(claims::required_text(members, "sub")?).ok();
        let ends_at = members.get("sxp").map(|value| claims::time(value, "sxp")).transpose()?;
        let tag = claims::required_text(members, "tag")?;
        match (id, user.and_then(|user| user.try_into().ok())) {
            (Some(id), Some(user)) if *id.tag == *tag => Ok(SessionRef { id, user, ends_at }),
            _ => Err(claim("sid", "value", "the token names no session of this store")),
        }
    }
}

impl VerifiedToken {
    pub(super) fn new(proof: Proof) -> VerifiedToken {
        VerifiedToken(Arc::new(proof))
    }

    /// The realm of the issuer's users: its `iss`, unless its definition names another. A session token names its user
    /// blinded, in a realm of its own.
    pub fn realm(&self) -> &str {
        &self.0.realm
    }

    /// The subject: the claim that the issuer's definition names, `sub` by default.
    pub fn subject(&self) -> &str {
        &self.0.claims.subject
    }

    /// The issuer, `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer.name
    }

    /// When the token was issued, `iat`.
    pub fn issued_at(&self) -> Time {
        self.0.claims.issued_at
    }

    /// When the token ends, `exp`; the issuer's leeway is not in it.
    pub fn expires_at(&self) -> Time {
        self.0.claims.expires_at
    }

    /// The token's own id, `jti`, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.0.claims.id.as_deref()
    }

    /// The session that a session token opens; `None` for a login token and one of another issuer.
    pub(crate) fn session(&self) -> Option<&SessionRef> {
        self.0.session.as_deref()
    }

    /// The user's standing session of a configuration whose keys are `vault`'s.
    pub(crate) fn standing(&self, config_id: &[u8; 16], vault: &ConfigVault) -> Standing {
        let find = || {
            let user = vault.user(self.realm(), &self.identifier());
            Standing { config_id: *config_id, id: vault.standing(self.realm(), self.subject(), &user), user }
        };
        let known = *self.0.standing.get_or_init(find);
        if known.config_id == *config_id { known } else { find() }
    }

    /// What names the user where they have standing sessions.
    pub(crate) fn identifier(&self) -> Identifier {
        Identifier::String(self.subject().to_owned())
    }

    /// Where the fields lie of the session that it was used for last.
    pub(crate) fn known_cells(&self) -> &KnownCells {
        &self.0.cells
    }

    /// How the user was authenticated, `acr`, if the issuer says so.
    pub fn acr(&self) -> Option<&str> {
        self.0.claims.acr.as_deref()
    }

    /// When the user was authenticated, `auth_time`, if the issuer says so.
    pub fn authenticated_at(&self) -> Option<Time> {
        self.0.claims.auth_time
    }

    /// The issuer's own session that it belongs to, `sid`.
    pub(crate) fn login(&self) -> Option<&str> {
        self.0.claims.login.as_deref()
    }

    /// When no store takes it any more, whatever leeway that one gives its issuer, and however their clocks differ.
    pub(super) fn outlived_at(&self) -> Time {
        issuer::outlived(self.expires_at())
    }

    /// How far the issuer's clock may differ, in milliseconds.
    pub(crate) fn leeway_millis(&self) -> i64 {
        i64::from(self.0.issuer.rules.leeway) * 1000
    }

    /// Whether it was made by the verifier with that key: another store trusts other issuers.
    pub(super) fn is_of(&self, verifier: &Arc<()>) -> bool {
        Arc::ptr_eq(&self.0.verifier, verifier)
    }

    /// `TOKEN_EXPIRED` once `exp` and the issuer's leeway have passed: a proof outlives its check, so every operation
    /// asks again.
    pub(crate) fn check_alive(&self, now: Time) -> Result<()> {
        if now < self.0.ends_at { Ok(()) } else { Err(claims::expired()) }
    }

    /// `TOKEN_UNTRUSTED` once its key is none of the issuer's any more; `UNAVAILABLE` while nobody knows which are.
    pub(crate) fn check_key(&self) -> Result<()> {
        match self.0.issuer.keys.current() {
            Some(keys) if keys.generation == self.0.generation || keys.set.has(&self.0.key) => Ok(()),
            Some(_) => Err(untrusted("key", "the token's key is none of the issuer's any more: get a fresh token")),
            None => Err(self.0.issuer.unknown_keys()),
        }
    }

    /// `TOKEN_CLAIMS` unless the host verified a proof for the key that the token is bound to, if it is bound to one.
    pub(super) fn check_proven(&self, proven: &Confirmation) -> Result<()> {
        self.0.claims.confirmation.as_ref().map_or(Ok(()), |wanted| wanted.check(proven))
    }

    /// Whether its times allow it at `now`.
    pub(super) fn is_good_at(&self, now: Time) -> bool {
        self.0.claims.starts_at <= now && now < self.0.ends_at
    }

    /// Whether the issuer's keys are those that it verified under.
    pub(super) fn is_of_current_keys(&self) -> bool {
        self.0.issuer.keys.current().is_some_and(|keys| keys.generation == self.0.generation)
    }
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("realm", &self.realm())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
