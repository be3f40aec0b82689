//! A stored value, as the validator reads it.
//!
//! A session keeps any valid JSON text, and two things in it have no place in parsed values: a number beyond what a
//! double holds, and half of a surrogate pair. A schema must neither choke on them nor change them, so they are checked
//! as the largest double and as U+FFFD, which have the same type, sign and length.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Error, Result, fail};
use crate::limits;

/// How deep a value under a schema may nest: what the parser takes.
const DEPTH: usize = 127;

/// The parsed value of a text that is known to be JSON. `LIMIT_EXCEEDED` if it is deeper than `levels`.
pub(super) fn value(text: &str, levels: Option<usize>) -> Result<Value> {
    if let Some(levels) = levels {
        limits::check("JSON depth under a recursive schema", depth(text), levels, "levels")?;
    }
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    if depth(text) > DEPTH {
        return Err(limits::exceeded("JSON depth under a schema", depth(text), DEPTH, "levels"));
    }
    serde_json::from_str(&tamed(text)).map_err(unread)
}

fn unread(_: serde_json::Error) -> Error {
    fail!(InvalidJson, "the value is no JSON")
}

/// The deepest nesting in the text.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    let mut rest = text.as_bytes();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match byte {
            b'"' => rest = &rest[string_length(rest)..],
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// How many bytes of `text`, which stands behind a string's opening quote, belong to that string.
fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match text.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return text.len(),
        }
    }
}

/// The text with numbers and half pairs replaced as the module says.
fn tamed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(byte) = rest.bytes().next() {
        let length = match byte {
            b'"' => 1 + string_length(&rest.as_bytes()[1..]),
            b'-' | b'0'..=b'9' => {
                rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len())
            }
            _ => rest.find(['"', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(length.min(rest.len()));
        rest = behind;
        match byte {
            b'"' => out.push_str(&whole_pairs(token)),
            b'-' | b'0'..=b'9' if token.parse::<f64>().is_ok_and(f64::is_infinite) => {
                out.push_str(if byte == b'-' { "-1.7976931348623157e308" } else { "1.7976931348623157e308" });
            }
            _ => out.push_str(token),
        }
    }
    out
}

/// A string's text, each half of a surrogate pair replaced by `\ufffd`.
fn whole_pairs(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains("\\u") {
        return Cow::Borrowed(quoted);
    }
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let high = unit(rest).filter(|unit| matches!(unit, 0xd800..=0xdbff));
        let low_follows =
            high.is_some() && rest.get(6..).and_then(unit).is_some_and(|unit| matches!(unit, 0xdc00..=0xdfff));
        let (length, kept) = match unit(rest) {
            Some(_) if low_follows => (12, true),
            Some(0xd800..=0xdfff) => (6, false),
            Some(_) => (6, true),
            None => (2, true),
        };
        let (escape, behind) = rest.split_at(length.min(rest.len()));
        out.push_str(if kept { escape } else { "\\ufffd" });
        rest = behind;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use serde_json::json;

    #[test]
    fn every_json_text_can_be_read() {
        for (text, read) in [
            ("1e400", json!(f64::MAX)),
            ("-1E+400", json!(f64::MIN)),
            ("{\"a\":[1e400,1.5,\"1e400\"],\"b\":-0}", json!({"a": [f64::MAX, 1.5, "1e400"], "b": -0.0})),
            ("\"\\ud800\"", json!("\u{fffd}")),
            ("\"\\udc00x\\ud83d\\ude00\\n\\\\ud800\"", json!("\u{fffd}x\u{1f600}\n\\ud800")),
            ("\"\\ud800\\ud83d\\ude00\\u0041é\"", json!("\u{fffd}\u{1f600}Aé")),
            ("{\"\\ud800\":\"\\\"1e999\"}", json!({"\u{fffd}": "\"1e999"})),
            ("123456789012345678901234567890", json!(1.234_567_890_123_456_8e29)),
        ] {
            assert_eq!(value(text, None).unwrap(), read, "{text}");
        }
        let big = "9".repeat(400);
        assert_eq!(value(&format!("[{big}]"), None).unwrap(), json!([f64::MAX]));
    }

    #[test]
    fn what_nests_too_deep_says_so() {
        for (levels, fits) in [(126, true), (127, true), (128, false), (100_000, false)] {
            let text = "[".repeat(levels) + "\"]\"" + &"]".repeat(levels);
            assert_eq!(
                value(&text, None).err().map(|error| error.code()),
                (!fits).then_some(Code::LimitExceeded),
                "{levels}"
            );
        }
    }
}
