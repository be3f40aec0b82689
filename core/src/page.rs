//! Lists in pages: what a caller asks for, and what a page is printed as.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::error::{Error, Result, fail};
use crate::json::{nearest, push_quoted};

/// `{"limit": 100, "cursor": "…"}`, both optional.
pub(crate) struct Page {
    pub(crate) limit: usize,
    cursor: Option<Vec<u8>>,
}

const LIMIT: usize = 100;
const MOST: u64 = 1000;
const MEMBERS: [&str; 2] = ["limit", "cursor"];

impl Page {
    /// Reads what a caller gave. `INVALID_JSON`, `INVALID_ARGUMENT`.
    pub(crate) fn parse(text: Option<&str>) -> Result<Page> {
        let mut page = Page { limit: LIMIT, cursor: None };
        let Some(text) = text else { return Ok(page) };
        let value =
            serde_json::from_str(text).map_err(|_| fail!(InvalidJson, "page: not JSON").with("argument", "page"))?;
        let members = match value {
            Value::Object(members) => members,
            Value::Null => return Ok(page),
            _ => return Err(bad("an object like {\"limit\": 100, \"cursor\": …} is wanted")),
        };
        for (name, value) in &members {
            match (name.as_str(), value) {
                (_, Value::Null) if MEMBERS.contains(&name.as_str()) => {}
                ("limit", value) => {
                    page.limit = match value.as_u64() {
                        Some(limit @ 1..=MOST) => limit as usize,
                        _ => return Err(bad(&format!("limit: a whole number from 1 to {MOST} is wanted"))),
                    }
                }
                ("cursor", Value::String(text)) => {
                    page.cursor = Some(URL_SAFE_NO_PAD.decode(text).map_err(|_| no_cursor())?);
                }
                ("cursor", _) => return Err(no_cursor()),
                (other, _) => {
                    let hint = nearest(other, &MEMBERS).map(|near| format!("; did you mean {near:?}?"));
                    return Err(bad(&format!("there is no member {other:?}{}", hint.unwrap_or_default())));
                }
            }
        }
        Ok(page)
    }

    /// The cursor as text.
    pub(crate) fn cursor_text(&self) -> Result<Option<String>> {
        self.cursor.clone().map(|bytes| String::from_utf8(bytes).map_err(|_| no_cursor())).transpose()
    }

    /// The cursor as `N` bytes.
    pub(crate) fn cursor_bytes<const N: usize>(&self) -> Result<Option<[u8; N]>> {
        self.cursor.as_ref().map(|bytes| bytes.as_slice().try_into().map_err(|_| no_cursor())).transpose()
    }
}

/// `{"<name>": […], "nextCursor": …}`; `next` is null on the last page.
pub(crate) fn print(name: &str, items: &[String], next: Option<&[u8]>) -> String {
    let mut out = String::from("{");
    push_quoted(&mut out, name);
    out.push_str(":[");
    out.push_str(&items.join(","));
    out.push_str("],\"nextCursor\":");
    match next {
        Some(next) => push_quoted(&mut out, &cursor(next)),
        None => out.push_str("null"),
    }
    out.push('}');
    out
}

/// A cursor as [`Page::parse`] reads it.
pub(crate) fn cursor(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn no_cursor() -> Error {
    bad("cursor: pass the nextCursor of the page before")
}

fn bad(message: &str) -> Error {
    fail!(InvalidArgument, "page: {message}").with("argument", "page")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn pages_are_read_and_printed() {
        let page = Page::parse(Some(r#"{"limit": 7, "cursor": "YWI"}"#)).unwrap();
        assert_eq!((page.limit, page.cursor_text().unwrap().as_deref()), (7, Some("ab")));
        assert_eq!(page.cursor_bytes().unwrap(), Some(*b"ab"));
        assert_eq!(page.cursor_bytes::<3>().unwrap_err().code(), Code::InvalidArgument);
        for none in [None, Some("null"), Some("{}"), Some(r#"{"cursor": null}"#)] {
            let page = Page::parse(none).unwrap();
            assert_eq!((page.limit, page.cursor), (100, None));
        }
        assert_eq!(print("a", &["1".into(), "2".into()], Some(b"ab")), r#"{"a":[1,2],"nextCursor":"YWI"}"#);
        assert_eq!(print("a", &[], None), r#"{"a":[],"nextCursor":null}"#);
    }

    #[test]
    fn bad_pages_say_why() {
        for (text, says) in [
            ("[]", "an object"),
            (r#"{"limit": 0}"#, "1 to 1000"),
            (r#"{"limit": 1001}"#, "1 to 1000"),
            (r#"{"limit": 1.5}"#, "1 to 1000"),
            (r#"{"limit": "7"}"#, "1 to 1000"),
            (r#"{"cursor": 7}"#, "nextCursor"),
            (r#"{"cursor": "="}"#, "nextCursor"),
            (r#"{"limits": 7}"#, "did you mean \"limit\""),
        ] {
            let error = Page::parse(Some(text)).err().unwrap();
            assert_eq!(error.code(), Code::InvalidArgument, "{text}");
            assert!(error.message().contains(says), "{text}: {error}");
        }
        assert_eq!(Page::parse(Some("{")).err().unwrap().code(), Code::InvalidJson);
    }
}
