//! The claims of a token whose signature has verified: required ones present, typed, ours, and in time.
//!
//! What stays wrong however often it is tried (`TOKEN_CLAIMS`) is looked for before what time mends or made
//! (`TOKEN_EXPIRED`, `TOKEN_NOT_YET`).

use serde_json::value::RawValue;

use super::confirmation::Confirmation;
use super::members::{Members, string, strings};
use super::refusal::claim;
use crate::clock::Time;
use crate::error::{Code, Error, Result};

/// A subject is a name, not a document.
const SUBJECT_BYTES: usize = 512;

/// The last instant that a JSON number holds exactly; far beyond any token, and safe to count in milliseconds.
const LAST_SECOND: u64 = 1 << 53;

/// What an issuer's definition asks of the claims.
pub(super) struct Rules {
    /// One of these must be in `aud`.
    pub(super) audiences: Vec<String>,
    /// The claim that names the user.
    pub(super) subject_claim: String,
    /// How far two clocks may differ, in seconds.
    pub(super) leeway: u32,
    /// Whether `exp` is without that leeway: where we told the caller when the token ends, it ends then.
    pub(super) exact_end: bool,
    /// The longest life, `exp` − `iat`, in seconds; `None`: as long as its issuer likes.
    pub(super) max_life: Option<u32>,
    /// What its tokens have to be.
    pub(super) profile: Profile,
}

/// What an issuer's tokens have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Profile {
    /// A JWT (RFC 7519) with what every token needs here.
    #[default]
    Jwt,
    /// A JWT access token (RFC 9068 §2.2): it says so, and has `sub`, `client_id` and `jti` as well.
    Rfc9068,
}

impl Rules {
    /// When a token with that `exp` is not taken any more.
    pub(super) fn end_of(&self, exp: Time) -> Time {
        exp.plus_millis(if self.exact_end { 0 } else { i64::from(self.leeway) * 1000 })
    }
}

/// The claims that are kept, in as little memory as they need: thousands of tokens are known at a time.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) subject: Box<str>,
    pub(super) issued_at: Time,
    pub(super) expires_at: Time,
    pub(super) id: Option<Box<str>>,
    /// Before that it is not good: the later of `nbf` and `iat`, less the leeway.
    pub(super) starts_at: Time,
    /// The key that the token is bound to (`cnf`).
    pub(super) confirmation: Option<Box<Confirmation>>,
    /// How the user was authenticated (`acr`), if the issuer says so in a string.
    pub(super) acr: Option<Box<str>>,
    /// When the user was authenticated (`auth_time`), if the issuer says so.
    pub(super) auth_time: Option<Time>,
    /// The issuer's own session (`sid`), if it names one: what a logout token may end.
    pub(super) login: Option<Box<str>>,
}

/// `iss`, which picks the issuer and therefore is read before anything is verified.
pub(super) fn issuer(members: &Members<'_>) -> Result<String> {
    required_text(members, "iss")
}

impl Claims {
    /// Reads and checks all claims but `iss`, and but whether `exp` is past: time goes on, so that is asked at every use.
    pub(super) fn read(members: &Members<'_>, rules: &Rules, now: Time) -> Result<Claims> {
        if is_logout(members) {
            return Err(claim("events", "logout", "a logout token gives access to nothing"));
        }
        let confirmation = members.get("cnf").map(|claim| Confirmation::of_claim(claim).map(Box::new)).transpose()?;
        check_audience(members, &rules.audiences)?;
        let subject = read_subject(members, &rules.subject_claim)?;
        if rules.profile == Profile::Rfc9068 {
            for name in ["sub", "client_id", "jti"] {
                if required_text(members, name)?.is_empty() {
                    return Err(claim(name, "value", "empty"));
                }
            }
        }
        let id = members.get("jti").map(|value| text(value, "jti")).transpose()?;
        let span = Span::read(members, rules, now)?;
        let said = |name| members.get(name).and_then(string).map(String::into_boxed_str);
        Ok(Claims {
            subject: subject.into(),
            id: id.map(String::into_boxed_str),
            issued_at: span.issued_at,
            expires_at: span.expires_at,
            starts_at: span.starts_at,
            confirmation,
            acr: said("acr"),
            auth_time: members.get("auth_time").and_then(|value| time(value, "auth_time").ok()),
            login: said("sid"),
        })
    }
}

