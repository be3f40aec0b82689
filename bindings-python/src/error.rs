//! The border: every call from Python passes here, so that errors and panics arrive as `sessile.SessileError`.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use sessile::{Code, Error};

use crate::events;

/// Runs the body of a native function. A panic becomes `PANIC`, not an exception that no `except Exception` catches.
pub(crate) fn border<T>(py: Python<'_>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let result = match sessile::guard(|| Ok(body())) {
        Ok(result) => result,
        Err(panicked) => Err(raise(py, &panicked)),
    };
    events::tell(py);
    result
}

/// The exception of an error, of the class that `sessile.errors` keeps for its code.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, "from_core", error).unwrap_or_else(|failed| failed)
}

/// The exception of an argument of a wrong Python type: also a `TypeError`.
pub(crate) fn wrong_type(py: Python<'_>, message: String) -> PyErr {
    exception(py, "wrong_type", &Error::new(Code::InvalidArgument, message)).unwrap_or_else(|failed| failed)
}

/// The exception of an argument that has the right type and no usable value.
pub(crate) fn invalid(py: Python<'_>, message: String) -> PyErr {
    raise(py, &Error::new(Code::InvalidArgument, message))
}

fn exception(py: Python<'_>, maker: &str, error: &Error) -> PyResult<PyErr> {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    // Imported at the first error: that module itself needs this one.
    let errors = ERRORS.get_or_try_init(py, || PyResult::Ok(py.import("sessile.errors")?.unbind()))?;
    let details = error.details_json();
    let made = errors.bind(py).getattr(maker)?.call1((error.code().number(), error.message(), details))?;
    Ok(PyErr::from_value(made))
}

/// An error of the core as an exception, on the way out of a native function.
pub(crate) trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for sessile::Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}

/// Every code of the core: number, name, category, and whether the same call may succeed later.
#[pyfunction]
pub(crate) fn codes() -> Vec<(i32, &'static str, &'static str, bool)> {
    Code::ALL.iter().map(|code| (code.number(), code.name(), code.category().as_str(), code.retryable())).collect()
}

/// The type of an object, for messages: `int`, never its value.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    let name = object.get_type().getattr(intern!(object.py(), "__name__")).and_then(|name| name.extract());
    name.unwrap_or_else(|_| "something else".to_owned())
}
