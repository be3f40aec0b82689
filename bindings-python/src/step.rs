//! A parsed step.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::Text;
use crate::error::{OrRaise, border};
use crate::task::Waits;

/// A step, parsed once, run many times.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Step {
    pub(crate) step: sessile::Step,
    pub(crate) waits: Waits,
    /// The names of its fields, in order, each once.
    #[pyo3(get)]
    fields: Py<PyTuple>,
    /// Those of the members that it takes out of a message: its fields, if it is a PUT.
    #[pyo3(get)]
    taken: Py<PyTuple>,
}

impl Step {
    pub(crate) fn new(py: Python<'_>, step: sessile::Step) -> PyResult<Step> {
        let fields = PyTuple::new(py, step.fields().collect::<Vec<_>>())?.unbind();
        let taken = if step.operation() == "PUT" { fields.clone_ref(py) } else { PyTuple::empty(py).unbind() };
        // The wire form always has the member, spelled so; a name or a tag can't contain a bare quote.
        let waits =
            if step.to_json().contains(r#","sessionType":"LOCAL","scoped":"#) { Waits::Never } else { Waits::Maybe };
        Ok(Step { step, waits, fields, taken })
    }
}

#[pymethods]
impl Step {
    #[new]
    fn parse(py: Python<'_>, text: Text<'_>) -> PyResult<Step> {
        border(py, || Step::new(py, sessile::Step::parse(text.as_str()).or_raise(py)?))
    }

    /// `GET`, `PUT` or `DELETE`.
    #[getter]
    fn operation(&self, py: Python<'_>) -> PyResult<&'static str> {
        border(py, || Ok(self.step.operation()))
    }

    /// Its full wire form, JSON text.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        border(py, || Ok(self.step.to_json()))
    }
}
