//! What data breaks of a schema: pointers and keywords, never values.

use sessile_validator::{ValidationError, ValidationErrorKind};

use crate::error::{Error, fail};
use crate::json::pointer::escape;

/// How many violations an error lists; their number is told whole.
const LISTED: usize = 32;

/// One rule that is broken, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    /// The value at fault: for a member that is missing, that may not be there, or whose name is refused, that member.
    pub(crate) pointer: String,
    pub(crate) keyword: String,
}

impl Violation {
    pub(crate) fn new(pointer: impl Into<String>, keyword: &str) -> Violation {
        Violation { pointer: pointer.into(), keyword: keyword.to_owned() }
    }
}

/// The violations that one error of the validator stands for.
pub(super) fn of(error: &ValidationError<'_>) -> Vec<Violation> {
    let at = error.instance_path().as_str();
    let member = |name: &str| format!("{at}/{}", escape(name));
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| Violation::new(member(name), "additionalProperties")).collect()
        }
        ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|name| Violation::new(member(name), "unevaluatedProperties")).collect()
        }
        ValidationErrorKind::Required { property } => {
            let dependent = error.schema_path().as_str().contains("/dependentRequired");
            let keyword = if dependent { "dependentRequired" } else { "required" };
            vec![Violation::new(member(property.as_str().unwrap_or_default()), keyword)]
        }
        ValidationErrorKind::PropertyNames { error } => {
            vec![Violation::new(member(error.instance().as_str().unwrap_or_default()), "propertyNames")]
        }
        ValidationErrorKind::FalseSchema => vec![Violation::new(at, "false")],
        kind => vec![Violation::new(at, kind.keyword())],
    }
}

/// `SCHEMA_VIOLATION` with every violation once, in the order of their pointers.
pub(crate) fn refused(mut violations: Vec<Violation>) -> Error {
    violations.sort();
    violations.dedup();
    let count = violations.len();
    violations.truncate(LISTED);
    let place = |pointer: &str| if pointer.is_empty() { "the whole".to_owned() } else { pointer.to_owned() };
    let list: Vec<_> = violations.iter().map(|v| format!("{} ({})", place(&v.pointer), v.keyword)).collect();
    let more = if count > LISTED { format!(", and {} more", count - LISTED) } else { String::new() };
    let details: Vec<_> =
        violations.iter().map(|v| serde_json::json!({"pointer": v.pointer, "keyword": v.keyword})).collect();
    let error = fail!(SchemaViolation, "the data breaks the schema at {}{more}; nothing was stored", list.join(", "))
        .with("violations", details);
    if count > LISTED { error.with("count", count as u64) } else { error }
}
