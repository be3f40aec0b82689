//! A step: parsed once, run many times.

use std::sync::Arc;

use crate::error::Result;
use crate::limits::Limits;

/// A session step. Clones share one parse.
#[derive(Clone)]
pub struct Step(Arc<()>);

impl Step {
    /// Reads a step from JSON text. `INVALID_STEP` names the member and, for an unknown one, the nearest known.
    pub fn parse(text: &str) -> Result<Step> {
        Step::parse_within(text, &Limits::default())
    }
    /// [`parse`](Step::parse) with other limits than the defaults.
    pub fn parse_within(text: &str, limits: &Limits) -> Result<Step> {
        let _ = (text, limits);
        todo!()
    }
    /// `"GET"`, `"PUT"` or `"DELETE"`.
    pub fn operation(&self) -> &'static str {
        todo!()
    }
    /// The names of the members that cross a border in object mode.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
    /// The step in its full wire form, as JSON text.
    pub fn to_json(&self) -> String {
        todo!()
    }
}

/// What a step gives.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// The message, byte for byte as it came in.
    Unchanged,
    /// A new message.
    Message(String),
}
