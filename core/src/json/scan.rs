//! The scanner: what is JSON and what is not (RFC 8259, strictly), in one pass over the bytes.
//!
//! It builds nothing. Nesting is a stack of bits, not of calls, so the depth limit may be set to any number without
//! risking the thread's stack. An error gives the byte offset and what was expected there, never what was found: that
//! could be a value.

use std::ops::Range;

use crate::error::{Error, Result, fail};
use crate::limits;

use super::kind::Kind;

/// The one value in `text`, without the white space around it.
pub(super) fn one_value(text: &str, depth: usize) -> Result<&str> {
    let mut scan = Scanner::new(text, depth);
    let range = scan.value()?;
    scan.end()?;
    Ok(&text[range])
}

/// A place in a text, and the containers that are open there.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    open: Nesting,
    limit: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of `text`; containers may nest `limit` deep.
    pub(super) fn new(text: &'a str, limit: usize) -> Scanner<'a> {
        Scanner { text, at: 0, open: Nesting::default(), limit }
    }

    /// The byte offset.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text that is scanned.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The next byte, if there is one.
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes one byte that was peeked at.
    #[inline]
    pub(super) fn pass(&mut self) {
        self.at += 1;
    }

    /// Passes white space.
    #[inline]
    pub(super) fn space(&mut self) {
        self.at = past_space(self.text.as_bytes(), self.at);
    }

    /// Passes the opening bracket of a container, one level down.
    pub(super) fn enter(&mut self, kind: Kind) -> Result<()> {
        self.deeper(kind, self.at)?;
        self.at += 1;
        Ok(())
    }

    /// Passes the closing bracket of the innermost container.
    pub(super) fn leave(&mut self) {
        self.open.pop();
        self.at += 1;
    }

    /// Passes one whole value and the white space before it; where the value is.
    ///
    /// The place is a local number until the value has ended: most of a step's time goes by here.
    pub(super) fn value(&mut self) -> Result<Range<usize>> {
        let bytes = self.text.as_bytes();
        let start = past_space(bytes, self.at);
        let floor = self.open.depth;
        let mut at = start;
        loop {
            at = match bytes.get(at) {
                Some(b'"') => self.passed(string(bytes, at))?.0,
                Some(b'-' | b'0'..=b'9') => self.passed(number(bytes, at))?,
                Some(b'{') => {
                    self.deeper(Kind::Object, at)?;
                    at = past_space(bytes, at + 1);
                    if bytes.get(at) != Some(&b'}') {
                        at = past_space(bytes, self.passed(name(bytes, at))?.value);
                        continue;
                    }
                    self.open.pop();
                    at + 1
                }
                Some(b'[') => {
                    self.deeper(Kind::Array, at)?;
                    at = past_space(bytes, at + 1);
                    if bytes.get(at) != Some(&b']') {
                        continue;
                    }
                    self.open.pop();
                    at + 1
                }
                Some(b't') => self.passed(word(bytes, at, b"true"))?,
                Some(b'f') => self.passed(word(bytes, at, b"false"))?,
                Some(b'n') => self.passed(word(bytes, at, b"null"))?,
                _ => return Err(self.refused(Expected { at, what: "a value" })),
            };
            // A value has ended: so may the containers around it.
            loop {
                if self.open.depth == floor {
                    self.at = at;
                    return Ok(start..at);
                }
                at = past_space(bytes, at);
                let in_object = self.open.in_object();
                match (bytes.get(at), in_object) {
                    (Some(b','), true) => {
                        at = past_space(bytes, at + 1);
                        at = past_space(bytes, self.passed(name(bytes, at))?.value);
                        break;
                    }
                    (Some(b','), false) => {
                        at = past_space(bytes, at + 1);
                        break;
                    }
                    (Some(b'}'), true) | (Some(b']'), false) => {
                        self.open.pop();
                        at += 1;
                    }
                    _ => {
                        let what = if in_object { "',' or '}'" } else { "',' or ']'" };
                        return Err(self.refused(Expected { at, what }));
                    }
                }
            }
        }
    }

    /// Passes a member's name and the colon; where the name ended and whether it has escapes.
    #[inline]
    pub(super) fn name(&mut self) -> Result<(usize, bool)> {
        let MemberName { end, escaped, value } = self.passed(name(self.text.as_bytes(), self.at))?;
        self.at = value;
        Ok((end, escaped))
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<()> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.expected("the end, after one whole value")) }
    }

    #[inline]
    fn deeper(&mut self, kind: Kind, at: usize) -> Result<()> {
        if self.open.depth >= self.limit {
            self.at = at;
            return Err(self.too_deep());
        }
        self.open.push(kind == Kind::Object);
        Ok(())
    }

    #[inline]
    fn passed<T>(&mut self, passed: Passed<T>) -> Result<T> {
        passed.map_err(|expected| self.refused(expected))
    }

    #[cold]
    fn refused(&mut self, expected: Expected) -> Error {
        self.at = expected.at;
        self.expected(expected.what)
    }

    /// `INVALID_JSON` here.
    #[cold]
    pub(super) fn expected(&self, what: &str) -> Error {
        if self.at == 0 && self.text.starts_with('\u{feff}') {
            return fail!(InvalidJson, "not JSON: the text starts with a byte order mark; leave it out")
                .with("offset", 0);
        }
        let found = if self.at == self.text.len() { ", where the text ends" } else { "" };
        fail!(InvalidJson, "not JSON: at byte {}{found}, expected {what}", self.at).with("offset", self.at as u64)
    }

    #[cold]
    fn too_deep(&self) -> Error {
        limits::exceeded("JSON depth", self.open.depth + 1, self.limit, "levels").with("offset", self.at as u64)
    }
}

