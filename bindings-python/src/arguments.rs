//! What native functions take: names and JSON text without a copy where Python has UTF-8 at hand, whole seconds,
//! counts, bytes, paths, flags. What is of a wrong type is an `ArgumentTypeError`.

use std::borrow::Cow;
use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyDelta, PyInt, PyString, PyTuple};

use crate::error::{invalid, type_name, wrong_type};

/// A name, tag, pointer, version or id: a `str`.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl<'a> FromPyObject<'a, '_> for Name<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, '_, PyAny>) -> PyResult<Name<'a>> {
        match utf8(object) {
            Some(text) => text.map(Name),
            None => Err(wrong_type(object.py(), format!("a name is a str, not {}", type_name(&object)))),
        }
    }
}

/// JSON text or a token: `str`, `bytes` or `bytearray`. Only the last, which may change meanwhile, is copied.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> FromPyObject<'a, '_> for Text<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, '_, PyAny>) -> PyResult<Text<'a>> {
        let py = object.py();
        let not_utf8 = |_| invalid(py, "text is not valid UTF-8".to_owned());
        if let Some(text) = utf8(object) {
            return text.map(|text| Text(Cow::Borrowed(text)));
        }
        if let Ok(bytes) = object.extract::<&'a [u8]>() {
            return Ok(Text(Cow::Borrowed(std::str::from_utf8(bytes).map_err(not_utf8)?)));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            let text = String::from_utf8(bytes.to_vec());
            return Ok(Text(Cow::Owned(text.map_err(|error| not_utf8(error.utf8_error()))?)));
        }
        Err(wrong_type(py, format!("text is str, bytes or bytearray, not {}", type_name(&object))))
    }
}

/// Bytes that are no text: `bytes`.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> FromPyObject<'a, '_> for Bytes<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, '_, PyAny>) -> PyResult<Bytes<'a>> {
        let bytes = object.extract::<&'a [u8]>();
        bytes.map(Bytes).map_err(|_| wrong_type(object.py(), format!("bytes are wanted, not {}", type_name(&object))))
    }
}

/// A file's path: `str` or a path object.
pub(crate) struct Path(pub(crate) PathBuf);

impl FromPyObject<'_, '_> for Path {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Path> {
        let py = object.py();
        object.extract().map(Path).map_err(|error: PyErr| {
            let wrong = format!("a path is a str or a path object, not {}", type_name(&object));
            if error.is_instance_of::<PyTypeError>(py) { wrong_type(py, wrong) } else { error }
        })
    }
}

/// Yes or no: a `bool`.
pub(crate) struct Flag(pub(crate) bool);

impl FromPyObject<'_, '_> for Flag {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Flag> {
        let flag = object.extract::<bool>();
        flag.map(Flag).map_err(|_| wrong_type(object.py(), format!("a bool is wanted, not {}", type_name(&object))))
    }
}

/// The UTF-8 that Python keeps of a `str`; nothing for other types.
fn utf8<'a>(object: Borrowed<'a, '_, PyAny>) -> Option<PyResult<&'a str>> {
    // Looked at first: an extraction that fails makes an exception.
    if !object.is_instance_of::<PyString>() {
        return None;
    }
    let text = object.extract::<&'a str>();
    Some(text.map_err(|_| invalid(object.py(), "a str with a lone surrogate has no UTF-8".to_owned())))
}

/// Several names, from the `*names` of a call.
pub(crate) fn names<'a>(tuple: &'a Bound<'_, PyTuple>) -> PyResult<Vec<&'a str>> {
    tuple.iter_borrowed().map(|name| name.extract::<Name<'_>>().map(|name| name.0)).collect()
}

/// A period in whole seconds, from an `int` or a `timedelta`. The core says which are too short or too long.
pub(crate) struct Seconds(pub(crate) u64);

impl FromPyObject<'_, '_> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Seconds> {
        let py = object.py();
        let whole = || invalid(py, "a ttl is a number of whole seconds, 1 or more".to_owned());
        if let Ok(delta) = object.cast::<PyDelta>() {
            let seconds: f64 = delta.call_method0("total_seconds")?.extract()?;
            // Exact: a timedelta's largest number of seconds is below 2^53.
            return if seconds >= 0.0 && seconds.fract() == 0.0 { Ok(Seconds(seconds as u64)) } else { Err(whole()) };
        }
        if object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>() {
            return object.extract::<u64>().map(Seconds).map_err(|_| whole());
        }
        Err(wrong_type(py, format!("a ttl is int seconds or a timedelta, not {}", type_name(&object))))
    }
}

/// How many at most: an `int`, 0 or more.
pub(crate) struct Count(pub(crate) u32);

impl FromPyObject<'_, '_> for Count {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Count> {
        let py = object.py();
        if object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>() {
            let count = object.extract::<u32>();
            return count.map(Count).map_err(|_| invalid(py, format!("a count is 0 to {}", u32::MAX)));
        }
        Err(wrong_type(py, format!("a count is an int, not {}", type_name(&object))))
    }
}
