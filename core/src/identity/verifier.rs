//! The one way from a token's text to a [`VerifiedToken`].

use std::sync::{Arc, OnceLock};

use super::cache::Cache;
use super::claims::{self, Claims, Rules};
use super::compact::Compact;
use super::confirmation::Confirmation;
use super::header::{Header, OwnKind};
use super::issuer::{Issuer, Issuers};
use super::key::Print;
use super::key_url::KeyUrl;
use super::logout::Logout;
use super::members::{Members, Unreadable};
use super::refusal::{malformed, untrusted};
use super::signer::Signer;
use super::stats;
use super::token::{Proof, SessionRef, VerifiedToken};
use crate::clock::{Clock, Time};
use crate::error::{Code, Error, Result};
use crate::limits::Limits;
use crate::vault::KnownCells;

/// Verifies tokens of the issuers that a store trusts, its own among them.
pub(crate) struct Verifier {
    issuers: Issuers,
    own: Arc<Signer>,
    token_bytes: usize,
    session_rules: Rules,
    /// Where session tokens name their users, who are blinded there.
    session_realm: Arc<str>,
    cache: Cache,
    /// What its proofs are recognised by.
    key: Arc<()>,
}

/// A token that is not good, as far as is known now.
pub(crate) struct Missed {
    pub(crate) error: Error,
    /// The keys to be fetched, if one of them may be the one that is missing.
    keys: Option<Arc<KeyUrl>>,
}

impl From<Error> for Missed {
    fn from(error: Error) -> Missed {
        Missed { error, keys: None }
    }
}

impl Missed {
    /// Whether waiting for the issuer's keys may help.
    pub(crate) fn may_wait(&self) -> bool {
        self.keys.is_some()
    }
}

impl Verifier {
    /// A verifier for `issuers` and for the tokens that `own` signs.
    pub(crate) fn new(issuers: Issuers, own: Arc<Signer>, limits: &Limits) -> Verifier {
        Verifier {
            issuers,
            session_rules: own.as_issuer().session_rules(),
            session_realm: format!("{}#session", own.issuer()).into(),
            own,
            token_bytes: limits.token,
            cache: Cache::new(),
            key: Arc::default(),
        }
    }

    /// Verifies a token, with or without `Bearer ` and `<tag>:` before it. `proven`: what its holder proved to the host.
    /// Waits for the issuer's keys if they have to be fetched first, else for nothing.
    pub(crate) async fn verify(&self, given: &str, proven: &Confirmation, clock: &Clock) -> Result<VerifiedToken> {
        let token = self.verify_whenever(given, proven, clock).await?;
        token.check_alive(clock.now())?;
        Ok(token)
    }

    /// [`verify`](Verifier::verify), but for a token that has expired: whoever uses it must ask whether it is alive.
    pub(crate) async fn verify_whenever(
        &self,
        given: &str,
        proven: &Confirmation,
        clock: &Clock,
    ) -> Result<VerifiedToken> {
        patiently(|| self.verify_now(given, proven, clock.now())).await
    }

    /// [`verify_whenever`](Verifier::verify_whenever) with the keys that are known.
    ///
    /// The order is part of the rules: what is cheap and decides most comes first, no key is used before issuer, key
    /// and algorithm are known to belong together, and no claim but `iss` is believed before the signature.
    pub(crate) fn verify_now(&self, given: &str, proven: &Confirmation, now: Time) -> Result<VerifiedToken, Missed> {
        let token = match self.cache.get(given, now) {
            Some(token) => token,
            None => {
                let token = self.verify_anew(given, now)?;
                if token.is_good_at(now) {
                    self.cache.put(given, token.clone());
                }
                token
            }
        };
        token.check_proven(proven)?;
        Ok(token)
    }

