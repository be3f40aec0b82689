//! Adding two numbers as text: what `increment` does.

use crate::error::{Error, Result, fail};

use super::exact::is_integer;
use super::kind::Kind;
use super::scan;

/// `current` + `by`, both JSON number text.
///
/// Two integers give an exact integer between −2^63 and 2^64−1; if either has a fraction or an exponent the sum is that
/// of doubles, printed in the fewest digits that read back the same. Beyond: `LIMIT_EXCEEDED`. Something else than a
/// number: `INVALID_ARGUMENT`.
pub(crate) fn add(current: &str, by: &str) -> Result<String> {
    let current = number("the field", current)?;
    let by = number("the increment", by)?;
    if is_integer(current) && is_integer(by) {
        let sum = integer(current)? + integer(by)?;
        if !RANGE.contains(&sum) {
            return Err(beyond());
        }
        return Ok(sum.to_string());
    }
    // A literal that overflows parses to an infinity, and so ends here too.
    let sum = double(current)? + double(by)?;
    match serde_json::Number::from_f64(sum) {
        Some(sum) => Ok(sum.to_string()),
        None => Err(fail!(LimitExceeded, "the sum is beyond what a double can hold; the field is unchanged")),
    }
}

/// What fits an i64 or a u64.
const RANGE: std::ops::RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;

fn integer(literal: &str) -> Result<i128> {
    literal.parse().ok().filter(|value| RANGE.contains(value)).ok_or_else(beyond)
}

fn double(literal: &str) -> Result<f64> {
    literal.parse().map_err(|_| fail!(Internal, "a checked number literal did not parse"))
}

fn beyond() -> Error {
    fail!(LimitExceeded, "integers are exact from -2^63 to 2^64-1; this one is beyond, and the field is unchanged")
}

/// The literal, if the text is one number.
fn number<'a>(whose: &str, text: &'a str) -> Result<&'a str> {
    let refused = |given: &str| fail!(InvalidArgument, "{whose} is not a number but {given}").with("given", given);
    let literal = scan::one_value(text, 0).map_err(|_| match Kind::of(text) {
        kind @ (Kind::Object | Kind::Array) => refused(kind.as_str()),
        _ => refused("no JSON"),
    })?;
    match Kind::of(literal) {
        Kind::Number => Ok(literal),
        kind => Err(refused(kind.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn sums() {
        for (current, by, sum) in [
            ("0", "1", "1"),
            ("-0", "-0", "0"),
            ("9007199254740993", "1", "9007199254740994"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("18446744073709551614", "1", "18446744073709551615"),
            ("-9223372036854775807", "-1", "-9223372036854775808"),
            ("18446744073709551615", "-9223372036854775808", "9223372036854775807"),
            ("0.1", "0.2", "0.30000000000000004"),
            ("1", "0.5", "1.5"),
            ("1.5", "1.5", "3.0"),
            ("1e2", "1", "101.0"),
            (" 1 ", "\n2", "3"),
        ] {
            assert_eq!(add(current, by).unwrap(), sum, "{current} + {by}");
        }
    }

    #[test]
    fn what_can_not_be_added_is_not_echoed() {
        for (current, by, code) in [
            ("18446744073709551615", "1", Code::LimitExceeded),
            ("-9223372036854775808", "-1", Code::LimitExceeded),
            ("18446744073709551616", "-1", Code::LimitExceeded),
            ("1", "99999999999999999999999999999999999999999999", Code::LimitExceeded),
            ("1e308", "1e308", Code::LimitExceeded),
            ("1e400", "1", Code::LimitExceeded),
            ("\"77\"", "1", Code::InvalidArgument),
            ("1", "\"77\"", Code::InvalidArgument),
            ("null", "1", Code::InvalidArgument),
            ("[77]", "1", Code::InvalidArgument),
            ("1", "NaN", Code::InvalidArgument),
            ("1", "+77", Code::InvalidArgument),
            ("1", "", Code::InvalidArgument),
        ] {
            let error = add(current, by).unwrap_err();
            assert_eq!(error.code(), code, "{current} + {by}: {error}");
            assert!(!error.message().contains("77"), "{error}");
        }
    }
}
