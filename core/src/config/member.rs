//! One member of a configuration as it was given: its kind, its text, and the error that names it.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::error::{Error, Result, fail};
use crate::json::{Kind, nearest};

/// A member's name and its value, as raw JSON text that was checked before.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) raw: &'a str,
}

impl<'a> Member<'a> {
    pub(crate) fn kind(&self) -> Kind {
        Kind::of(self.raw)
    }

    pub(crate) fn is_null(&self) -> bool {
        self.kind() == Kind::Null
    }

    /// The text of a string; `None` for another kind, or for half of a surrogate pair.
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        serde_json::from_str(self.raw).ok().map(Cow::Owned)
    }

    /// A text of so many characters. `accepts` says that and whatever else `fits` demands.
    pub(crate) fn chars(
        &self,
        length: RangeInclusive<usize>,
        fits: impl Fn(&str) -> bool,
        accepts: &str,
    ) -> Result<Box<str>> {
        match self.text() {
            Some(text) if length.contains(&text.chars().count()) && fits(&text) => Ok(text.into()),
            _ => Err(self.refused(accepts, &[])),
        }
    }

    /// A whole number in `range`, written as one: neither `7.0` nor `"7"`. `what`: `a whole number of seconds`.
    pub(crate) fn whole(&self, what: &str, range: RangeInclusive<u32>) -> Result<u32> {
        match self.raw.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(self.refused(&format!("{what} from {} to {}", range.start(), range.end()), &[])),
        }
    }

    /// `CONFIG_INVALID`: the member, what it was given, what it accepts, and the nearest of the `known` words.
    pub(crate) fn refused(&self, accepts: &str, known: &[&'static str]) -> Error {
        let given = shortened(self.raw);
        let error = fail!(ConfigInvalid, "{}: given {given}; it accepts {accepts}", self.name)
            .with("member", self.name)
            .with("given", given);
        match self.text().and_then(|text| nearest(text.trim(), known)) {
            Some(word) => hint(error, word),
            None => error,
        }
    }
}

/// `CONFIG_INVALID` for a member that is not there, and has to be; `because` says why.
pub(crate) fn missing(name: &str, because: &str, accepts: &str) -> Error {
    fail!(ConfigInvalid, "{name}: given nothing {because}; it accepts {accepts}")
        .with("member", name)
        .with("given", "nothing")
}

/// The same error with a word that was probably meant, for people and for programs.
pub(crate) fn hint(error: Error, word: &str) -> Error {
    let mut hinted = fail!(ConfigInvalid, "{}; did you mean {word:?}?", error.message());
    for (name, value) in error.details() {
        hinted = hinted.with(name, value.clone());
    }
    hinted.with("nearest", word)
}

/// What was given, as far as an error prints it: definitions hold no secrets, but may be long.
pub(crate) fn shortened(raw: &str) -> String {
    const SHOWN: usize = 64;
    match raw.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &raw[..end]),
        None => raw.to_owned(),
    }
}
