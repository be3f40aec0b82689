//! The store's own issuer: it signs login tokens and session tokens, and verifies them again.
//!
//! `iss` = `aud` = `sessile:<workspace>/<product>/<env>`, EdDSA. A store trusts no other such issuer unless an entry of
//! its options says so.

use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use zeroize::Zeroizing;

use super::claims::is_subject;
use super::header::{LOGIN_TYPE, SESSION_TYPE};
use super::issuer::Issuer;
use super::jwk::ed25519;
use super::jwks::KeySet;
use super::members::{MAX_DEPTH, MAX_MEMBERS, Members, Unreadable, string};
use crate::backend::BlindUser;
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::limits::{self, Limits};
use crate::vault::{SessionId, fill_random};

/// Claims that are ours to set, or that mean something we would not keep: `sid` only means something in a session
/// token, `cnf` needs a proof, `act` (RFC 8693) speaks for somebody else.
const RESERVED: [&str; 9] = ["iss", "aud", "exp", "iat", "nbf", "jti", "sid", "cnf", "act"];

const LONGEST_LIFE: u64 = 86_400;

/// A signing key of the keyring. Pending, primary and retired ones verify; a revoked one is not given.
pub(crate) struct OwnKey {
    /// Its name, `kid`.
    pub(crate) kid: String,
    /// The Ed25519 seed (RFC 8032 §5.1.5).
    pub(crate) seed: Zeroizing<[u8; 32]>,
    /// Whether it signs.
    pub(crate) primary: bool,
}

/// What a session token says: which session it opens, and until when. No payload, no identifier.
pub(crate) struct SessionClaims<'a> {
    pub(crate) id: &'a SessionId,
    /// `sub`: the user, blinded.
    pub(crate) user: &'a BlindUser,
    /// `sxp`, rounded up to a whole second.
    pub(crate) session_ends_at: Option<Time>,
    /// `iat` and `exp`, in whole seconds.
    pub(crate) issued_at: Time,
    pub(crate) expires_at: Time,
    /// `jti`.
    pub(crate) token_id: [u8; 16],
}

/// Signs login tokens and session tokens.
pub(crate) struct Signer {
    issuer: Arc<Issuer>,
    token_bytes: usize,
    own: RwLock<Arc<Own>>,
}

/// The keys in force.
struct Own {
    kid: String,
    key: Ed25519KeyPair,
    public: Vec<(String, [u8; 32])>,
}

impl Own {
    /// With `keys` of which exactly one is primary, and the set that verifies what any of them signed.
    fn new(keys: impl IntoIterator<Item = OwnKey>) -> Result<(Own, KeySet)> {
        let mut primary = None;
        let mut public: Vec<(String, [u8; 32])> = Vec::new();
        for key in keys {
            let pair = Ed25519KeyPair::from_seed_unchecked(&*key.seed)
                .map_err(|_| fail!(KeyringInvalid, "signing key {:?} makes no Ed25519 key", key.kid))?;
            if key.kid.is_empty() || public.iter().any(|(kid, _)| *kid == key.kid) {
                return Err(fail!(KeyringInvalid, "two signing keys have the id {:?}, or it is empty", key.kid));
            }
            let point = pair.public_key().as_ref().try_into();
            public.push((key.kid.clone(), point.map_err(|_| fail!(Internal, "an Ed25519 key has 32 bytes"))?));
            if key.primary && primary.replace((key.kid, pair)).is_some() {
                return Err(fail!(KeyringInvalid, "two signing keys are primary: one must be"));
            }
        }
        let (kid, key) = primary.ok_or_else(|| fail!(KeyringInvalid, "no signing key is primary: one must be"))?;
        let verifying = public.iter().map(|(kid, x)| ed25519(Some(kid.clone()), x)).collect();
        let verifying = KeySet::of(verifying);
        Ok((Own { kid, key, public }, verifying))
    }
}

impl Signer {
    /// The issuer named `issuer`, with `keys` of which exactly one is primary; else `KEYRING_INVALID`.
    pub(crate) fn new(issuer: &str, keys: impl IntoIterator<Item = OwnKey>, limits: &Limits) -> Result<Signer> {
        let (own, verifying) = Own::new(keys)?;
        let issuer = Arc::new(Issuer::own(issuer, verifying));
        Ok(Signer { issuer, token_bytes: limits.token, own: RwLock::new(Arc::new(own)) })
    }

    /// Goes on with other keys. What was signed with one that is not among them does not verify any more.
    pub(crate) fn adopt(&self, keys: impl IntoIterator<Item = OwnKey>) -> Result<()> {
        let (own, verifying) = Own::new(keys)?;
        let mut current = self.own.write();
        self.issuer.keys.replace(verifying);
        *current = Arc::new(own);
        Ok(())
    }

