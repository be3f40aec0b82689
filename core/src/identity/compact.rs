//! The compact form taken apart: `header.payload.signature`, three segments of base64url (RFC 7515 §7.1).
//!
//! There is one text for each token: padding, stray bits, white space and the standard alphabet are refused, so a token
//! can be compared, counted and cached by its text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::refusal::malformed;
use crate::config::tag::is_tag;
use crate::error::Result;
use crate::limits;

const BEARER: &str = "bearer ";
const TAG_BYTES: usize = 64;

/// A token's parts, decoded; nothing in it is believed yet.
pub(super) struct Compact<'a> {
    /// The header's text.
    pub(super) header: String,
    /// The payload's text.
    pub(super) payload: String,
    /// What the signature is about: the first two segments as they were given.
    pub(super) signed: &'a [u8],
    /// The signature's bytes.
    pub(super) signature: Vec<u8>,
}

impl<'a> Compact<'a> {
    /// Reads `Bearer <tag>:<token>`, both prefixes optional; the token itself has at most `limit` bytes.
    pub(super) fn read(given: &'a str, limit: usize) -> Result<Compact<'a>> {
        // Before anything looks at the text as a whole: what is too long costs nothing.
        if given.len() > limit.saturating_add(BEARER.len() + TAG_BYTES + 1) {
            return Err(limits::exceeded("token", given.len(), limit, "bytes").with("reason", "length"));
        }
        let token = without_tag(strip_bearer(given))?;
        if token.len() > limit {
            return Err(limits::exceeded("token", token.len(), limit, "bytes").with("reason", "length"));
        }
        if token.is_empty() {
            return Err(malformed("empty", "the token is empty: give the text that the issuer signed"));
        }
        let [header, payload, signature] = segments(token)?;
        Ok(Compact {
            header: text(header, "header")?,
            payload: text(payload, "payload")?,
            signed: &token.as_bytes()[..header.len() + 1 + payload.len()],
            signature: decode(signature, "signature")?,
        })
    }
}

/// RFC 6750 §2.1 with the scheme's case ignored (RFC 9110 §11.1) and exactly one space.
fn strip_bearer(given: &str) -> &str {
    match given.get(..BEARER.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(BEARER) => &given[BEARER.len()..],
        _ => given,
    }
}

/// What follows the `<tag>:`, if there is one. A token has no colon of its own, so the first one ends a tag.
fn without_tag(text: &str) -> Result<&str> {
    match text.split_once(':') {
        None => Ok(text),
        Some((tag, token)) if is_tag(tag) => Ok(token),
        Some(_) => Err(malformed("tag", "what leads the token is not a session configuration's tag: <tag>:<token>")),
    }
}

fn segments(token: &str) -> Result<[&str; 3]> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok([header, payload, signature]),
        _ => Err(malformed("segments", "the token does not have three segments: header.payload.signature")),
    }
}

fn decode(segment: &str, which: &str) -> Result<Vec<u8>> {
    if segment.is_empty() {
        return Err(malformed("segments", &format!("the token's {which} is empty")));
    }
    match URL_SAFE_NO_PAD.decode(segment) {
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(malformed("base64", &format!("the token's {which} is not canonical base64url without padding"))),
    }
}

fn text(segment: &str, which: &str) -> Result<String> {
    String::from_utf8(decode(segment, which)?)
        .map_err(|_| malformed("utf8", &format!("the token's {which} is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn reason(given: &str) -> String {
        match Compact::read(given, 64) {
            Ok(_) => "read".to_owned(),
            Err(error) => {
                let expected =
                    if error.details()["reason"] == "length" { Code::LimitExceeded } else { Code::TokenMalformed };
                assert_eq!(error.code(), expected, "{given}");
                error.details()["reason"].as_str().unwrap().to_owned()
            }
        }
    }

    #[test]
    fn shapes() {
        let cases: &[(&str, &str)] = &[
            ("e30.e30.AA", "read"),
            ("Bearer e30.e30.AA", "read"),
            ("bEARER e30.e30.AA", "read"),
            ("cart:e30.e30.AA", "read"),
            ("Bearer user_session.v2-x:e30.e30.AA", "read"),
            ("", "empty"),
            ("Bearer ", "empty"),
            ("cart:", "empty"),
            ("Bearer", "segments"),
            ("Basic e30.e30.AA", "base64"),
            ("Bearer  e30.e30.AA", "base64"),
            ("Bearer\te30.e30.AA", "base64"),
            (" e30.e30.AA", "base64"),
            ("e30.e30.AA ", "base64"),
            ("e30.e30.AA\n", "base64"),
            ("Bearer Bearer e30.e30.AA", "base64"),
            ("cart:Bearer e30.e30.AA", "base64"),
            (":e30.e30.AA", "tag"),
            ("Cart:e30.e30.AA", "tag"),
            ("_cart:e30.e30.AA", "tag"),
            ("a b:e30.e30.AA", "tag"),
            ("cart:cart:e30.e30.AA", "base64"),
            ("e30.e30:AA", "segments"),
            ("e30", "segments"),
            ("e30.e30", "segments"),
            ("e30.e30.AA.", "segments"),
            ("e30.e30.AA.AA.AA", "segments"),
            ("...", "segments"),
            ("..", "segments"),
            (".e30.AA", "segments"),
            ("e30..AA", "segments"),
            ("e30.e30.", "segments"),
            ("e30=.e30.AA", "base64"),
            ("e30.e30.AA==", "base64"),
            ("e30.e30.AB", "base64"),
            ("e31.e30.AA", "base64"),
            ("e30.e30.A", "base64"),
            ("e30.e30.A+", "base64"),
            ("e30.e30./w", "base64"),
            ("e3 0.e30.AA", "base64"),
            ("e30.e30.A\u{0}", "base64"),
            ("e30.\u{e9}30.AA", "base64"),
            ("_w.e30.AA", "utf8"),
            ("e30._w.AA", "utf8"),
        ];
        for (given, expected) in cases {
            assert_eq!(reason(given), *expected, "{given:?}");
        }
    }

    #[test]
    fn the_parts_are_what_was_given() {
        let parts = Compact::read("Bearer cart:e30.eyJhIjoxfQ.AAE", 64).unwrap();
        assert_eq!((parts.header.as_str(), parts.payload.as_str()), ("{}", "{\"a\":1}"));
        assert_eq!((parts.signed, parts.signature.as_slice()), (&b"e30.eyJhIjoxfQ"[..], &[0u8, 1][..]));
    }

    #[test]
    fn the_limit_is_the_tokens_own() {
        let exact = format!("e30.e30.{}", "A".repeat(56));
        assert_eq!(exact.len(), 64);
        assert_eq!(reason(&exact), "read");
        assert_eq!(reason(&format!("Bearer {}:{exact}", "t".repeat(64))), "read");
        assert_eq!(reason(&format!("{exact}AAAA")), "length");
        assert_eq!(reason(&format!("Bearer {}:{exact}", "t".repeat(65))), "length");
        assert_eq!(reason(&format!("{}:{exact}", "t".repeat(65))), "tag");
    }

    #[test]
    fn forty_megabytes_of_dots_are_refused_by_their_length() {
        let dots = ".".repeat(40 << 20);
        let began = std::time::Instant::now();
        assert_eq!(reason(&dots), "length");
        assert!(began.elapsed().as_millis() < 50);
    }
}
