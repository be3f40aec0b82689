//! JSON Pointer (RFC 6901) on raw text: what lies outside a change stays byte for byte.
//!
//! The texts pointed into are values that were checked before. Where an object has a name twice, the pointer means the
//! last one, as `JSON.parse` does; deleting removes them all, so that what was deleted is gone.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::{Error, Result, fail};
use crate::limits::{self, Limits};

use super::{Entries, Kind, push_quoted, scan};

/// The value at `pointer`; `""` is `text` itself.
pub(crate) fn get<'a>(text: &'a str, pointer: &str) -> Result<Option<&'a str>> {
    Ok(descend(text, &tokens(pointer)?)?.map(|range| &text[range]))
}

/// `text` with `value` (any JSON text) at `pointer`. A member is set; an array's element is replaced; the index right
/// behind the last element, or `-`, appends. `NOT_FOUND` if the parent is missing, or is no object or array, or the
/// index is beyond that; `LIMIT_EXCEEDED` if the result is too deep or too large for a field.
pub(crate) fn put(text: &str, pointer: &str, value: &str, limits: &Limits) -> Result<String> {
    let tokens = tokens(pointer)?;
    // The value hangs below as many containers as the pointer has tokens.
    let value = scan::one_value(value, limits.depth.saturating_sub(tokens.len()))?;
    let result = match tokens.split_last() {
        None => value.to_owned(),
        Some((token, above)) => {
            let parent = descend(text, above)?.ok_or_else(|| missing(pointer, "its parent is missing"))?;
            let change = place(&text[parent.clone()], token, value)?.ok_or_else(|| missing(pointer, NO_PLACE))?;
            let at = parent.start + change.at.start..parent.start + change.at.end;
            let mut result = String::with_capacity(text.len() - at.len() + change.with.len());
            result.push_str(&text[..at.start]);
            result.push_str(&change.with);
            result.push_str(&text[at.end..]);
            result
        }
    };
    limits::check("field value", result.len(), limits.field_value, "bytes")?;
    Ok(result)
}

/// `text` without the value at `pointer`; `None` if it was not there. The empty pointer is `INVALID_ARGUMENT`: a field
/// is deleted by its name.
pub(crate) fn delete(text: &str, pointer: &str) -> Result<Option<String>> {
    let tokens = tokens(pointer)?;
    let Some((token, above)) = tokens.split_last() else {
        return Err(fail!(InvalidArgument, "the empty pointer means the whole field; delete the field instead"));
    };
    let Some(parent) = descend(text, above)? else { return Ok(None) };
    let cuts = cuts(&text[parent.clone()], token)?;
    if cuts.is_empty() {
        return Ok(None);
    }
    let mut result = String::with_capacity(text.len());
    let mut copied = 0;
    for cut in cuts {
        result.push_str(&text[copied..parent.start + cut.start]);
        copied = parent.start + cut.end;
    }
    result.push_str(&text[copied..]);
    Ok(Some(result))
}

const NO_PLACE: &str = "its parent is no object, and no array with such an index";

fn missing(pointer: &str, why: &str) -> Error {
    fail!(NotFound, "there is no place at pointer {pointer:?}: {why}").with("pointer", pointer)
}

/// The tokens of a pointer, `~1` and `~0` resolved.
fn tokens(pointer: &str) -> Result<Vec<Cow<'_, str>>> {
    let Some(rest) = pointer.strip_prefix('/') else {
        if pointer.is_empty() {
            return Ok(Vec::new());
        }
        return Err(malformed("it is either empty or starts with '/'"));
    };
    rest.split('/').map(token).collect()
}

fn token(written: &str) -> Result<Cow<'_, str>> {
    if !written.contains('~') {
        return Ok(Cow::Borrowed(written));
    }
    let mut parts = written.split('~');
    let mut token = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (stands_for, rest) = match part.as_bytes().first() {
            Some(b'0') => ('~', &part[1..]),
            Some(b'1') => ('/', &part[1..]),
            _ => return Err(malformed("'~' is followed by 0 (for '~') or 1 (for '/')")),
        };
        token.push(stands_for);
        token.push_str(rest);
    }
    Ok(Cow::Owned(token))
}

/// A member's name as a pointer's token.
pub(crate) fn escape(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) { Cow::Owned(name.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(name) }
}

fn malformed(why: &str) -> Error {
    fail!(InvalidArgument, "not a JSON Pointer (RFC 6901): {why}")
}

