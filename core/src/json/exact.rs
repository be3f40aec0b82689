//! Which numbers a host reads without loss; decided here, on the text, for all languages.

use crate::error::{Error, Result, fail};

use super::scan::plain_end;

/// How a host reads JSON numbers. An integer literal is one without `.`, `e` or `E`; `-0` is fine. Fractions round, as
/// they do everywhere: only what overflows to infinity is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Node: an integer literal beyond ±(2^53−1), or any literal that overflows to infinity, is refused.
    Double,
    /// Python: an integer literal beyond 64 bits (i64 or u64), or any literal that overflows to infinity, is refused.
    Int64,
}

/// The largest integer that a double holds together with both its neighbours: 2^53 − 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// An integer literal of so many bytes is exact for every host: 15 digits are less than 2^53.
const SHORT: usize = 15;

/// Checks every number literal in `text`, which is known to be valid JSON.
pub(crate) fn check(text: &str, exactness: Exactness) -> Result<()> {
    if is_suspect(text.as_bytes()) { check_each(text, exactness) } else { Ok(()) }
}

/// Whether there may be a literal that some host refuses: it has an exponent, or more than [`SHORT`] digits in a row. Most
/// values hold neither, and to see that takes a fifth of the time that reading them does.
fn is_suspect(bytes: &[u8]) -> bool {
    // One string: no number in it is one.
    bytes.first() != Some(&b'"') && (has_exponent(bytes) || has_long_run(bytes))
}

fn has_exponent(bytes: &[u8]) -> bool {
    let next = bytes.get(1..).unwrap_or_default();
    // Without an exit, hence many bytes an instruction.
    bytes.iter().zip(next).fold(false, |any, (byte, next)| any | (byte.is_ascii_digit() & matches!(next, b'e' | b'E')))
}

fn has_long_run(bytes: &[u8]) -> bool {
    // One of so many in a row ends a chunk.
    (SHORT..bytes.len()).step_by(SHORT + 1).any(|at| {
        let (before, from) = bytes.split_at(at);
        bytes[at].is_ascii_digit() && digits(before.iter().rev()) + digits(from.iter()) > SHORT
    })
}

/// How many digits come first, as far as it matters.
fn digits<'a>(bytes: impl Iterator<Item = &'a u8>) -> usize {
    bytes.take(SHORT + 1).take_while(|byte| byte.is_ascii_digit()).count()
}

/// The check of each literal, where there may be one to refuse.
pub(super) fn check_each(text: &str, exactness: Exactness) -> Result<()> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at),
            b'-' | b'0'..=b'9' => {
                let start = at;
                at += 1;
                while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
                if at - start > SHORT || matches!(bytes.get(at), Some(b'.' | b'e' | b'E')) {
                    while matches!(bytes.get(at), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
                        at += 1;
                    }
                    literal(&text[start..at], start, exactness)?;
                }
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// Whether a number literal is an integer: no fraction, no exponent.
pub(super) fn is_integer(literal: &str) -> bool {
    !literal.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'))
}

fn literal(literal: &str, offset: usize, exactness: Exactness) -> Result<()> {
    if is_integer(literal) {
        let fits = match exactness {
            Exactness::Double => literal.trim_start_matches('-').parse::<u64>().is_ok_and(|size| size <= MAX_SAFE),
            Exactness::Int64 => literal.parse::<i64>().is_ok() || literal.parse::<u64>().is_ok(),
        };
        if fits { Ok(()) } else { Err(inexact(exactness, offset, "an integer loses digits as a number")) }
    } else if literal.parse::<f64>().is_ok_and(f64::is_finite) {
        Ok(())
    } else {
        Err(inexact(exactness, offset, "a number overflows to infinity"))
    }
}

fn inexact(exactness: Exactness, offset: usize, what: &str) -> Error {
    let (language, range, raw) = match exactness {
        Exactness::Double => ("Node", "integers within ±(2^53−1)", "getRaw"),
        Exactness::Int64 => ("Python", "integers within 64 bits", "get_raw"),
    };
    fail!(
        LimitExceeded,
        "{what} (byte {offset}): {language} reads {range} and finite fractions; take the text with {raw}"
    )
    .with("use", "getRaw")
    .with("offset", offset as u64)
}

/// Behind the string that begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    at += 1;
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            _ => return at + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn integers_within_the_range_and_finite_fractions_pass() {
        for (text, node, python) in [
            ("0", true, true),
            ("-0", true, true),
            ("999999999999999", true, true),
            ("9999999999999999", false, true),
            ("0.1234567890123456789", true, true),
            ("1e999", false, false),
            ("9007199254740991", true, true),
            ("-9007199254740991", true, true),
            ("9007199254740992", false, true),
            ("-9007199254740992", false, true),
            ("9223372036854775808", false, true),
            ("-9223372036854775808", false, true),
            ("-9223372036854775809", false, false),
            ("18446744073709551615", false, true),
            ("18446744073709551616", false, false),
            ("9007199254740993.0", true, true),
            ("1e300", true, true),
            ("1e400", false, false),
            ("-1E+400", false, false),
            ("1e-400", true, true),
            ("0.1", true, true),
            ("[1,{\"a\":[\"\\\"\",9007199254740992]}]", false, true),
            ("{\"9007199254740992\":\"1e400 \\\\\"}", true, true),
            ("[true,false,null,\"-\"]", true, true),
        ] {
            assert_eq!(check(text, Exactness::Double).is_ok(), node, "Node: {text}");
            assert_eq!(check(text, Exactness::Int64).is_ok(), python, "Python: {text}");
        }
        assert!(check(&"9".repeat(400), Exactness::Int64).is_err());
    }

    #[test]
    fn a_literal_is_found_wherever_it_lies() {
        for literal in ["9007199254740992", "-9007199254740992", "1e999", "-1E+400", &"9".repeat(400)] {
            for shift in 0..40 {
                for text in [
                    format!("[{}{literal}]", " ".repeat(shift)),
                    format!("[\"{}\",{literal}]", "x".repeat(shift)),
                    format!("[{}{literal},1]", "12,".repeat(shift)),
                ] {
                    assert!(check(&text, Exactness::Double).is_err(), "{text}");
                }
            }
        }
    }

    #[test]
    fn the_error_names_the_raw_twin_and_not_the_number() {
        for (exactness, raw) in [(Exactness::Double, "getRaw"), (Exactness::Int64, "get_raw")] {
            let error = check("[18446744073709551616]", exactness).unwrap_err();
            assert_eq!(error.code(), Code::LimitExceeded);
            assert!(error.message().contains(raw) && !error.message().contains("18446744073709551616"));
            assert_eq!(error.details()["use"], "getRaw");
        }
    }
}
