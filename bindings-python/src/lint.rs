//! The linter.

use pyo3::prelude::*;

use crate::arguments::Text;
use crate::error::{OrRaise, border};

/// What looks wrong in a pipeline: JSON text in, JSON text out.
#[pyfunction]
pub(crate) fn lint(py: Python<'_>, pipeline: Text<'_>) -> PyResult<String> {
    border(py, || py.detach(|| sessile::lint(pipeline.as_str())).or_raise(py))
}