/// What was passed, or where it turned out to be something else.
type Passed<T> = std::result::Result<T, Expected>;

/// What should have stood there.
struct Expected {
    at: usize,
    what: &'static str,
}

/// A member's name and the colon after it.
struct MemberName {
    /// Where the name's closing quote was passed.
    end: usize,
    escaped: bool,
    /// Where the colon was passed.
    value: usize,
}

#[inline]
fn past_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

#[inline]
fn name(bytes: &[u8], at: usize) -> Passed<MemberName> {
    if bytes.get(at) != Some(&b'"') {
        return Err(Expected { at, what: "a member name in double quotes" });
    }
    let (end, escaped) = string(bytes, at)?;
    let colon = past_space(bytes, end);
    match bytes.get(colon) {
        Some(b':') => Ok(MemberName { end, escaped, value: colon + 1 }),
        _ => Err(Expected { at: colon, what: "':' after a member name" }),
    }
}

/// The end of a string, and whether it has escapes.
#[inline]
fn string(bytes: &[u8], at: usize) -> Passed<(usize, bool)> {
    let end = plain_end(bytes, at + 1);
    if bytes.get(end) == Some(&b'"') { Ok((end + 1, false)) } else { Ok((escaped_string(bytes, end)?, true)) }
}

/// The end of a string that does not go on plainly.
#[inline(never)]
fn escaped_string(bytes: &[u8], mut at: usize) -> Passed<usize> {
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at = plain_end(bytes, escape(bytes, at)?),
            Some(_) => {
                return Err(Expected { at, what: "an escape such as \\n, for a bare control character in a string" });
            }
            None => return Err(Expected { at, what: "the closing '\"' of a string" }),
        }
    }
}

/// The end of an escape. Half of a surrogate pair is a valid escape here: it matters only where text is needed.
fn escape(bytes: &[u8], at: usize) -> Passed<usize> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => match bytes.get(at + 2..at + 6) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 6),
            _ => Err(Expected { at, what: "four hexadecimal digits in the \\u escape" }),
        },
        _ => Err(Expected { at, what: "one of JSON's escapes (\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u)" }),
    }
}

#[inline]
fn number(bytes: &[u8], mut at: usize) -> Passed<usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Ok(at)
}

/// The end of one digit or more.
#[inline]
fn digits(bytes: &[u8], start: usize) -> Passed<usize> {
    let mut at = start;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at > start { Ok(at) } else { Err(Expected { at, what: "a digit" }) }
}

#[inline]
fn word(bytes: &[u8], at: usize, word: &'static [u8]) -> Passed<usize> {
    match bytes[at..].starts_with(word) {
        true => Ok(at + word.len()),
        false => Err(Expected { at, what: "true, false or null" }),
    }
}

