//! Tasks of the core: waited for by sync callers without the interpreter, handed to an event loop's receiver by others.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sessile::{Exactness, Fields, Json, Limits, Task};

use crate::error::OrRaise;
use crate::receiver::{Pending, Receiver};

/// What native functions give.
pub(crate) type Given = PyResult<Py<PyAny>>;

/// Where the result goes: to an event loop's receiver, else (None) to the caller, who waits.
pub(crate) type To<'a, 'py> = Option<&'a Bound<'py, Receiver>>;

/// Whether an operation may wait for anything.
///
/// Decides only whether the interpreter is let go meanwhile: giving it up for a Local operation that is over in 100 ns
/// makes threads take turns (up to 5 ms each) where none would have to.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Waits {
    Never,
    Maybe,
}

/// Runs a task and converts its result. Without a receiver: here and now. With one: what is not finished at once
/// becomes a [`Pending`], whose result comes through the receiver later.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    waits: Waits,
    task: Task<T>,
    receiver: To<'_, '_>,
    convert: impl FnOnce(Python<'_>, T) -> Given + Clone + Send + 'static,
) -> Given {
    let Some(receiver) = receiver else {
        let result = match waits {
            Waits::Never => task.wait(),
            Waits::Maybe => py.detach(|| task.wait()),
        };
        return convert(py, result.or_raise(py)?);
    };
    let (number, done) = receiver.get().expect(convert.clone());
    let inline = match waits {
        Waits::Never => task.start(done),
        Waits::Maybe => py.detach(|| task.start(done)),
    };
    match inline {
        Some(result) => convert(py, result.or_raise(py)?),
        None => Pending::new(number).into_py_any(py),
    }
}

pub(crate) fn nothing(py: Python<'_>, (): ()) -> Given {
    Ok(py.None())
}

/// Any plain value: `bool`, `int`, `str`, a list or tuple of them.
pub(crate) fn plain<T: for<'py> IntoPyObject<'py>>(py: Python<'_>, value: T) -> Given {
    value.into_py_any(py)
}

/// JSON text as `bytes`, whether Python's numbers can hold it or not.
pub(crate) fn raw(py: Python<'_>, value: Option<Json>) -> Given {
    match value {
        Some(value) => bytes(py, value.as_str()),
        None => Ok(py.None()),
    }
}

/// JSON text as `bytes`, to be read as Python values: refused if a number would not survive that.
pub(crate) fn exact(py: Python<'_>, value: Option<Json>) -> Given {
    if let Some(value) = &value {
        value.check_exact(Exactness::Int64).or_raise(py)?;
    }
    raw(py, value)
}

/// Fields as one JSON object in `bytes`, to be read as Python values.
pub(crate) fn exact_fields(py: Python<'_>, fields: Fields) -> Given {
    fields.check_exact(Exactness::Int64).or_raise(py)?;
    bytes(py, &fields.to_json())
}

/// A document that the core made, as `bytes`, to be read as Python values: refused if a number would not survive that.
pub(crate) fn document(py: Python<'_>, text: String) -> Given {
    // Its parts were within the limit of depth when they were stored; around them there are levels of the core's own.
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    exact(py, Some(Json::parse(&text, &limits).or_raise(py)?))
}

pub(crate) fn bytes(py: Python<'_>, text: &str) -> Given {
    Ok(PyBytes::new(py, text.as_bytes()).into_any().unbind())
}
