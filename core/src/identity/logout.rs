//! A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6): an issuer says that somebody logged out.

use std::sync::Arc;

use super::claims::{self, LOGOUT_EVENT, Span, is_subject, missing};
use super::issuer::{Issuer, outlived};
use super::members::Members;
use super::refusal::claim;
use crate::clock::Time;
use crate::error::Result;

/// Who is logged out, by whom.
pub(crate) struct Logout {
    pub(super) issuer: Arc<Issuer>,
    /// The user, by the claim that the issuer's definition names.
    pub(crate) subject: Option<String>,
    /// The issuer's session (`sid`).
    pub(crate) login: Option<String>,
    /// The token's own id: it is taken once.
    pub(crate) id: String,
    /// When no store would take it any more.
    pub(crate) until: Time,
}

impl Logout {
    /// From the claims of a token whose type and signature are those of a logout token.
    pub(super) fn read(members: &Members<'_>, issuer: &Arc<Issuer>, now: Time) -> Result<Logout> {
        claims::check_audience(members, &issuer.rules.audiences)?;
        let events = members.get("events").ok_or_else(|| missing("events"))?;
        let events = Members::read(events.get()).map_err(|_| claim("events", "type", "not an object"))?;
        let event =
            events.get(LOGOUT_EVENT).ok_or_else(|| claim("events", "value", "the logout event is not there"))?;
        if Members::read(event.get()).is_err() {
            return Err(claim("events", "type", "the logout event is not an object"));
        }
        if members.get("nonce").is_some() {
            return Err(claim("nonce", "value", "a logout token has none"));
        }
        let id = name(members, "jti")?.ok_or_else(|| missing("jti"))?;
        let login = name(members, "sid")?;
        let claim_of_subject = issuer.rules.subject_claim.as_str();
        if claim_of_subject != "sub" {
            name(members, "sub")?;
        }
        let subject = name(members, claim_of_subject)?;
        if subject.is_none() && login.is_none() {
            return Err(claim(claim_of_subject, "missing", "a logout token has it, or sid"));
        }
        let span = Span::read(members, &issuer.rules, now)?;
        match now < issuer.rules.end_of(span.expires_at) {
            true => Ok(Logout { issuer: issuer.clone(), subject, login, id, until: outlived(span.expires_at) }),
            false => Err(claims::expired()),
        }
    }

    /// The issuer, `iss`.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer.name
    }

    /// The realm of its users.
    pub(crate) fn realm(&self) -> &str {
        &self.issuer.realm
    }

    /// When none of the issuer's tokens that were issued until now is good any more.
    pub(crate) fn forgotten_at(&self, now: Time) -> Time {
        self.issuer.outlived(now)
    }
}

fn name(members: &Members<'_>, name: &str) -> Result<Option<String>> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let text = claims::text(value, name)?;
    match is_subject(&text) {
        true => Ok(Some(text)),
        false => Err(claim(name, "value", "not a name: 1 to 512 bytes and no control characters")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::claims::{Profile, Rules};
    use super::super::jwks::KeySet;
    use super::super::keys::Keys;
    use super::*;
    use crate::error::Code;

    const NOW: i64 = 1_767_225_600;

    fn issuer(subject_claim: &str) -> Arc<Issuer> {
        let own = Issuer::own("https://id", KeySet::of(Vec::new()));
        let rules = Rules {
            audiences: vec!["shop".into()],
            subject_claim: subject_claim.into(),
            profile: Profile::Jwt,
            ..own.session_rules()
        };
        Arc::new(Issuer { rules, keys: Keys::fixed(KeySet::of(Vec::new()), Vec::new()), ..own })
    }

    /// The good claims with one replaced, or left out by null.
    fn read(name: &str, value: Value) -> Result<Logout> {
        let mut claims = json!({
            "aud": "shop", "sub": "u1", "sid": "s1", "jti": "j1", "iat": NOW, "exp": NOW + 120,
            "events": {LOGOUT_EVENT: {}},
        });
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
        };
        Logout::read(&Members::read(&claims.to_string()).unwrap(), &issuer("sub"), Time::from_secs(NOW))
    }

    #[test]
    fn a_logout_token_names_a_user_or_a_session_or_both() {
        let logout = read("nothing", json!(1)).ok().unwrap();
        assert_eq!((logout.subject.as_deref(), logout.login.as_deref()), (Some("u1"), Some("s1")));
        assert_eq!(read("sid", Value::Null).ok().unwrap().login, None);
        assert_eq!(read("sub", Value::Null).ok().unwrap().subject, None);
    }

    #[test]
    fn what_is_none_is_refused() {
        let cases = [
            ("aud", json!("other")),
            ("aud", Value::Null),
            ("events", Value::Null),
            ("events", json!({})),
            ("events", json!([LOGOUT_EVENT])),
            ("events", json!({LOGOUT_EVENT: true})),
            ("events", json!({"https://other": {}})),
            ("nonce", json!("n")),
            ("nonce", json!(false)),
            ("jti", Value::Null),
            ("jti", json!("")),
            ("jti", json!(1)),
            ("sid", json!("")),
            ("sid", json!(1)),
            ("sub", json!(["u1"])),
            ("iat", Value::Null),
            ("exp", Value::Null),
            ("exp", json!(NOW - 1)),
        ];
        for (name, value) in cases {
            let error = read(name, value.clone()).err().unwrap_or_else(|| panic!("{name} {value}"));
            assert_eq!((error.code(), error.details()["claim"].as_str()), (Code::TokenClaims, Some(name)), "{value}");
        }
        assert_eq!(read("iat", json!(NOW + 60)).err().unwrap().code(), Code::TokenNotYet);
    }

    #[test]
    fn another_claim_may_name_the_user() {
        let claims =
            json!({"aud": "shop", "sub": "7", "jti": "j", "iat": NOW, "exp": NOW + 60, "events": {LOGOUT_EVENT: {}}});
        let read = |claims: &Value| {
            Logout::read(&Members::read(&claims.to_string()).unwrap(), &issuer("email"), Time::from_secs(NOW))
        };
        assert_eq!(read(&claims).err().unwrap().details()["claim"], "email");
        let mut with_email = claims;
        with_email["email"] = json!("a@b.c");
        assert_eq!(read(&with_email).ok().unwrap().subject.as_deref(), Some("a@b.c"));
    }
}
