//! The one way from a token's text to a [`VerifiedToken`].

use std::sync::Arc;

use super::claims::{self, Claims, Rules};
use super::compact::Compact;
use super::header::{Header, OwnKind};
use super::issuer::{Issuer, Issuers};
use super::members::Members;
use super::refusal::{malformed, untrusted};
use super::signer::{Own, Signer};
use super::token::{Proof, SessionRef, VerifiedToken};
use crate::clock::Time;
use crate::error::{Code, Error, Result};
use crate::limits::Limits;

/// Verifies tokens of the issuers that a store trusts, its own among them.
pub(crate) struct Verifier {
    issuers: Issuers,
    own: Arc<Signer>,
    token_bytes: usize,
    session_rules: Rules,
    /// Where session tokens name their users, who are blinded there.
    session_realm: Arc<str>,
    /// What its proofs are recognised by.
    key: Arc<()>,
}

impl Verifier {
    /// A verifier for `issuers` and for the tokens that `own` signs.
    pub(crate) fn new(issuers: Issuers, own: Arc<Signer>, limits: &Limits) -> Verifier {
        Verifier {
            issuers,
            session_rules: own.own().issuer.session_rules(),
            session_realm: format!("{}#session", own.issuer()).into(),
            own,
            token_bytes: limits.token,
            key: Arc::default(),
        }
    }

    /// Verifies a token, with or without `Bearer ` and `<tag>:` before it.
    ///
    /// The order is part of the rules: what is cheap and decides most comes first, no key is used before issuer, key
    /// and algorithm are known to belong together, and no claim but `iss` is believed before the signature.
    pub(crate) fn verify(&self, given: &str, now: Time) -> Result<VerifiedToken> {
        let token = self.verify_whenever(given, now)?;
        token.check_alive(now)?;
        Ok(token)
    }

    /// [`verify`](Verifier::verify), but for a token that has expired: whoever uses it must ask whether it is alive.
    pub(crate) fn verify_whenever(&self, given: &str, now: Time) -> Result<VerifiedToken> {
        let token = Compact::read(given, self.token_bytes)?;
        let header = Header::read(&token.header)?;
        let payload = Members::read(&token.payload)
            .map_err(|why| malformed("payload", &format!("the token's payload {}", why.as_str())))?;
        let own = self.own.own();
        let issuer = self.issuer(&own, &claims::issuer(&payload)?)?;
        let is_session = self.is_session(issuer, &header)?;
        check_signature(issuer, &header, token.signed, token.signature)?;
        let rules = if is_session { &self.session_rules } else { &issuer.rules };
        let claims = Claims::read(&payload, rules, now)?;
        let session = if is_session { Some(SessionRef::read(&payload)?) } else { None };
        Ok(VerifiedToken::new(Proof {
            realm: if is_session { self.session_realm.clone() } else { issuer.realm.clone() },
            issuer: issuer.name.clone(),
            ends_at: rules.end_of(claims.expires_at),
            session,
            subject: claims.subject,
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
            id: claims.id,
            verifier: self.key.clone(),
        }))
    }

    /// Whether this verifier made the proof.
    pub(crate) fn made(&self, token: &VerifiedToken) -> bool {
        token.is_of(&self.key)
    }

    fn issuer<'a>(&'a self, own: &'a Own, name: &str) -> Result<&'a Issuer> {
        if name == self.own.issuer() {
            return Ok(&own.issuer);
        }
        self.issuers.get(name).ok_or_else(|| untrusted("issuer", "the token's issuer is none of the store's `issuers`"))
    }

    /// Whether it is a session token; `TOKEN_CLAIMS` for a `typ` that the issuer has no tokens of.
    fn is_session(&self, issuer: &Issuer, header: &Header) -> Result<bool> {
        match *issuer.name == *self.own.issuer() {
            true => header.own_kind().map(|kind| kind == OwnKind::Session),
            false => header.check_foreign_type().map(|()| false),
        }
    }