/// Which containers are open: one bit each, innermost lowest. The first 64 levels need no memory.
#[derive(Default)]
struct Nesting {
    depth: usize,
    bits: u64,
    outer: Vec<u64>,
}

impl Nesting {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth.is_multiple_of(64) && self.depth > 0 {
            self.bits = self.outer.pop().unwrap_or_default();
        }
    }

    #[inline]
    fn in_object(&self) -> bool {
        self.bits & 1 == 1
    }
}

/// The offset of the first byte from `at` on that may not stand for itself in a string: a quote, a backslash, a control
/// character; or the end. Eight bytes a turn: the first hit in a word is exact, borrows only disturb bytes above it.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
    const SLASHES: u64 = u64::from_ne_bytes([b'\\'; 8]);
    const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(SPACES) & !word;
        let quote = (word ^ QUOTES).wrapping_sub(ONES) & !(word ^ QUOTES);
        let slash = (word ^ SLASHES).wrapping_sub(ONES) & !(word ^ SLASHES);
        let hit = (control | quote | slash) & HIGH;
        if hit != 0 {
            return at + hit.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while at < bytes.len() && !matches!(bytes[at], b'"' | b'\\' | 0..b' ') {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn what_is_json() {
        let cases = r#"0 -0 -0.0e+0 1E5 10 "" "\u0000\ud800" "é" [] {} [[],{}] {"":""} {"a":{"a":[null,true]},"a":1}"#;
        for text in cases.split(' ').chain([" 1 ", "[ ]", "{ }", "\"\u{7f}\u{1F600}\"", "{\"a\" : 1\t,\r\n\"b\":2}"]) {
            assert!(one_value(text, 128).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_and_where() {
        // `^` stands before the byte at which it stops being JSON.
        let numbers = "^+1 0^1 1.^ ^.5 1e^ 1e+^ -^ -^-1 0^x1 ^NaN ^Infinity -^Infinity";
        let words = "^nul null^l ^True ^'a' ^a ^/**/1 ^\u{a0}1 ^\u{feff}1";
        let strings = r#""a^ "^\x" "^\u12g4" "^\u123 "^\ "a"^""#;
        let containers = r#"[1,^] [^,1] [^ ^] [^} {^] {"a"^} {"a":^} {"a":1,^} {^a:1} {"a":[1^} {"a":1^ {^,} {}^{}"#;
        let spaced = ["^", " ^", "1 ^1", "[1 ^2]", "{\"a\":1 ^\"b\":2}", "\"^\n\"", "\"^\0\"", "^\u{b}1"];
        let cases = [numbers, words, strings, containers].into_iter().flat_map(|cases| cases.split(' ')).chain(spaced);
        for case in cases {
            let text = case.replace('^', "");
            let error = one_value(&text, 128).unwrap_err();
            assert_eq!(error.code(), Code::InvalidJson, "{case}");
            assert_eq!(error.details()["offset"], case.find('^').unwrap(), "{case}: {error}");
        }
    }

    #[test]
    fn nesting_ends_at_the_limit_and_never_at_the_stack() {
        for (levels, limit) in [(0, 0), (1, 0), (64, 64), (65, 64), (128, 128), (129, 128), (1_000_000, usize::MAX)] {
            let (arrays, objects) = (levels / 2, levels - levels / 2);
            let opened = "[".repeat(arrays) + &"{\"a\":".repeat(objects);
            let text = opened + "1" + &"}".repeat(objects) + &"]".repeat(arrays);
            let error = one_value(&text, limit).err().map(|error| error.code());
            assert_eq!(error, (levels > limit).then_some(Code::LimitExceeded), "{levels} levels, at most {limit}");
        }
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_that_falls_in_a_word() {
        for length in 0..40 {
            for special in ['"', '\\', '\u{1f}', '\0'] {
                for filler in ["a", "\u{80}", "\u{ff}", " ", "!", "#", "[", "]"] {
                    let mut text = filler.repeat(length);
                    let expected = text.len();
                    text.push(special);
                    text.push_str("tail\"tail");
                    assert_eq!(plain_end(text.as_bytes(), 0), expected, "{text:?}");
                }
            }
        }
    }
}
