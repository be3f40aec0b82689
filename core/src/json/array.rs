//! Appending to an array as text: what `append` does.

use crate::error::{Error, Result, fail};
use crate::limits::{self, Limits};

use super::{Entries, Kind};

/// The array `current` with the elements of the array `values` behind its own, and its new length. Every element keeps
/// its text. `INVALID_ARGUMENT` if either is not an array, `LIMIT_EXCEEDED` if the result is too large for a field.
pub(crate) fn append(current: &str, values: &str, limits: &Limits) -> Result<(String, u64)> {
    let mut old = elements("the field", current, limits)?;
    let mut new = elements("the values to append", values, limits)?;
    let mut added: Option<std::ops::Range<usize>> = None;
    while let Some(element) = new.next()? {
        let start = added.map_or(element.whole.start, |added| added.start);
        added = Some(start..element.whole.end);
    }
    let close = old.close()?;
    let Some(added) = added else {
        return Ok((current.to_owned(), old.count() as u64));
    };
    let mut result = String::with_capacity(current.len() + added.len() + 1);
    result.push_str(&current[..close]);
    if old.count() > 0 {
        result.push(',');
    }
    result.push_str(&values[added]);
    result.push_str(&current[close..]);
    limits::check("field value", result.len(), limits.field_value, "bytes")?;
    Ok((result, (old.count() + new.count()) as u64))
}

fn elements<'a>(whose: &str, text: &'a str, limits: &Limits) -> Result<Entries<'a>> {
    Entries::of(text, Kind::Array, limits.depth)?.map_err(|given| not_an_array(whose, given))
}

fn not_an_array(whose: &str, given: Kind) -> Error {
    fail!(InvalidArgument, "append needs arrays; {whose}: {given} given").with("given", given.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn elements_keep_their_text() {
        for (current, values, result, length) in [
            ("[]", "[1]", "[1]", 1),
            ("[ ]", "[ 1.0 , {\"a\": 2} ]", "[ 1.0 , {\"a\": 2}]", 2),
            ("[1, 2]", "[3,4]", "[1, 2,3,4]", 4),
            ("[1]", "[]", "[1]", 1),
            ("[]", "[]", "[]", 0),
            ("[1e400]", "[9223372036854775808]", "[1e400,9223372036854775808]", 2),
        ] {
            assert_eq!(append(current, values, &Limits::default()).unwrap(), (result.to_owned(), length));
        }
    }

    #[test]
    fn what_can_not_be_appended() {
        let limits = Limits { field_value: 6, depth: 2, ..Limits::default() };
        for (current, values, code) in [
            ("{}", "[]", Code::InvalidArgument),
            ("[]", "1", Code::InvalidArgument),
            ("[]", "[1", Code::InvalidJson),
            ("[1,2]", "[3]", Code::LimitExceeded),
            ("[]", "[[[]]]", Code::LimitExceeded),
        ] {
            assert_eq!(append(current, values, &limits).unwrap_err().code(), code, "{current} + {values}");
        }
    }
}