    /// The longest that a login token or one of another issuer may live, in seconds.
    pub(crate) fn longest_life(&self) -> u32 {
        self.issuers.longest_life().max(self.own.own().issuer.longest_life())
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
        false => {
            Err(Error::new(Code::TokenSignature, "the token's signature does not verify").with("reason", "signature"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::super::signer::OwnKey;
    use super::*;

    const NOW: Time = Time::from_secs(1_767_225_600);

    fn signer(issuer: &str, keys: &[(&str, u8, bool)]) -> Arc<Signer> {
        let keys = keys.iter().map(|(kid, seed, primary)| OwnKey {
            kid: (*kid).to_owned(),
            seed: Zeroizing::new([*seed; 32]),
            primary: *primary,
        });
        Arc::new(Signer::new(issuer, keys, &Limits::default()).ok().unwrap())
    }

    fn verifier(own: &Arc<Signer>) -> Verifier {
        let issuers = Issuers::read([], &HashMap::new(), own.issuer()).ok().unwrap();
        Verifier::new(issuers, own.clone(), &Limits::default())
    }

    fn code(result: Result<VerifiedToken>) -> Option<Code> {
        result.err().map(|error| error.code())
    }

    #[test]
    fn our_own_tokens_verify() {
        let own = signer("sessile:a/b/c", &[("k1", 1, true)]);
        let token = own.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        let proof = verifier(&own).verify(&format!("Bearer cart:{token}"), NOW).unwrap();
        assert_eq!((proof.realm(), proof.issuer(), proof.subject()), ("sessile:a/b/c", "sessile:a/b/c", "u1"));
        assert_eq!((proof.issued_at(), proof.expires_at()), (NOW, NOW.plus_millis(60_000)));
        assert_eq!(proof.id().map(str::len), Some(22));
        assert!(proof.check_alive(NOW.plus_millis(89_999)).is_ok());
        assert_eq!(proof.check_alive(NOW.plus_millis(90_000)).unwrap_err().code(), Code::TokenExpired);
        let shown = format!("{proof:?}");
        assert!(shown.contains("sessile:a/b/c") && !shown.contains("u1") && !shown.contains(&token), "{shown}");
    }

    #[test]
    fn keys_rotate() {
        let old = signer("i", &[("k1", 1, true)]);
        let token = old.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        let retired = signer("i", &[("k1", 1, false), ("k2", 2, true)]);
        assert_eq!(code(verifier(&retired).verify(&token, NOW)), None);
        let revoked = signer("i", &[("k2", 2, true)]);
        assert_eq!(code(verifier(&revoked).verify(&token, NOW)), Some(Code::TokenUntrusted));
        let replaced = signer("i", &[("k1", 3, true)]);
        assert_eq!(code(verifier(&replaced).verify(&token, NOW)), Some(Code::TokenSignature));
    }

    #[test]
    fn other_environments_are_strangers_until_an_entry_names_them() {
        let (dev, prd) = (signer("sessile:a/b/dev", &[("k", 1, true)]), signer("sessile:a/b/prd", &[("k", 2, true)]));
        let token = dev.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        assert_eq!(code(verifier(&prd).verify(&token, NOW)), Some(Code::TokenUntrusted));
        let entry = format!(r#"{{"issuer":"sessile:a/b/dev","audiences":["sessile:a/b/dev"],"jwks":{}}}"#, dev.jwks());
        let entry: Box<serde_json::value::RawValue> = serde_json::from_str(&entry).unwrap();
        let issuers = Issuers::read([&*entry], &HashMap::new(), prd.issuer()).ok().unwrap();
        let proof = Verifier::new(issuers, prd, &Limits::default()).verify(&token, NOW).unwrap();
        assert_eq!(proof.realm(), "sessile:a/b/dev");
    }

    #[test]
    fn a_token_has_one_spelling() {
        let own = signer("i", &[("k", 1, true)]);
        let verifier = verifier(&own);
        let token = own.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        for at in 0..token.len() {
            for other in ['A', 'B', 'z', '_', '.', '=', ' ', '\n', '\0', ':'] {
                if !token[at..].starts_with(other) {
                    let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
                    assert!(verifier.verify(&changed, NOW).is_err(), "{other:?} at {at}");
                }
            }
            assert!(verifier.verify(&token[..at], NOW).is_err(), "cut at {at}");
            assert!(verifier.verify(&token[at + 1..], NOW).is_err(), "cut until {at}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_or_passes(text in "\\PC{0,300}", header in "\\PC{0,80}", payload in "\\PC{0,200}") {
            use base64::Engine as _;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;

            let verifier = verifier(&signer("i", &[("k", 1, true)]));
            prop_assert!(verifier.verify(&text, NOW).is_err());
            let token = format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            let error = verifier.verify(&token, NOW).unwrap_err();
            prop_assert!(!error.message().contains(&token));
        }
    }
}
