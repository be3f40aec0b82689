//! A step: parsed once, run many times.
//!
//! `parse` reads the wire form and the labels that people see; `message` has the rules of what a step takes out of a
//! message (PUT) and sets in it (GET).

#[cfg(any(test, fuzzing))]
#[allow(clippy::unwrap_used, reason = "a part of the tests")]
pub mod fuzz;
pub(crate) mod message;
mod parse;

#[cfg(test)]
mod properties;

use std::fmt;
use std::sync::Arc;

use crate::error::Result;
use crate::json::{self, Exactness, FieldName, Json, push_quoted};
use crate::limits::Limits;

/// A session step. Clones share one parse.
#[derive(Clone)]
pub struct Step(Arc<Parsed>);

/// What a step says, defaults filled in.
struct Parsed {
    /// `type`, `id`, `key` and `stepName` as they were written: kept, never interpreted.
    kept: Vec<(&'static str, Json)>,
    step_name: Option<String>,
    operation: Operation,
    session_type: SessionType,
    scoped: bool,
    fields: Vec<FieldName>,
    session: Option<Box<str>>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Adds the session's fields to the message.
    Get,
    /// Stores the message's members in the session.
    Put,
    /// Removes fields from the session.
    Delete,
}

/// Which session a step means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionType {
    /// That of the execution.
    Local,
    /// That of the user whom the token proves.
    Global,
}

impl Step {
    /// Reads a step from JSON text. `INVALID_STEP` names the member and, for an unknown one, the nearest known;
    /// `INVALID_JSON` if the text is no JSON, `LIMIT_EXCEEDED` for too many or too long field names.
    ///
    /// Every member may be left out: the step of `{}` gets `body`, `data` and `id` from the Local session.
    ///
    /// ```
    /// let step = sessile::Step::parse(r#"{"operation": "Put Data", "fields": "cart, total"}"#)?;
    /// assert_eq!(step.operation(), "PUT");
    /// assert_eq!(step.fields().collect::<Vec<_>>(), ["cart", "total"]);
    ///
    /// let error = sessile::Step::parse(r#"{"feilds": ["cart"]}"#).unwrap_err();
    /// assert_eq!(error.details()["nearest"], "fields");
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Step> {
        Step::parse_within(text, &Limits::default())
    }

    /// [`parse`](Step::parse) with other limits than the defaults.
    pub fn parse_within(text: &str, limits: &Limits) -> Result<Step> {
        Ok(Step(Arc::new(parse::parse(text, limits)?)))
    }

    /// `"GET"`, `"PUT"` or `"DELETE"`.
    pub fn operation(&self) -> &'static str {
        self.0.operation.as_str()
    }

    /// The names of the members that cross a border in object mode, in the step's order, each once.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.fields.iter().map(FieldName::as_str)
    }

    /// The step in its full wire form, as JSON text: `type`, `stepName`, `id`, `key` (where given), `operation`,
    /// `sessionType`, `scoped`, `fields`, `session` (where given).
    pub fn to_json(&self) -> String {
        let step = &*self.0;
        let mut out = String::from("{");
        for (member, value) in &step.kept {
            push_quoted(&mut out, member);
            out.push(':');
            out.push_str(value.as_str());
            out.push(',');
        }
        out.push_str("\"operation\":");
        push_quoted(&mut out, step.operation.as_str());
        out.push_str(",\"sessionType\":");
        push_quoted(&mut out, step.session_type.as_str());
        out.push_str(if step.scoped { ",\"scoped\":true" } else { ",\"scoped\":false" });
        out.push_str(",\"fields\":[");
        for (i, name) in step.fields.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            push_quoted(&mut out, name.as_str());
        }
        out.push(']');
        if let Some(tag) = &step.session {
            out.push_str(",\"session\":");
            push_quoted(&mut out, tag);
        }
        out.push('}');
        out
    }

    /// What the step does.
    pub(crate) fn verb(&self) -> Operation {
        self.0.operation
    }

    /// Which session it means.
    pub(crate) fn session_type(&self) -> SessionType {
        self.0.session_type
    }

    /// Whether it means the sub-process's own version.
    pub(crate) fn scoped(&self) -> bool {
        self.0.scoped
    }

    /// The step's own name.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.step_name.as_deref()
    }

    /// The names of its fields, in the step's order, each once.
    pub(crate) fn names(&self) -> &[FieldName] {
        &self.0.fields
    }

    /// The tag of the config it names, if it names one.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    /// The step as errors name it: `step "Load cart"`, or `step` when it has no name.
    pub(crate) fn place(&self) -> impl fmt::Display + '_ {
        Place(self.0.step_name.as_deref())
    }
}

/// How errors name a step.
struct Place<'s>(Option<&'s str>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, "step {name:?}"),
            None => f.write_str("step"),
        }
    }
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Operation::Get => "GET",
            Operation::Put => "PUT",
            Operation::Delete => "DELETE",
        }
    }
}

impl SessionType {
    fn as_str(self) -> &'static str {
        match self {
            SessionType::Local => "LOCAL",
            SessionType::Global => "GLOBAL",
        }
    }
}

/// The wire form: a step holds names, never values.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Step({})", self.to_json())
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

impl Output {
    /// The new message; `None`: it is the one that came in.
    pub fn text(&self) -> Option<&str> {
        match self {
            Output::Unchanged => None,
            Output::Message(text) => Some(text),
        }
    }

    /// [`Json::check_exact`] for a new message.
    pub fn check_exact(&self, exactness: Exactness) -> Result<()> {
        self.text().map_or(Ok(()), |text| json::check_exact(text, exactness))
    }
}

/// The length of a new message, never its text.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Unchanged => f.write_str("Unchanged"),
            Output::Message(message) => write!(f, "Message({} bytes)", message.len()),
        }
    }
}
