//! The one way from a token's text to a [`VerifiedToken`].

use std::sync::Arc;

use super::claims::{self, Claims};
use super::compact::Compact;
use super::header::Header;
use super::issuer::{Issuer, Issuers, RefusedKey};
use super::members::Members;
use super::refusal::{malformed, untrusted};
use super::signer::Signer;
use super::token::{Proof, VerifiedToken};
use crate::clock::Time;
use crate::error::{Code, Error, Result};
use crate::limits::Limits;

/// Verifies tokens of the issuers that a store trusts, its own among them.
pub(crate) struct Verifier {
    issuers: Issuers,
    own: Arc<Signer>,
    token_bytes: usize,
}

impl Verifier {
    /// A verifier for `issuers` and for the login tokens that `own` signs.
    pub(crate) fn new(issuers: Issuers, own: Arc<Signer>, limits: &Limits) -> Verifier {
        Verifier { issuers, own, token_bytes: limits.token }
    }

    /// Verifies a token, with or without `Bearer ` and `<tag>:` before it.
    ///
    /// The order is part of the rules: what is cheap and decides most comes first, no key is used before issuer, key
    /// and algorithm are known to belong together, and no claim but `iss` is believed before the signature.
    pub(crate) fn verify(&self, given: &str, now: Time) -> Result<VerifiedToken> {
        let token = Compact::read(given, self.token_bytes)?;
        let header = Header::read(&token.header)?;
        let payload = Members::read(&token.payload)
            .map_err(|why| malformed("payload", &format!("the token's payload {}", why.as_str())))?;
        let issuer = self.issuer(&claims::issuer(&payload)?)?;
        self.check_type(issuer, &header)?;
        check_signature(issuer, &header, token.signed, token.signature)?;
        let claims = Claims::read(&payload, &issuer.rules, now)?;
        Ok(VerifiedToken::new(Proof {
            realm: issuer.realm.clone(),
            issuer: issuer.name.clone(),
            ends_at: claims.expires_at.plus_millis(i64::from(issuer.rules.leeway) * 1000),
            subject: claims.subject,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            id: claims.id,
            tag: token.tag.map(str::to_owned),
        }))
    }

    /// The keys of the options' key sets that are not used, and why.
    pub(crate) fn refused_keys(&self) -> &[RefusedKey] {
        self.issuers.refused_keys()
    }

    fn issuer(&self, name: &str) -> Result<&Issuer> {
        if name == self.own.issuer() {
            return Ok(self.own.as_issuer());
        }
        self.issuers.get(name).ok_or_else(|| untrusted("issuer", "the token's issuer is none of the store's `issuers`"))
    }

    fn check_type(&self, issuer: &Issuer, header: &Header) -> Result<()> {
        match *issuer.name == *self.own.issuer() {
            true => header.check_login_type(),
            false => header.check_foreign_type(),
        }
    }
}

fn check_signature(issuer: &Issuer, header: &Header, signed: &[u8], signature: Vec<u8>) -> Result<()> {
    let Some(key) = issuer.key(header.kid.as_deref()) else {
        return Err(untrusted("key", "the token's kid names none of the issuer's keys"));
    };
    if key.algorithm != header.algorithm {
        return Err(untrusted("algorithm", "the token's alg is not the one that its key is for"));
    }
    match key.verifies(signed, signature) {
        true => Ok(()),
        false => Err(Error::new(Code::TokenSignature, "the token's signature does not verify").with("reason", "signature")),
    }
}
