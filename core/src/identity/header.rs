//! The header of a token: which algorithm, which key, what kind of token. Everything that could bring a key along, hide
//! the payload or change what is signed is refused by its name alone.

use jsonwebtoken::Algorithm;

use super::algorithm;
use super::claims::Profile;
use super::members::{Members, string};
use super::refusal::{claim, malformed, untrusted};
use crate::error::Result;

/// Keys come from the issuer's definition, never from the token (`jwk jku x5u x5c`: RFC 8725 §3.10); no extension is
/// understood (`crit`, and `b64` of RFC 7797); what is signed is the claims themselves (`zip enc cty`).
const REFUSED: [&str; 9] = ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "cty"];

/// `typ` of the tokens that the store's own issuer signs.
pub(super) const LOGIN_TYPE: &str = "at+jwt";
pub(super) const SESSION_TYPE: &str = "sessile-session+jwt";

/// The kinds of tokens that the store's own issuer signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnKind {
    Login,
    Session,
}

/// What a header says that we use.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    typ: Option<String>,
}

impl Header {
    /// Reads a header's JSON text.
    pub(super) fn read(text: &str) -> Result<Header> {
        let members =
            Members::read(text).map_err(|why| malformed("header", &format!("the token's header {}", why.as_str())))?;
        if let Some(name) = REFUSED.into_iter().find(|name| members.get(name).is_some()) {
            let message = format!("the token's header has {name}: tokens with it are never accepted");
            return Err(malformed("header", &message).with("member", name));
        }
        let Some(name) = text_of(&members, "alg")? else {
            return Err(malformed("header", "the token's header has no alg").with("member", "alg"));
        };
        let Some(algorithm) = algorithm::named(&name) else {
            return Err(untrusted("algorithm", "the token's alg is none of those that a store accepts"));
        };
        Ok(Header { algorithm, kid: text_of(&members, "kid")?, typ: text_of(&members, "typ")? })
    }

    /// A foreign token says that it is a JWT or an access token (RFC 9068 §2.1), or nothing. Media types have no case,
    /// and `application/` may be left out (RFC 7515 §4.1.9). Under the profile of RFC 9068 only the access token will do.
    pub(super) fn check_foreign_type(&self, profile: Profile) -> Result<()> {
        match (self.media_type().as_deref(), profile) {
            (Some("at+jwt"), _) | (Some("jwt") | None, Profile::Jwt) => Ok(()),
            (_, Profile::Jwt) => Err(claim("typ", "typ", "a token of this issuer is a JWT or an at+jwt")),
            (_, Profile::Rfc9068) => Err(claim("typ", "typ", "a token of this issuer is an at+jwt")),
        }
    }

    /// A logout token says so (OpenID Connect Back-Channel Logout 1.0 §2.4): nothing else may pass for one.
    pub(super) fn check_logout_type(&self) -> Result<()> {
        match self.media_type().as_deref() {
            Some("logout+jwt") => Ok(()),
            _ => Err(claim("typ", "typ", "a logout token has the type logout+jwt")),
        }
    }

    fn media_type(&self) -> Option<String> {
        let typ = self.typ.as_ref()?.to_ascii_lowercase();
        Some(typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ))
    }

    /// A token of ours says exactly which kind it is: our issuer signs two, and neither may pass for the other
    /// (RFC 8725 §3.11).
    pub(super) fn own_kind(&self) -> Result<OwnKind> {
        match self.typ.as_deref() {
            Some(LOGIN_TYPE) => Ok(OwnKind::Login),
            Some(SESSION_TYPE) => Ok(OwnKind::Session),
            _ => Err(claim("typ", "typ", "a token of this store has the type at+jwt or sessile-session+jwt")),
        }
    }
}