/// The times of a token, each of its type and in order.
pub(super) struct Span {
    pub(super) issued_at: Time,
    pub(super) expires_at: Time,
    pub(super) starts_at: Time,
}

impl Span {
    /// Reads `exp`, `iat` and `nbf`; whether `exp` is past is not asked.
    pub(super) fn read(members: &Members<'_>, rules: &Rules, now: Time) -> Result<Span> {
        let expires_at = required_time(members, "exp")?;
        let issued_at = required_time(members, "iat")?;
        let not_before = members.get("nbf").map(|value| time(value, "nbf")).transpose()?;

        let life = expires_at.millis() - issued_at.millis();
        if life <= 0 {
            return Err(claim("exp", "life", "the token ends before it was issued"));
        }
        if let Some(most) = rules.max_life.filter(|most| life > i64::from(*most) * 1000) {
            let message = format!("the token lives longer than the {most} seconds its issuer may give");
            return Err(claim("exp", "life", &message));
        }
        let leeway = i64::from(rules.leeway) * 1000;
        for (name, at) in [("nbf", not_before), ("iat", Some(issued_at))] {
            if at.is_some_and(|at| at > now.plus_millis(leeway)) {
                return Err(not_yet(name));
            }
        }
        let starts_at = not_before.map_or(issued_at, |not_before| not_before.max(issued_at)).plus_millis(-leeway);
        Ok(Span { issued_at, expires_at, starts_at })
    }
}

/// The member of `events` that makes a token a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
pub(super) const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Whether the token says that somebody logged out, whatever else it says.
pub(super) fn is_logout(members: &Members<'_>) -> bool {
    let events = members.get("events").and_then(|events| Members::read(events.get()).ok());
    events.is_some_and(|events| events.get(LOGOUT_EVENT).is_some())
}

/// `TOKEN_EXPIRED`.
pub(super) fn expired() -> Error {
    Error::new(Code::TokenExpired, "the token has expired: get a fresh one from its issuer")
        .with("reason", "expired")
        .with("claim", "exp")
}

fn not_yet(name: &str) -> Error {
    Error::new(Code::TokenNotYet, format!("claim {name}: the token is not valid yet; compare the two clocks"))
        .with("reason", "not_yet")
        .with("claim", name)
}

/// Whether a subject can name a user: some text, 512 bytes at most, no control characters (it ends up in logs and
/// audit trails).
pub(super) fn is_subject(text: &str) -> bool {
    !text.is_empty() && text.len() <= SUBJECT_BYTES && !text.chars().any(char::is_control)
}

fn read_subject(members: &Members<'_>, name: &str) -> Result<String> {
    // Where another claim names the user, a `sub` is still typed (RFC 7519 §4.1.2).
    if let Some(value) = members.get("sub") {
        text(value, "sub")?;
    }
    let subject = required_text(members, name)?;
    match is_subject(&subject) {
        true => Ok(subject),
        false => Err(claim(name, "value", "a subject has 1 to 512 bytes and no control characters")),
    }
}

/// `aud` is a string or an array of strings (RFC 7519 §4.1.3), compared exactly.
pub(super) fn check_audience(members: &Members<'_>, allowed: &[String]) -> Result<()> {
    let value = members.get("aud").ok_or_else(|| missing("aud"))?;
    let given = match string(value) {
        Some(one) => vec![one],
        None => strings(value).ok_or_else(|| claim("aud", "type", "not a string or an array of strings"))?,
    };
    if given.is_empty() || given.iter().any(String::is_empty) {
        return Err(claim("aud", "value", "an audience is empty"));
    }
    match given.iter().any(|audience| allowed.contains(audience)) {
        true => Ok(()),
        false => Err(claim("aud", "audience", "the token is meant for others: none of the issuer's `audiences`")),
    }
}