    fn verify_anew(&self, given: &str, now: Time) -> Result<VerifiedToken, Missed> {
        let token = Compact::read(given, self.token_bytes)?;
        let header = Header::read(&token.header)?;
        let payload = Members::read(&token.payload).map_err(unreadable)?;
        let issuer = self.issuer(&claims::issuer(&payload)?)?;
        let is_session = self.is_session(issuer, &header)?;
        let signed = check_signature(issuer, &header, token.signed, token.signature)?;
        let rules = if is_session { &self.session_rules } else { &issuer.rules };
        let claims = Claims::read(&payload, rules, now)?;
        let session = if is_session { Some(SessionRef::read(&payload)?) } else { None };
        Ok(VerifiedToken::new(Proof {
            realm: if is_session { self.session_realm.clone() } else { issuer.realm.clone() },
            issuer: issuer.clone(),
            ends_at: rules.end_of(claims.expires_at),
            claims,
            key: signed.key,
            generation: signed.generation,
            session: session.map(Box::new),
            verifier: self.key.clone(),
            standing: OnceLock::new(),
            cells: KnownCells::default(),
        }))
    }

    /// The same, whatever key it is bound to: for its revocation, which nobody has to prove anything for.
    pub(crate) async fn verify_unproven(&self, given: &str, clock: &Clock) -> Result<VerifiedToken> {
        patiently(|| self.verify_anew(given, clock.now())).await
    }

    /// Reads a logout token of one of the issuers: who is logged out. `TOKEN_*`.
    pub(crate) async fn read_logout(&self, given: &str, clock: &Clock) -> Result<Logout> {
        patiently(|| {
            let now = clock.now();
            let token = Compact::read(given, self.token_bytes)?;
            let header = Header::read(&token.header)?;
            let payload = Members::read(&token.payload).map_err(unreadable)?;
            let issuer = self.issuer(&claims::issuer(&payload)?)?;
            header.check_logout_type()?;
            check_signature(issuer, &header, token.signed, token.signature)?;
            Ok(Logout::read(&payload, issuer, now)?)
        })
        .await
    }

    /// Whether this verifier made the proof.
    pub(crate) fn made(&self, token: &VerifiedToken) -> bool {
        token.is_of(&self.key)
    }

    /// The issuer of that exact name, if it is one of the store's, or its own.
    pub(super) fn issuer_named(&self, name: &str) -> Option<&Arc<Issuer>> {
        if name == self.own.issuer() { Some(self.own.as_issuer()) } else { self.issuers.get(name) }
    }

    fn issuer(&self, name: &str) -> Result<&Arc<Issuer>> {
        self.issuer_named(name)
            .ok_or_else(|| untrusted("issuer", "the token's issuer is none of the store's `issuers`"))
    }

    /// Whether it is a session token; `TOKEN_CLAIMS` for a `typ` that the issuer has no tokens of.
    fn is_session(&self, issuer: &Issuer, header: &Header) -> Result<bool> {
        match *issuer.name == *self.own.issuer() {
            true => header.own_kind().map(|kind| kind == OwnKind::Session),
            false => header.check_foreign_type(issuer.rules.profile).map(|()| false),
        }
    }

    /// The longest that a login token or one of another issuer may live, in seconds.
    pub(crate) fn longest_life(&self) -> u32 {
        self.issuers.longest_life().max(self.own.as_issuer().longest_life())
    }

    /// What there is to know of cache and keys; JSON.
    pub(crate) fn stats(&self) -> serde_json::Value {
        stats::gather(&self.cache.stats(), &self.issuers)
    }
}

/// Tries again once a fetch of the issuer's keys has ended, if one of them may have been missing.
async fn patiently<T>(attempt: impl Fn() -> Result<T, Missed>) -> Result<T> {
    match attempt() {
        Ok(done) => Ok(done),
        Err(Missed { error, keys: None }) => Err(error),
        Err(Missed { error, keys: Some(keys) }) => match keys.refreshed().await {
            true => attempt().map_err(|missed| missed.error),
            false => Err(error),
        },
    }
}

fn unreadable(why: Unreadable) -> Error {
    malformed("payload", &format!("the token's payload {}", why.as_str()))
}

/// Which key signed, and in which set it stood.
struct Signed {
    key: Print,
    generation: u64,
}

