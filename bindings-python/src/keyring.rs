//! Keyrings: made, and their files changed.

use pyo3::prelude::*;
use sessile::{Keyring, Result};

use crate::arguments::{Name, Path};
use crate::error::{OrRaise, border};
use crate::task::{Given, bytes};

/// Makes a keyring file.
#[pyfunction]
pub(crate) fn generate_keyring(py: Python<'_>, path: Path) -> PyResult<()> {
    border(py, || py.detach(|| Keyring::generate(path.0)).or_raise(py))
}

/// A new keyring as JSON text.
#[pyfunction]
pub(crate) fn generate_keyring_json(py: Python<'_>) -> PyResult<String> {
    border(py, || Keyring::generate_json().or_raise(py))
}

/// Adds a pending key to a keyring file; its name.
#[pyfunction]
pub(crate) fn add_key(py: Python<'_>, path: Path, kind: Name<'_>) -> PyResult<String> {
    border(py, || py.detach(|| Keyring::add(path.0, kind.0)).or_raise(py))
}

/// Makes a key primary.
#[pyfunction]
pub(crate) fn promote_key(py: Python<'_>, path: Path, key: Name<'_>) -> PyResult<()> {
    step(py, path, key, Keyring::promote)
}

/// Lets a key open what it sealed, and nothing more.
#[pyfunction]
pub(crate) fn retire_key(py: Python<'_>, path: Path, key: Name<'_>) -> PyResult<()> {
    step(py, path, key, Keyring::retire)
}

/// Lets a key open nothing any more.
#[pyfunction]
pub(crate) fn revoke_key(py: Python<'_>, path: Path, key: Name<'_>) -> PyResult<()> {
    step(py, path, key, Keyring::revoke)
}

/// Takes a revoked key out of the file.
#[pyfunction]
pub(crate) fn drop_key(py: Python<'_>, path: Path, key: Name<'_>) -> PyResult<()> {
    step(py, path, key, Keyring::drop)
}

/// What is in a keyring file, JSON text without a key.
#[pyfunction]
pub(crate) fn describe_keyring(py: Python<'_>, path: Path) -> Given {
    border(py, || bytes(py, &py.detach(|| Keyring::describe(path.0)).or_raise(py)?))
}

fn step(py: Python<'_>, path: Path, key: Name<'_>, step: fn(std::path::PathBuf, &str) -> Result<()>) -> PyResult<()> {
    border(py, || py.detach(|| step(path.0, key.0)).or_raise(py))
}
