//! Session configurations: JSON text in, JSON text out.

use pyo3::prelude::*;

use crate::arguments::{Flag, Name, Text};
use crate::error::{OrRaise, border};
use crate::task::{Given, To, Waits, document, nothing, run};

/// The session configurations of a store.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Configs(pub(crate) sessile::Configs);

#[pymethods]
impl Configs {
    /// Makes a config from its definition; the config.
    #[pyo3(signature = (definition, receiver=None))]
    fn create(&self, py: Python<'_>, definition: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.create(definition.as_str()), receiver, document))
    }

    /// The config of that tag.
    #[pyo3(signature = (tag, receiver=None))]
    fn get(&self, py: Python<'_>, tag: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.get(tag.0), receiver, document))
    }

    /// One page of the configs, by tag.
    #[pyo3(signature = (page, receiver=None))]
    fn list(&self, py: Python<'_>, page: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.list(page.as_ref().map(Text::as_str)), receiver, document))
    }

    /// Changes members of a config; the config.
    #[pyo3(signature = (tag, changes, receiver=None))]
    fn update(&self, py: Python<'_>, tag: Name<'_>, changes: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.update(tag.0, changes.as_str()), receiver, document))
    }

    /// Deletes a config; `force`: with its live sessions.
    #[pyo3(signature = (tag, force, receiver=None))]
    fn delete(&self, py: Python<'_>, tag: Name<'_>, force: Flag, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.delete(tag.0, force.0), receiver, nothing))
    }

    /// The definitions of these tags (a JSON array), or of all.
    #[pyo3(signature = (tags, receiver=None))]
    fn export(&self, py: Python<'_>, tags: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.export(tags.as_ref().map(Text::as_str)), receiver, document))
    }

    /// Takes over exported definitions; `replace`: also where a config of that tag differs.
    #[pyo3(name = "import_", signature = (exported, replace, receiver=None))]
    fn import(&self, py: Python<'_>, exported: Text<'_>, replace: Flag, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.import(exported.as_str(), replace.0), receiver, document))
    }
}

/// The fields that a config with this schema may take as its selector.
#[pyfunction]
pub(crate) fn selector_options(py: Python<'_>, schema: Text<'_>) -> PyResult<String> {
    border(py, || py.detach(|| sessile::selector_options(schema.as_str())).or_raise(py))
}
