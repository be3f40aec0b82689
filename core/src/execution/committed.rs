//! How a sub-process's changes are committed, and what that changed.

use crate::json::FieldName;

/// How to commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct CommitOptions {
    /// Demand that no field to be changed was changed in the parent since the snapshot: else `CONFLICT`, naming them.
    pub exclusive: bool,
}

/// What a commit changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Names put, sorted.
    pub put: Vec<String>,
    /// Names deleted, sorted.
    pub deleted: Vec<String>,
}

impl Committed {
    pub(crate) fn of<'a>(
        put: impl Iterator<Item = &'a FieldName>,
        deleted: impl Iterator<Item = &'a FieldName>,
    ) -> Committed {
        let names = |name: &FieldName| name.as_str().to_owned();
        Committed { put: put.map(names).collect(), deleted: deleted.map(names).collect() }
    }

    /// `{"put":[…],"deleted":[…]}`
    pub fn to_json(&self) -> String {
        serde_json::json!({"put": self.put, "deleted": self.deleted}).to_string()
    }
}