fn check_signature(issuer: &Issuer, header: &Header, signed: &[u8], signature: Vec<u8>) -> Result<Signed, Missed> {
    let missing = |error| Missed { error, keys: issuer.keys.to_fetch() };
    let keys = issuer.keys.current().ok_or_else(|| missing(issuer.unknown_keys()))?;
    let Some(key) = keys.set.find(header.kid.as_deref()) else {
        return Err(missing(untrusted("key", "the token's kid names none of the issuer's keys")));
    };
    if key.algorithm != header.algorithm {
        return Err(untrusted("algorithm", "the token's alg is not the one that its key is for").into());
    }
    match key.verifies(signed, signature)? {
        true => Ok(Signed { key: *key.print(), generation: keys.generation }),
        false => {
            let error = Error::new(Code::TokenSignature, "the token's signature does not verify");
            Err(error.with("reason", "signature").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::super::jwk::ed25519;
    use super::super::jwks::KeySet;
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

    impl Verifier {
        /// What [`verify`](Verifier::verify) gives at `now`, for keys that need no fetching.
        pub(in super::super) fn verify_at(&self, given: &str, now: Time) -> Result<VerifiedToken> {
            let token = self.verify_now(given, &Confirmation::default(), now).map_err(|missed| missed.error)?;
            token.check_alive(now).map(|()| token)
        }
    }

    fn code(result: Result<VerifiedToken>) -> Option<Code> {
        result.err().map(|error| error.code())
    }

    #[test]
    fn our_own_tokens_verify() {
        let own = signer("sessile:a/b/c", &[("k1", 1, true)]);
        let token = own.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        let proof = verifier(&own).verify_at(&format!("Bearer cart:{token}"), NOW).unwrap();
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
        assert_eq!(code(verifier(&retired).verify_at(&token, NOW)), None);
        let revoked = signer("i", &[("k2", 2, true)]);
        assert_eq!(code(verifier(&revoked).verify_at(&token, NOW)), Some(Code::TokenUntrusted));
        let replaced = signer("i", &[("k1", 3, true)]);
        assert_eq!(code(verifier(&replaced).verify_at(&token, NOW)), Some(Code::TokenSignature));
    }

    #[test]
    fn other_environments_are_strangers_until_an_entry_names_them() {
        let (dev, prd) = (signer("sessile:a/b/dev", &[("k", 1, true)]), signer("sessile:a/b/prd", &[("k", 2, true)]));
        let token = dev.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        assert_eq!(code(verifier(&prd).verify_at(&token, NOW)), Some(Code::TokenUntrusted));
        let entry = format!(r#"{{"issuer":"sessile:a/b/dev","audiences":["sessile:a/b/dev"],"jwks":{}}}"#, dev.jwks());
        let entry: Box<serde_json::value::RawValue> = serde_json::from_str(&entry).unwrap();
        let issuers = Issuers::read([&*entry], &HashMap::new(), prd.issuer()).ok().unwrap();
        let proof = Verifier::new(issuers, prd, &Limits::default()).verify_at(&token, NOW).unwrap();
        assert_eq!(proof.realm(), "sessile:a/b/dev");
    }

    #[test]
    fn a_panic_of_the_provider_is_an_error_of_that_token() {
        let own = signer("i", &[("k", 1, true)]);
        let (verifier, keys) = (verifier(&own), &own.as_issuer().keys);
        let token = own.issue(r#"{"sub":"u1"}"#, 60, NOW).unwrap();
        let public = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        let key = || ed25519(Some("k".to_owned()), public.public_key().as_ref().try_into().unwrap());
        keys.replace(KeySet::of(vec![key().panicking()]));
        let error = verifier.verify_at(&token, NOW).unwrap_err();
        assert_eq!(error.code(), Code::Panic);
        assert!(!error.message().contains(&token));
        keys.replace(KeySet::of(vec![key()]));
        assert_eq!(verifier.verify_at(&token, NOW).unwrap().subject(), "u1");
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
                    assert!(verifier.verify_at(&changed, NOW).is_err(), "{other:?} at {at}");
                }
            }
            assert!(verifier.verify_at(&token[..at], NOW).is_err(), "cut at {at}");
            assert!(verifier.verify_at(&token[at + 1..], NOW).is_err(), "cut until {at}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_or_passes(text in "\\PC{0,300}", header in "\\PC{0,80}", payload in "\\PC{0,200}") {
            use base64::Engine as _;
            use base64::engine::general_purpose::URL_SAFE_NO_PAD;

            let verifier = verifier(&signer("i", &[("k", 1, true)]));
            prop_assert!(verifier.verify_at(&text, NOW).is_err());
            let token = format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
            let error = verifier.verify_at(&token, NOW).unwrap_err();
            prop_assert!(!error.message().contains(&token));
        }
    }
}
