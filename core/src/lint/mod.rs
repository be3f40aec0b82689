//! The linter: what a pipeline's session steps get wrong, told before it runs.
//!
//! `pipeline` reads the JSON; `tree` takes out of it what concerns one field, with what each part of it may do to that
//! field (`effect`); `flow` follows the field along every path; `findings` says what was found.

mod effect;
mod findings;
mod flow;
mod pipeline;
mod tree;

use crate::error::Result;
use crate::limits::Limits;

/// Looks through the Local steps of a pipeline, without running it, and gives what looks wrong as JSON text:
/// `{"findings":[…]}`, in the order of the steps.
///
/// A finding has `rule`, `field`, `at` (the step, as a JSON Pointer into `pipeline`), `stepName` (where the step has
/// one), `scoped`, `certain` and a `message` for people. The rules:
///
/// * `read_before_put`: a GET of a field that is not there on every path (`certain`) or on some path (not `certain`):
///   nothing has put it, or it was deleted again.
/// * `never_read`: a PUT of a field that no GET or DELETE on any later path can see. Always `certain`.
///
/// `pipeline` is an array of nodes: session steps in their wire form, blocks, and steps of other types, which are
/// passed over. The blocks, each with an optional `name` or `stepName`, `id`, `key`:
///
/// ```json
/// {"type": "block",    "steps": [], "onError": [], "commit": false}
/// {"type": "for-each", "steps": [], "onError": [], "commit": false}
/// {"type": "retry",    "steps": [], "onError": [], "commit": false}
/// {"type": "parallel", "lines": [[], []], "commit": false}
/// {"type": "choice",   "branches": [[], []], "otherwise": []}
/// ```
///
/// A block, each iteration of a for-each, each attempt of a retry and each line of a parallel is a sub-process with
/// its own version, which `commit` applies to its parent's as it ends. An error track runs in the sub-process that it
/// is the error track of; it may be entered at any moment of the main track. Without `onError` an error leaves for the
/// next error track outside. A PUT counts as putting every field that it names, though it skips those that the message
/// lacks: so a later PUT does not make an earlier one unread.
///
/// `INVALID_ARGUMENT` if it is no array, `INVALID_STEP` for a node with an unknown type or member, both with `at` in
/// their details; `INVALID_JSON`; `LIMIT_EXCEEDED` beyond 16 MiB or 64 blocks within each other.
///
/// ```
/// let findings = sessile::lint(
///     r#"[{"type": "choice", "branches": [
///           [{"type": "session-management", "operation": "PUT", "fields": ["cart"]}]]},
///         {"type": "session-management", "stepName": "Load", "operation": "GET", "fields": ["cart"]}]"#,
/// )?;
/// assert_eq!(
///     findings,
///     concat!(
///         r#"{"findings":[{"rule":"read_before_put","field":"cart","at":"/1","stepName":"Load","scoped":false,"#,
///         r#""certain":false,"message":"on some path no Put of \"cart\" reaches this Get"}]}"#,
///     )
/// );
///
/// let error = sessile::lint(r#"[{"type": "for-eech", "steps": []}]"#).unwrap_err();
/// assert_eq!(error.details()["nearest"], "for-each");
/// # Ok::<(), sessile::Error>(())
/// ```
pub fn lint(pipeline: &str) -> Result<String> {
    let pipeline = pipeline::parse(pipeline, &Limits::default())?;
    Ok(findings::to_json(&pipeline, &findings::of(&pipeline)))
}
