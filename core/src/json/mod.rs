//! JSON as text: validated once, kept as it came, never rebuilt.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::Limits;

/// One JSON value, as its text: valid, within the depth limit, without surrounding white space.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Checks that `text` is one JSON value. `INVALID_JSON` with the byte offset; `LIMIT_EXCEEDED` beyond the depth.
    pub fn parse(text: &str, limits: &Limits) -> Result<Json> {
        let _ = (text, limits);
        todo!()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host that reads numbers as `exactness` says reads this value without loss; see [`Exactness`].
    /// `LIMIT_EXCEEDED`, naming the raw twin to use instead.
    pub fn check_exact(&self, exactness: Exactness) -> Result<()> {
        let _ = exactness;
        todo!()
    }
}

/// How a host reads JSON numbers; decided here, on the text, for all languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Node: an integer literal beyond ±(2^53−1), or any literal that overflows to infinity, is refused.
    Double,
    /// Python: an integer literal beyond 64 bits (i64 or u64), or any literal that overflows to infinity, is refused.
    Int64,
}

/// Named fields, in order, each with its value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Arc<str>, Json)>);

impl Fields {
    /// The fields as one JSON object, in order.
    pub fn to_json(&self) -> String {
        todo!()
    }

    /// Name and value of each field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// [`Json::check_exact`] for every value.
    pub fn check_exact(&self, exactness: Exactness) -> Result<()> {
        let _ = exactness;
        todo!()
    }
}
