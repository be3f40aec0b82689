//! The hooks around a fork, which `sessile/_fork.py` registers.

use pyo3::prelude::*;

use crate::error::{OrRaise, border};

/// Before `os.fork`: waits for the calls under way and closes the connections of open stores.
#[pyfunction]
pub(crate) fn before_fork(py: Python<'_>) -> PyResult<()> {
    // Without the interpreter: the calls that are waited for need it to return.
    border(py, || py.detach(sessile::fork::before).or_raise(py))
}

/// After `os.fork`, on both sides.
#[pyfunction]
pub(crate) fn after_fork() {
    sessile::fork::after();
}