/// Where the value is that `tokens` lead to.
fn descend(text: &str, tokens: &[Cow<'_, str>]) -> Result<Option<Range<usize>>> {
    let mut range = 0..text.len();
    for token in tokens {
        match child(&text[range.clone()], token)? {
            Some(child) => range = range.start + child.start..range.start + child.end,
            None => return Ok(None),
        }
    }
    Ok(Some(range))
}

/// Where the member or element `token` of one value is.
fn child(text: &str, token: &str) -> Result<Option<Range<usize>>> {
    let Some(mut entries) = entries(text)? else { return Ok(None) };
    let mut found = None;
    while let Some(entry) = entries.next()? {
        if is_at(entry.name.as_ref(), entries.count() - 1, token) {
            found = Some(entry.value);
        }
    }
    Ok(found)
}

/// A piece of text to be put in place of another.
struct Change<'v> {
    at: Range<usize>,
    with: Cow<'v, str>,
}

/// How to put `value` at the member or element `token` of one value; `None` if it has no such place.
fn place<'v>(text: &str, token: &str, value: &'v str) -> Result<Option<Change<'v>>> {
    if let Some(at) = child(text, token)? {
        return Ok(Some(Change { at, with: Cow::Borrowed(value) }));
    }
    let Some(mut entries) = entries(text)? else { return Ok(None) };
    let close = entries.close()?;
    let count = entries.count();
    let mut with = String::with_capacity(token.len() + value.len() + 4);
    if count > 0 {
        with.push(',');
    }
    match Kind::of(text) {
        Kind::Object => {
            push_quoted(&mut with, token);
            with.push(':');
        }
        _ if token == "-" || index(token) == Some(count) => {}
        _ => return Ok(None),
    }
    with.push_str(value);
    Ok(Some(Change { at: close..close, with: Cow::Owned(with) }))
}

/// What to cut so that the member (every one of that name) or element `token` is gone, and one comma with each.
fn cuts(text: &str, token: &str) -> Result<Vec<Range<usize>>> {
    let mut cuts = Vec::new();
    let Some(mut entries) = entries(text)? else { return Ok(cuts) };
    let mut kept_end = None;
    let mut going: Option<Range<usize>> = None;
    while let Some(entry) = entries.next()? {
        if is_at(entry.name.as_ref(), entries.count() - 1, token) {
            let start = going.map_or(entry.whole.start, |going| going.start);
            going = Some(start..entry.whole.end);
        } else {
            // An entry follows: what goes takes the comma behind it along.
            if let Some(going) = going.take() {
                cuts.push(going.start..entry.whole.start);
            }
            kept_end = Some(entry.whole.end);
        }
    }
    if let Some(going) = going {
        // None follows: the comma before goes.
        cuts.push(kept_end.unwrap_or(going.start)..going.end);
    }
    Ok(cuts)
}

/// A walk over one value, if it has anything inside.
fn entries(text: &str) -> Result<Option<Entries<'_>>> {
    match Kind::of(text) {
        // The depth was checked when the value came in.
        kind @ (Kind::Object | Kind::Array) => Ok(Entries::of(text, kind, usize::MAX)?.ok()),
        _ => Ok(None),
    }
}

/// Whether an entry is the one that `token` means: by its name, or by its position in an array.
fn is_at(name: Option<&super::Name<'_>>, position: usize, token: &str) -> bool {
    match name {
        Some(name) => name.text().is_some_and(|name| name == token),
        None => index(token) == Some(position),
    }
}