    /// The issuer's name: `sessile:<workspace>/<product>/<env>`.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer.name
    }

    pub(super) fn as_issuer(&self) -> &Arc<Issuer> {
        &self.issuer
    }

    fn own(&self) -> Arc<Own> {
        self.own.read().clone()
    }

    /// Signs a login token. `claims`: a JSON object with `sub`; what it has besides goes into the token as it is
    /// written. `ttl` in seconds, 1 to 86,400.
    pub(crate) fn issue(&self, claims: &str, ttl: u64, now: Time) -> Result<String> {
        if !(1..=LONGEST_LIFE).contains(&ttl) {
            return Err(fail!(InvalidArgument, "ttl: {ttl} seconds; a login token lives 1 to {LONGEST_LIFE}"));
        }
        if claims.len() > self.token_bytes {
            return Err(limits::exceeded("token", claims.len(), self.token_bytes, "bytes"));
        }
        let claims = Members::read(claims).map_err(unreadable)?;
        check_claims(&claims)?;
        let token = self.sign(LOGIN_TYPE, &self.payload(&claims, ttl, now)?);
        limits::check("token", token.len(), self.token_bytes, "bytes")?;
        Ok(token)
    }

    /// Signs a session token. The same claims give the same text: EdDSA draws no randomness.
    pub(crate) fn issue_session(&self, claims: &SessionClaims<'_>) -> String {
        let issuer = quoted(self.issuer());
        // Tag and id are made of letters that JSON takes as they are.
        let (tag, user, id) = (&claims.id.tag, URL_SAFE_NO_PAD.encode(claims.user), claims.id);
        let mut payload = format!(r#"{{"iss":{issuer},"aud":{issuer},"tag":"{tag}","sub":"{user}","sid":"{id}""#);
        if let Some(end) = claims.session_ends_at {
            payload.push_str(&format!(r#","sxp":{}"#, end.plus_millis(999).secs()));
        }
        let (iat, exp) = (claims.issued_at.secs(), claims.expires_at.secs());
        let jti = URL_SAFE_NO_PAD.encode(claims.token_id);
        payload.push_str(&format!(r#","iat":{iat},"exp":{exp},"jti":"{jti}"}}"#));
        self.sign(SESSION_TYPE, &payload)
    }

    /// The public keys as a JWK set (RFC 7517 §5, RFC 8037 §2), for others to verify our tokens with.
    pub(crate) fn jwks(&self) -> String {
        let keys: Vec<String> = self
            .own()
            .public
            .iter()
            .map(|(kid, x)| {
                let (kid, x) = (quoted(kid), URL_SAFE_NO_PAD.encode(x));
                format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","kid":{kid},"alg":"EdDSA","use":"sig"}}"#)
            })
            .collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    fn payload(&self, claims: &Members<'_>, ttl: u64, now: Time) -> Result<String> {
        let iat = u64::try_from(now.secs())
            .map_err(|_| fail!(InvalidArgument, "the store's clock stands before 1970: tokens have no such times"))?;
        let (issuer, exp, jti) = (quoted(self.issuer()), iat + ttl, random_id()?);
        let mut payload = format!(r#"{{"iss":{issuer},"aud":{issuer}"#);
        for (name, value) in claims.iter() {
            payload.push_str(&format!(",{}:{}", quoted(name), value.get()));
        }
        payload.push_str(&format!(r#","iat":{iat},"exp":{exp},"jti":"{jti}"}}"#));
        Ok(payload)
    }

    fn sign(&self, typ: &str, payload: &str) -> String {
        let own = self.own();
        let header = format!(r#"{{"alg":"EdDSA","typ":"{typ}","kid":{}}}"#, quoted(&own.kid));
        let mut token = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        let signature = own.key.sign(token.as_bytes());
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        token
    }
}

fn check_claims(claims: &Members<'_>) -> Result<()> {
    if let Some(name) = RESERVED.into_iter().find(|name| claims.get(name).is_some()) {
        return Err(fail!(InvalidArgument, "claims.{name}: a login token's {name} is not the caller's to set")
            .with("claim", name));
    }
    match claims.get("sub").and_then(string) {
        Some(subject) if is_subject(&subject) => Ok(()),
        _ => Err(fail!(InvalidArgument, "claims.sub: required: 1 to 512 bytes of text without control characters")
            .with("claim", "sub")),
    }
}

fn unreadable(why: Unreadable) -> Error {
    match why {
        Unreadable::NotJson | Unreadable::Duplicate => fail!(InvalidJson, "claims: the text {}", why.as_str()),
        Unreadable::NotObject => fail!(InvalidArgument, "claims: the text {}", why.as_str()),
        Unreadable::TooDeep => {
            fail!(LimitExceeded, "claims: the text {}", why.as_str()).with("limit", MAX_DEPTH as u64)
        }
        Unreadable::TooMany => {
            fail!(LimitExceeded, "claims: the text {}", why.as_str()).with("limit", MAX_MEMBERS as u64)
        }
    }
}

/// 16 bytes of the system's randomness, never of a generator that a fork would copy.
fn random_id() -> Result<String> {
    let mut bytes = [0; 16];
    fill_random(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::error::Code;

    const NOW: Time = Time::from_millis(1_767_225_600_999);

    fn key(kid: &str, primary: bool) -> OwnKey {
        OwnKey { kid: kid.to_owned(), seed: Zeroizing::new([kid.len() as u8; 32]), primary }
    }

    fn signer() -> Signer {
        Signer::new("sessile:a/b/c", [key("a", true), key("bb", false)], &Limits::default()).ok().unwrap()
    }

    fn segment(token: &str, index: usize) -> String {
        String::from_utf8(URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_token_has_our_claims_and_the_callers_text() {
        let claims = r#"{"n":1.0, "sub":"u1","big":123456789012345678901234567890,"o":{"z":1, "a":1e400}}"#;
        let token = signer().issue(claims, 60, NOW).unwrap();
        assert_eq!(segment(&token, 0), r#"{"alg":"EdDSA","typ":"at+jwt","kid":"a"}"#);
        let payload = segment(&token, 1);
        let (led, jti) = payload.split_once(r#","jti":""#).unwrap();
        assert_eq!(
            led,
            concat!(
                r#"{"iss":"sessile:a/b/c","aud":"sessile:a/b/c","n":1.0,"sub":"u1","#,
                r#""big":123456789012345678901234567890,"o":{"z":1, "a":1e400},"iat":1767225600,"exp":1767225660"#
            )
        );
        assert_eq!(jti.strip_suffix("\"}").map(str::len), Some(22));
        assert_ne!(token, signer().issue(claims, 60, NOW).unwrap());
    }

    #[test]
    fn claims_that_are_refused() {
        let deep = format!(r#"{{"sub":"u1","x":{}{}}}"#, "[".repeat(40), "]".repeat(40));
        let cases: &[(&str, Code)] = &[
            ("", Code::InvalidJson),
            ("{", Code::InvalidJson),
            (r#"{"sub":"u1","sub":"u2"}"#, Code::InvalidJson),
            (r#"{"sub":"u1","x":"\ud800"}"#, Code::InvalidJson),
            ("[]", Code::InvalidArgument),
            ("{}", Code::InvalidArgument),
            (r#"{"sub":""}"#, Code::InvalidArgument),
            (r#"{"sub":"a\u0007"}"#, Code::InvalidArgument),
            (r#"{"sub":"u1","\u0069ss":"x"}"#, Code::InvalidArgument),
            (&deep, Code::LimitExceeded),
        ];
        for (claims, code) in cases {
            assert_eq!(signer().issue(claims, 60, NOW).unwrap_err().code(), *code, "{claims}");
        }
        for name in RESERVED {
            let error = signer().issue(&format!(r#"{{"sub":"u1","{name}":null}}"#), 60, NOW).unwrap_err();
            assert_eq!((error.code(), error.details()["claim"].as_str()), (Code::InvalidArgument, Some(name)));
        }
        for ttl in [0, 86_401, u64::MAX] {
            assert_eq!(signer().issue(r#"{"sub":"u1"}"#, ttl, NOW).unwrap_err().code(), Code::InvalidArgument);
        }
        assert!(signer().issue(r#"{"sub":"u1"}"#, 60, Time::from_secs(-1)).is_err());
    }

    #[test]
    fn the_set_has_every_key_and_can_be_admitted() {
        let jwks = signer().jwks();
        let read: Value = serde_json::from_str(&jwks).unwrap();
        let kids: Vec<&str> = read["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids, ["a", "bb"]);
        assert!(KeySet::admit(&jwks).ok().unwrap().1.is_empty());
    }

    #[test]
    fn exactly_one_key_signs_and_names_are_unique() {
        for keys in [
            vec![],
            vec![key("a", false)],
            vec![key("a", true), key("bb", true)],
            vec![key("a", true), key("a", false)],
            vec![key("", true)],
        ] {
            let error = Signer::new("i", keys, &Limits::default()).err().unwrap();
            assert_eq!(error.code(), Code::KeyringInvalid);
        }
    }
}
