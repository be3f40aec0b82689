//! The selector: which field of a session's data names its user.

use std::fmt;

use super::member::{Member, hint, shortened};
use super::schema::{Found, Primitive, Schema, Violation, refused};
use crate::error::{Error, Result, fail};
use crate::json::{Kind, nearest, pointer, push_quoted};
use crate::vault::Identifier;

/// What the long spelling begins with.
const PREFIX: &str = "$Session";

/// The integers that a double tells apart: beyond ±(2^53−1) two users could read as one.
const EXACT: f64 = 9_007_199_254_740_991.0;

/// The longest text that names a user, in bytes, as for the subject of a token: it stands in every head and user record.
const LONGEST: usize = 512;

/// A path of member names, as somebody spelled it; not yet looked up in a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

impl Path {
    /// Reads the member `selector`: `userId`, `details.username`, `$Session{userId}` or `$Session{details}{username}`.
    /// In the long spelling names are literal, so `$Session{a.b}` is the member `a.b`.
    pub(crate) fn read(member: Member<'_>) -> Result<Path> {
        let malformed = || {
            member.refused(
                "a field of the schema: userId, details.username, $Session{userId} or $Session{details}{username}",
                &[],
            )
        };
        let text = member.text().ok_or_else(malformed)?;
        let names: Vec<&str> = match text.trim().strip_prefix(PREFIX) {
            Some(braces) => match braces.strip_prefix('{').and_then(|braces| braces.strip_suffix('}')) {
                Some(inner) => inner.split("}{").collect(),
                None => return Err(malformed()),
            },
            None => text.trim().split('.').collect(),
        };
        if names.iter().any(|name| name.is_empty() || name.contains(['{', '}'])) {
            return Err(malformed());
        }
        Ok(Path(names.into_iter().map(str::to_owned).collect()))
    }

    /// The names, outermost first.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The short spelling; the long one where a name holds a dot.
    fn short(&self) -> String {
        if self.0.iter().any(|name| name.contains('.') || name.starts_with(PREFIX) || name.trim() != name) {
            self.to_string()
        } else {
            self.0.join(".")
        }
    }
}

/// The long spelling: `$Session{details}{username}`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|name| write!(f, "{{{name}}}"))
    }
}

/// A path that was found in a schema and leads to a primitive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selector {
    path: Path,
    kind: Primitive,
}

impl Selector {
    /// Looks the path up in a schema. `CONFIG_INVALID` if it leads nowhere, or to something that names nobody.
    pub(crate) fn of(path: Path, schema: &Schema) -> Result<Selector> {
        match schema.find(path.names()) {
            Found::Primitive(kind) => Ok(Selector { path, kind }),
            found => Err(unfit(&path, found, &options(schema)?)),
        }
    }

    /// The type of the field's values.
    pub(crate) fn kind(&self) -> Primitive {
        self.kind
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The user that `data`, a session's object, names. `SCHEMA_VIOLATION` with the keyword `selector` if it names
    /// nobody: the field is missing, null, empty, longer than 512 bytes, of another type, or a number that doubles do
    /// not tell apart.
    pub(crate) fn pick(&self, data: &str) -> Result<Identifier> {
        let pointer = self.pointer();
        let picked = pointer::get(data, &pointer)?.and_then(|raw| self.read(raw));
        picked.ok_or_else(|| refused(vec![Violation::new(pointer, "selector")]))
    }

    fn pointer(&self) -> String {
        self.path.0.iter().flat_map(|name| ["/".into(), pointer::escape(name)]).collect()
    }

    /// The user that a value of the selector's type names; `None` if it names nobody.
    pub(crate) fn read(&self, raw: &str) -> Option<Identifier> {
        match (self.kind, Kind::of(raw)) {
            (Primitive::String, Kind::String) => {
                let text: String = serde_json::from_str(raw).ok()?;
                (1..=LONGEST).contains(&text.len()).then_some(Identifier::String(text))
            }
            (Primitive::Integer, Kind::Number) => integer(raw).map(Identifier::Integer),
            (Primitive::Number, Kind::Number) => {
                // Minus zero is zero.
                raw.parse()
                    .ok()
                    .filter(|number: &f64| number.abs() <= EXACT)
                    .map(|number| Identifier::Number(number + 0.0))
            }
            (Primitive::Boolean, Kind::Boolean) => Some(Identifier::Boolean(raw == "true")),
            _ => None,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

/// An integer, also where it is written with a fraction of zero or an exponent, as JSON Schema counts it.
fn integer(raw: &str) -> Option<i64> {
    raw.parse().ok().or_else(|| {
        let number = raw.parse().ok().filter(|number: &f64| number.fract() == 0.0 && number.abs() <= EXACT)?;
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within ±(2^53−1)")]
        Some(number as i64)
    })
}

/// Every field of a schema that can be its selector, in the order of the schema. A name with braces can't be spelled.
pub(crate) fn options(schema: &Schema) -> Result<Vec<Selector>> {
    let fields = schema.primitives()?.into_iter();
    let spelled = fields.filter(|(names, _)| names.iter().all(|name| !name.is_empty() && !name.contains(['{', '}'])));
    Ok(spelled.map(|(names, kind)| Selector { path: Path(names), kind }).collect())
}

/// The options as JSON text.
pub(crate) fn to_json(options: &[Selector]) -> String {
    let mut out = String::from("[");
    for (at, option) in options.iter().enumerate() {
        out.push_str(if at == 0 { "{\"selector\":" } else { ",{\"selector\":" });
        push_quoted(&mut out, &option.to_string());
        out.push_str(",\"path\":");
        push_quoted(&mut out, &option.path.short());
        out.push_str(",\"type\":\"");
        out.push_str(option.kind.as_str());
        out.push_str("\"}");
    }
    out.push(']');
    out
}

/// Why a path can't be the selector, and what can.
fn unfit(path: &Path, found: Found, options: &[Selector]) -> Error {
    let given = shortened(&path.to_string());
    let spelled: Vec<String> = options.iter().map(|option| option.path.short()).collect();
    let accepted = match spelled.len() {
        0 => "this schema has no field that could be: it needs a string, integer, number or boolean".to_owned(),
        1..=8 => format!("it accepts {}", spelled.join(", ")),
        more => format!("it accepts {} and {} more (selector_options lists them)", spelled[..8].join(", "), more - 8),
    };
    let why = match found {
        Found::Other("array") => "is an array, and its elements can't be selected".to_owned(),
        Found::Missing { beside: "array", .. } => "leads into an array, whose elements can't be selected".to_owned(),
        Found::Other(kind) => format!("is of type {kind}, which names nobody"),
        Found::Primitive(kind) => format!("is of type {}", kind.as_str()),
        Found::Missing { known: 0, .. } => "is no field of the schema".to_owned(),
        Found::Missing { known, .. } => {
            format!("is no field of the schema: {} has no such member", path.0[..known].join("."))
        }
    };
    let error =
        fail!(ConfigInvalid, "selector: {given} {why}; {accepted}").with("member", "selector").with("given", given);
    let known: Vec<&str> = spelled.iter().map(String::as_str).collect();
    match nearest(&path.short(), &known) {
        Some(word) if matches!(found, Found::Missing { .. }) => hint(error, word),
        _ => error,
    }
}

#[cfg(test)]
#[path = "selector_tests.rs"]
mod tests;