fn text_of(members: &Members<'_>, name: &str) -> Result<Option<String>> {
    let Some(value) = members.get(name) else { return Ok(None) };
    match string(value) {
        Some(text) => Ok(Some(text)),
        None => {
            let message = format!("the token's header: {name} is not a string");
            Err(malformed("header", &message).with("member", name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn headers() {
        use Code::{TokenMalformed as Malformed, TokenUntrusted as Untrusted};
        let cases: &[(&str, Option<Code>)] = &[
            (r#"{"alg":"ES256"}"#, None),
            (r#"{"alg":"ES256","kid":"k","typ":"JWT","x5t":"AA","nonce":"n","other":{"a":[1]}}"#, None),
            (r#"{"\u0061lg":"ES256"}"#, None),
            (r#"{}"#, Some(Malformed)),
            (r#"[]"#, Some(Malformed)),
            (r#""#, Some(Malformed)),
            (r#"{"alg":null}"#, Some(Malformed)),
            (r#"{"alg":["ES256"]}"#, Some(Malformed)),
            (r#"{"ALG":"ES256"}"#, Some(Malformed)),
            (r#"{"alg":"ES256","alg":"ES256"}"#, Some(Malformed)),
            (r#"{"alg":"ES256","al\u0067":"none"}"#, Some(Malformed)),
            (r#"{"alg":"ES256","x":{"a":1,"a":2}}"#, Some(Malformed)),
            (r#"{"alg":"ES256","kid":1}"#, Some(Malformed)),
            (r#"{"alg":"ES256","kid":null}"#, Some(Malformed)),
            (r#"{"alg":"ES256","typ":{}}"#, Some(Malformed)),
            (r#"{"alg":"none"}"#, Some(Untrusted)),
            (r#"{"alg":"nOnE"}"#, Some(Untrusted)),
            (r#"{"alg":""}"#, Some(Untrusted)),
            (r#"{"alg":"es256"}"#, Some(Untrusted)),
            (r#"{"alg":"RSA-OAEP"}"#, Some(Untrusted)),
        ];
        for (text, expected) in cases {
            assert_eq!(Header::read(text).err().map(|error| error.code()), *expected, "{text}");
        }
    }

    #[test]
    fn refused_members_are_refused_in_any_form() {
        for name in REFUSED {
            for value in ["null", "false", "true", "\"\"", "[]", "{}", "0"] {
                let error = Header::read(&format!(r#"{{"alg":"ES256","{name}":{value}}}"#)).err().unwrap();
                assert_eq!((error.code(), error.details()["member"].as_str()), (Code::TokenMalformed, Some(name)));
            }
        }
        assert!(Header::read(r#"{"alg":"ES256","cri\u0074":[]}"#).is_err());
    }

    #[test]
    fn types() {
        let cases: &[(&str, bool, Option<OwnKind>)] = &[
            (r#""at+jwt""#, true, Some(OwnKind::Login)),
            (r#""AT+JWT""#, true, None),
            (r#""application/at+jwt""#, true, None),
            (r#""JWT""#, true, None),
            (r#""jwt""#, true, None),
            (r#""Application/JWT""#, true, None),
            (r#""""#, false, None),
            (r#""at+jwt ""#, false, None),
            (r#""sessile-session+jwt""#, false, Some(OwnKind::Session)),
            (r#""dpop+jwt""#, false, None),
            (r#""logout+jwt""#, false, None),
            (r#""JOSE""#, false, None),
        ];
        for (typ, foreign, own) in cases {
            let header = Header::read(&format!(r#"{{"alg":"ES256","typ":{typ}}}"#)).ok().unwrap();
            let is_foreign = header.check_foreign_type(Profile::Jwt).is_ok();
            assert_eq!((is_foreign, header.own_kind().ok()), (*foreign, *own), "{typ}");
            let is_access = header.check_foreign_type(Profile::Rfc9068).is_ok();
            assert_eq!(is_access, typ.to_ascii_lowercase().contains("at+jwt\""), "{typ}");
            assert_eq!(header.check_logout_type().is_ok(), *typ == "\"logout+jwt\"", "{typ}");
        }
        let untyped = Header::read(r#"{"alg":"ES256"}"#).ok().unwrap();
        assert!(untyped.check_foreign_type(Profile::Jwt).is_ok() && untyped.check_logout_type().is_err());
        assert!(untyped.check_foreign_type(Profile::Rfc9068).is_err());
        assert_eq!(untyped.own_kind().unwrap_err().details()["reason"], "typ");
    }
}