pub(super) fn missing(name: &str) -> Error {
    claim(name, "missing", "required, and not there")
}

pub(super) fn required_text(members: &Members<'_>, name: &str) -> Result<String> {
    text(members.get(name).ok_or_else(|| missing(name))?, name)
}

pub(super) fn text(value: &RawValue, name: &str) -> Result<String> {
    string(value).ok_or_else(|| claim(name, "type", "not a string"))
}

fn required_time(members: &Members<'_>, name: &str) -> Result<Time> {
    time(members.get(name).ok_or_else(|| missing(name))?, name)
}

/// A NumericDate (RFC 7519 §2): seconds, a fraction allowed. Read from its digits, so that no rounding hides a huge one.
pub(super) fn time(value: &RawValue, name: &str) -> Result<Time> {
    let digits = value.get();
    if !digits.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(claim(name, "type", "not a number"));
    }
    if let Ok(whole) = digits.parse::<u64>()
        && let Ok(secs) = i64::try_from(whole)
        && whole <= LAST_SECOND
    {
        return Ok(Time::from_secs(secs));
    }
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.parse::<f64>() {
        Ok(secs) if !is_whole && !digits.starts_with('-') && secs <= LAST_SECOND as f64 => {
            Ok(Time::from_millis((secs * 1000.0).floor() as i64))
        }
        _ => Err(claim(name, "value", "not a time between 1970 and 2^53 seconds later")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600;

    fn rules() -> Rules {
        Rules {
            audiences: vec!["shop".into(), "api".into()],
            subject_claim: "sub".into(),
            leeway: 30,
            exact_end: false,
            max_life: Some(86_400),
            profile: Profile::Jwt,
        }
    }

    /// The good claims with some members replaced; an empty value leaves one out.
    fn with(changes: &[(&str, &str)]) -> String {
        let good = [
            ("aud", "\"shop\"".to_owned()),
            ("sub", "\"u1\"".to_owned()),
            ("iat", NOW.to_string()),
            ("exp", (NOW + 60).to_string()),
        ];
        let mut members: Vec<(&str, String)> = good.into_iter().collect();
        for (name, value) in changes {
            members.retain(|(known, _)| known != name);
            if !value.is_empty() {
                members.push((name, (*value).to_owned()));
            }
        }
        let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    fn read(changes: &[(&str, &str)], rules: &Rules) -> Result<Claims> {
        Claims::read(&Members::read(&with(changes)).unwrap(), rules, Time::from_secs(NOW))
    }

    #[test]
    fn each_claim_has_its_type() {
        let long = format!("\"{}\"", "a".repeat(512));
        let too_long = format!("\"{}\"", "a".repeat(513));
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("aud", "", Some("missing")),
            ("aud", "null", Some("type")),
            ("aud", "1", Some("type")),
            ("aud", "{}", Some("type")),
            ("aud", "\"\"", Some("value")),
            ("aud", "[]", Some("value")),
            ("aud", "[\"shop\",\"\"]", Some("value")),
            ("aud", "[\"shop\",1]", Some("type")),
            ("aud", "[[\"shop\"]]", Some("type")),
            ("aud", "\"Shop\"", Some("audience")),
            ("aud", "\"shop \"", Some("audience")),
            ("aud", "\"shop/\"", Some("audience")),
            ("aud", "[\"other\"]", Some("audience")),
            ("aud", "[\"other\",\"api\"]", None),
            ("sub", "", Some("missing")),
            ("sub", "null", Some("type")),
            ("sub", "1", Some("type")),
            ("sub", "[\"u1\"]", Some("type")),
            ("sub", "\"\"", Some("value")),
            ("sub", "\"a\\u0000b\"", Some("value")),
            ("sub", "\"a\\nb\"", Some("value")),
            ("sub", "\"a\\u0085b\"", Some("value")),
            ("sub", &too_long, Some("value")),
            ("sub", &long, None),
            ("sub", "\"Zoë 🦀\"", None),
            ("jti", "1", Some("type")),
            ("jti", "null", Some("type")),
            ("jti", "\"x\"", None),
            ("cnf", "{\"jkt\":\"x\"}", Some("cnf")),
            ("cnf", "null", Some("cnf")),
            ("exp", "", Some("missing")),
            ("iat", "", Some("missing")),
            ("nbf", "null", Some("type")),
            ("nbf", "-1", Some("value")),
        ];
        for (name, value, expected) in cases {
            let reason = match read(&[(name, value)], &rules()) {
                Ok(_) => None,
                Err(error) => {
                    assert_eq!(error.code(), Code::TokenClaims, "{name} {value}");
                    assert_eq!(error.details()["claim"], *name);
                    error.details()["reason"].as_str().map(str::to_owned)
                }
            };
            assert_eq!(reason.as_deref(), *expected, "{name} {value}");
        }
    }

    #[test]
    fn times_are_numbers_within_reach() {
        for name in ["exp", "iat", "nbf"] {
            for bad in [
                "null",
                "true",
                "\"1767225660\"",
                "[]",
                "{}",
                "-1",
                "-0",
                "-0.0",
                "1e400",
                "-1e400",
                "1e16",
                "9007199254740993",
                "99999999999999999999",
            ] {
                let error = read(&[(name, bad)], &rules()).unwrap_err();
                assert_eq!(
                    (error.code(), error.details()["claim"].as_str()),
                    (Code::TokenClaims, Some(name)),
                    "{name} {bad}"
                );
            }
        }
        let claims = read(&[("exp", "1767225660.9999"), ("iat", "1.7672256e9")], &rules()).unwrap();
        assert_eq!(claims.expires_at, Time::from_millis((NOW + 60) * 1000 + 999));
        assert_eq!(claims.issued_at, Time::from_secs(NOW));
    }

    #[test]
    fn times_are_compared_with_leeway() {
        let cases: &[(i64, i64, Option<i64>, Option<Code>)] = &[
            (0, 60, None, None),
            (0, 60, Some(0), None),
            (-60, -29, None, None),
            (-60, -30, None, Some(Code::TokenExpired)),
            (-86_401, -1, None, None),
            (-86_402, -1, None, Some(Code::TokenClaims)),
            (30, 60, None, None),
            (31, 60, None, Some(Code::TokenNotYet)),
            (0, 60, Some(30), None),
            (0, 60, Some(31), Some(Code::TokenNotYet)),
            (0, 86_400, None, None),
            (0, 86_401, None, Some(Code::TokenClaims)),
            (0, 0, None, Some(Code::TokenClaims)),
            (10, 5, None, Some(Code::TokenClaims)),
        ];
        for (iat, exp, nbf, expected) in cases {
            let nbf = nbf.map_or(String::new(), |nbf| (NOW + nbf).to_string());
            let changes = [("iat", (NOW + iat).to_string()), ("exp", (NOW + exp).to_string()), ("nbf", nbf)];
            let changes: Vec<(&str, &str)> = changes.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let result = read(&changes, &rules()).and_then(|claims| {
                let ends_at = rules().end_of(claims.expires_at);
                if Time::from_secs(NOW) < ends_at { Ok(()) } else { Err(expired()) }
            });
            assert_eq!(result.err().map(|error| error.code()), *expected, "iat {iat} exp {exp}");
        }
    }

    #[test]
    fn another_claim_can_name_the_user() {
        let rules = Rules { subject_claim: "email".into(), ..rules() };
        assert_eq!(&*read(&[("email", "\"a@b.c\"")], &rules).unwrap().subject, "a@b.c");
        assert_eq!(&*read(&[("email", "\"a@b.c\""), ("sub", "")], &rules).unwrap().subject, "a@b.c");
        assert_eq!(read(&[], &rules).unwrap_err().details()["claim"], "email");
        assert_eq!(read(&[("email", "\"a@b.c\""), ("sub", "7")], &rules).unwrap_err().details()["claim"], "sub");
    }
}
