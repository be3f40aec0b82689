//! The configurations of a store, as its users meet them.

use std::fmt;
use std::sync::Arc;

use crate::error::fail;
use crate::store::Inner;
use crate::task::Task;

/// The session configurations of a store: made, read, changed and deleted, all within its workspace, product and env.
#[derive(Clone)]
pub struct Configs(Arc<Inner>);

fn todo<T: Send + 'static>() -> Task<T> {
    Task::ready(Err(fail!(Unsupported, "not there yet")))
}

#[expect(unused_variables)]
impl Configs {
    pub(crate) fn new(store: Arc<Inner>) -> Configs {
        Configs(store)
    }

    /// Makes a configuration.
    pub fn create(&self, definition: &str) -> Task<String> {
        todo()
    }

    /// Reads one.
    pub fn get(&self, tag: &str) -> Task<String> {
        todo()
    }

    /// Lists them.
    pub fn list(&self, page: Option<&str>) -> Task<String> {
        todo()
    }

    /// Changes one.
    pub fn update(&self, tag: &str, changes: &str) -> Task<String> {
        todo()
    }

    /// Deletes one.
    pub fn delete(&self, tag: &str, force: bool) -> Task<()> {
        todo()
    }

    /// Exports them.
    pub fn export(&self, tags: Option<&str>) -> Task<String> {
        todo()
    }

    /// Imports them.
    pub fn import(&self, document: &str, replace: bool) -> Task<String> {
        todo()
    }
}

impl fmt::Debug for Configs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Configs")
    }
}