/// An array index: digits, no leading zero (RFC 6901 §4).
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with('0');
    if plain && token.bytes().all(|byte| byte.is_ascii_digit()) { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    const RFC: &str = r#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}"#;

    #[test]
    fn the_examples_of_the_rfc_and_more() {
        for (text, pointer, found) in [
            (RFC, "", Some(RFC)),
            (RFC, "/foo", Some(r#"["bar", "baz"]"#)),
            (RFC, "/foo/0", Some(r#""bar""#)),
            (RFC, "/", Some("0")),
            (RFC, "/a~1b", Some("1")),
            (RFC, "/c%d", Some("2")),
            (RFC, "/e^f", Some("3")),
            (RFC, "/g|h", Some("4")),
            (RFC, "/i\\j", Some("5")),
            (RFC, "/k\"l", Some("6")),
            (RFC, "/ ", Some("7")),
            (RFC, "/m~0n", Some("8")),
            (RFC, "/foo/2", None),
            (RFC, "/foo/-", None),
            (RFC, "/foo/00", None),
            (RFC, "/foo/01", None),
            (RFC, "/foo/+1", None),
            (RFC, "/foo/99999999999999999999999", None),
            (RFC, "/foo/0/bar", None),
            (RFC, "/nothing/more", None),
            (r#"{"~1":1,"/":2}"#, "/~01", Some("1")),
            (r#"{"a":1,"\u0061":2}"#, "/a", Some("2")),
            (r#"{"\ud800":1,"b":{"0":[ 1.0 ]}}"#, "/b/0/0", Some("1.0")),
        ] {
            assert_eq!(get(text, pointer).unwrap(), found, "{pointer}");
        }
    }

    #[test]
    fn a_put_changes_nothing_else() {
        for (text, pointer, value, result) in [
            ("{\"a\":1}", "", " [2] ", "[2]"),
            ("{ \"a\" : 1.0 , \"b\":2 }", "/a", "3", "{ \"a\" : 3 , \"b\":2 }"),
            ("{ \"a\" : 1.0 }", "/b", "2", "{ \"a\" : 1.0 ,\"b\":2}"),
            ("{}", "/q\"", "2", "{\"q\\\"\":2}"),
            ("{\"a\":{ }}", "/a/b", "2", "{\"a\":{ \"b\":2}}"),
            ("[1, 2]", "/0", "null", "[null, 2]"),
            ("[1, 2]", "/2", "3", "[1, 2,3]"),
            ("[1, 2]", "/-", "3", "[1, 2,3]"),
            ("[]", "/-", "3", "[3]"),
            ("[[]]", "/0/0", "3", "[[3]]"),
            ("{\"a\":1,\"a\":2}", "/a", "3", "{\"a\":1,\"a\":3}"),
            ("{\"-\":1}", "/-", "3", "{\"-\":3}"),
        ] {
            assert_eq!(put(text, pointer, value, &Limits::default()).unwrap(), result, "{text} {pointer}");
        }
    }

    #[test]
    fn a_delete_takes_one_comma_along() {
        for (text, pointer, result) in [
            ("{ \"a\":1 , \"b\":2 }", "/a", Some("{ \"b\":2 }")),
            ("{ \"a\":1 , \"b\":2 }", "/b", Some("{ \"a\":1 }")),
            ("{ \"a\":1 }", "/a", Some("{  }")),
            ("[1, 2, 3]", "/1", Some("[1, 3]")),
            ("[1, 2, 3]", "/2", Some("[1, 2]")),
            ("[[1]]", "/0/0", Some("[[]]")),
            ("{\"a\":1,\"b\":2,\"\\u0061\":3,\"a\":4}", "/a", Some("{\"b\":2}")),
            ("{\"a\":1,\"a\":2}", "/a", Some("{}")),
            ("{\"a\":1}", "/b", None),
            ("{\"a\":1}", "/a/b", None),
            ("[1]", "/1", None),
            ("[1]", "/-", None),
        ] {
            assert_eq!(delete(text, pointer).unwrap().as_deref(), result, "{text} {pointer}");
        }
    }

    #[test]
    fn what_is_refused() {
        let limits = Limits { depth: 3, field_value: 20, ..Limits::default() };
        for (text, pointer, value, code) in [
            ("{}", "a", "1", Code::InvalidArgument),
            ("{}", "/~", "1", Code::InvalidArgument),
            ("{}", "/~2", "1", Code::InvalidArgument),
            ("{}", "#/a", "1", Code::InvalidArgument),
            ("{}", "/a", "x", Code::InvalidJson),
            ("{}", "/a/b", "1", Code::NotFound),
            ("{\"a\":1}", "/a/b", "1", Code::NotFound),
            ("[]", "/1", "1", Code::NotFound),
            ("[1]", "/01", "1", Code::NotFound),
            ("[1]", "/a", "1", Code::NotFound),
            ("{}", "/a", "[[[]]]", Code::LimitExceeded),
            ("{}", "/a", "\"12345678901234567890\"", Code::LimitExceeded),
        ] {
            let error = put(text, pointer, value, &limits).unwrap_err();
            assert_eq!(error.code(), code, "{text} {pointer}: {error}");
            if code == Code::NotFound {
                assert_eq!(error.details()["pointer"], pointer);
            }
        }
        assert!(put("{}", "/a", "[[]]", &limits).is_ok());
        assert_eq!(delete("{}", "").unwrap_err().code(), Code::InvalidArgument);
        assert_eq!(get("{}", "a").unwrap_err().code(), Code::InvalidArgument);
    }
}
