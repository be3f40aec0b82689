//! One member of a configuration as it was given: its kind, its text, and the error that names it.

use std::borrow::Cow;

use crate::error::{Error, fail};
use crate::json::{Kind, nearest};

/// A member's name and its value, as raw JSON text that was checked before.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'static str,
    pub(crate) raw: &'a str,
}

impl<'a> Member<'a> {
    pub(crate) fn kind(&self) -> Kind {
        Kind::of(self.raw)
    }

    /// The text of a string; `None` for another kind, or for half of a surrogate pair.
    pub(crate) fn text(&self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::String {
            return None;
        }
        serde_json::from_str(self.raw).ok().map(Cow::Owned)
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
