//! An execution and its sub-processes.

use crate::error::Result;
use crate::json::Fields;
use crate::session::Session;
use crate::step::{Output, Step};
use crate::task::Task;

/// One run of one pipeline, or a sub-process of it. Clones are the same one; any thread may use it.
#[derive(Clone)]
pub struct Execution;

impl Execution {
    /// The execution's id (32 hex digits), the same for all its sub-processes.
    pub fn id(&self) -> &str {
        todo!()
    }
    /// The id of this sub-process: its path from the root, `""` for the execution itself, then `1`, `1.3`.
    pub fn subprocess_id(&self) -> &str {
        todo!()
    }
    /// The name given to this sub-process; `""` for the execution itself.
    pub fn name(&self) -> &str {
        todo!()
    }
    /// Runs a step. `None` as message counts as `{}`.
    pub fn step(&self, step: &Step, message: Option<&str>) -> Task<Output> {
        let _ = (step, message);
        todo!()
    }
    /// The shared Local session.
    pub fn local(&self) -> Session {
        todo!()
    }
    /// This sub-process's own version of the Local session (at the root: the shared one).
    pub fn scoped(&self) -> Session {
        todo!()
    }
    /// The user's Global session of config `tag` (absent: the token's own, else `global`). Opens at its first verb:
    /// that verb gives `GLOBAL_NOT_ALLOWED` or `TOKEN_*`.
    pub fn global(&self, tag: Option<&str>) -> Session {
        let _ = tag;
        todo!()
    }
    /// This sub-process's own version of that Global session. [`Session::commit`] writes its changes.
    pub fn scoped_global(&self, tag: Option<&str>) -> Session {
        let _ = tag;
        todo!()
    }
    /// Starts a sub-process below this one.
    pub fn subprocess(&self, name: &str) -> Result<Execution> {
        let _ = name;
        todo!()
    }
    /// The open sub-process with that id (after [`resume`](crate::Store::resume)).
    pub fn subprocess_by_id(&self, id: &str) -> Result<Execution> {
        let _ = id;
        todo!()
    }
    /// Applies this sub-process's Local changes to its parent's version.
    pub fn commit(&self, options: CommitOptions) -> Task<Committed> {
        let _ = options;
        todo!()
    }
    /// Ends a sub-process and all below it, discarding what was not committed; for the execution itself: closes it.
    pub fn end(&self) {
        todo!()
    }
    /// Puts a fresh token of the same identity in place.
    pub fn renew(&self, token: &str) -> Task<()> {
        let _ = token;
        todo!()
    }
    /// The Local state, sealed, to be taken up by [`resume`](crate::Store::resume).
    pub fn checkpoint(&self) -> Task<Vec<u8>> {
        todo!()
    }
}

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
    /// `{"put":[…],"deleted":[…]}`
    pub fn to_json(&self) -> String {
        todo!()
    }
}

#[allow(unused)]
fn _uses(_: Fields) {}
