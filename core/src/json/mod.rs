//! JSON as text: validated once, kept as it came, never rebuilt.
//!
//! `scan` decides what is JSON; `entries` walks one object or array with it; the rest is what the verbs need on top.

pub(crate) mod array;
mod entries;
mod exact;
mod fields;
mod kind;
mod name;
mod nearest;
pub(crate) mod number;
mod object;
pub(crate) mod pointer;
mod quote;
mod scan;

#[cfg(test)]
mod properties;

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::limits::Limits;

pub(crate) use entries::{Entries, Name};
pub use exact::Exactness;
pub(crate) use exact::check as check_exact;
pub use fields::Fields;
pub(crate) use kind::{Kind, is_blank};
pub(crate) use name::FieldName;
pub(crate) use nearest::nearest;
pub(crate) use object::{fields_from_object, fields_of, members_within, object_members};
pub(crate) use quote::push_quoted;

/// One JSON value, as its text: valid, within the depth limit, without surrounding white space.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Checks that `text` is one JSON value. `INVALID_JSON` with the byte offset; `LIMIT_EXCEEDED` beyond the depth.
    pub fn parse(text: &str, limits: &Limits) -> Result<Json> {
        Ok(Json::checked(scan::one_value(text, limits.depth)?))
    }

    /// A value from text that is known to be one, without white space around it: cut out of checked text, or opened
    /// from a sealed field that was checked before it was sealed.
    pub(crate) fn checked(text: &str) -> Json {
        Json(Arc::from(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What kind of value it is.
    pub(crate) fn kind(&self) -> Kind {
        Kind::of(&self.0)
    }

    /// Whether a host that reads numbers as `exactness` says reads this value without loss; see [`Exactness`].
    /// `LIMIT_EXCEEDED`, naming the raw twin to use instead.
    pub fn check_exact(&self, exactness: Exactness) -> Result<()> {
        exact::check(&self.0, exactness)
    }
}

/// Kind and length only: a value never reaches a log by way of `{:?}`.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({}, {} bytes)", self.kind(), self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_value_is_its_text_without_the_white_space_around_it() {
        for (text, kept) in [
            ("1.0", "1.0"),
            (" \t\r\n{ \"a\" : 1e400 } \n", "{ \"a\" : 1e400 }"),
            ("\"\\ud800\"", "\"\\ud800\""),
            ("9223372036854775808", "9223372036854775808"),
        ] {
            assert_eq!(Json::parse(text, &Limits::default()).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn debug_shows_kind_and_length_and_no_value() {
        for (text, shown) in [
            ("{\"secret\":1}", "Json(object, 12 bytes)"),
            ("[\"secret\"]", "Json(array, 10 bytes)"),
            ("\"secret\"", "Json(string, 8 bytes)"),
            ("-12345", "Json(number, 6 bytes)"),
            ("true", "Json(boolean, 4 bytes)"),
            ("null", "Json(null, 4 bytes)"),
        ] {
            assert_eq!(format!("{:?}", Json::parse(text, &Limits::default()).unwrap()), shown);
        }
    }

    #[test]
    fn an_error_names_the_place_and_no_value() {
        for (text, offset) in [("", 0), ("{\"a\":hunter2}", 5), ("[1,]", 3), ("\u{feff}{}", 0), ("{} {}", 3)] {
            let error = Json::parse(text, &Limits::default()).unwrap_err();
            assert_eq!(error.code(), Code::InvalidJson, "{text}");
            assert_eq!(error.details()["offset"], offset, "{text}: {error}");
            assert!(!error.message().contains("hunter2"));
        }
    }
}
