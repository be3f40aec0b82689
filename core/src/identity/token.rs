//! The proof of identity.

use std::fmt;
use std::sync::Arc;

use super::claims;
use crate::clock::Time;
use crate::error::Result;

/// Who the user is, proven: only the verifier makes one, so whatever asks for a `VerifiedToken` can't be reached with a
/// bare user id.
///
/// The token's text is not in it. A refreshed token of the same issuer and subject is the same user.
#[derive(Clone)]
pub struct VerifiedToken(Arc<Proof>);

/// What a proof says; see the methods of [`VerifiedToken`].
pub(super) struct Proof {
    pub(super) realm: Arc<str>,
    pub(super) issuer: Arc<str>,
    pub(super) subject: String,
    pub(super) issued_at: Time,
    pub(super) expires_at: Time,
    pub(super) ends_at: Time,
    pub(super) id: Option<String>,
    /// The key of the verifier that made it.
    pub(super) verifier: Arc<()>,
}

impl VerifiedToken {
    pub(super) fn new(proof: Proof) -> VerifiedToken {
        VerifiedToken(Arc::new(proof))
    }

    /// The realm of the issuer's users: its `iss`, unless its definition names another.
    pub fn realm(&self) -> &str {
        &self.0.realm
    }

    /// The subject: the claim that the issuer's definition names, `sub` by default.
    pub fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The issuer, `iss`.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// When the token was issued, `iat`.
    pub fn issued_at(&self) -> Time {
        self.0.issued_at
    }

    /// When the token ends, `exp`; the issuer's leeway is not in it.
    pub fn expires_at(&self) -> Time {
        self.0.expires_at
    }

    /// The token's own id, `jti`, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.0.id.as_deref()
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
}

impl fmt::Debug for VerifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedToken")
            .field("realm", &self.realm())
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
