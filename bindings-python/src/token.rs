//! Verified tokens.

use pyo3::prelude::*;

use crate::error::border;

/// The proof of who the user is. Times are milliseconds since 1970 UTC.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct VerifiedToken(pub(crate) sessile::VerifiedToken);

#[pymethods]
impl VerifiedToken {
    /// The issuer's realm.
    #[getter]
    fn realm(&self, py: Python<'_>) -> PyResult<String> {
        border(py, || Ok(self.0.realm().to_owned()))
    }

    /// The subject.
    #[getter]
    fn subject(&self, py: Python<'_>) -> PyResult<String> {
        border(py, || Ok(self.0.subject().to_owned()))
    }

    /// The issuer.
    #[getter]
    fn issuer(&self, py: Python<'_>) -> PyResult<String> {
        border(py, || Ok(self.0.issuer().to_owned()))
    }

    /// The token's own id, if it has one.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<Option<String>> {
        border(py, || Ok(self.0.id().map(str::to_owned)))
    }

    /// When it was issued.
    #[getter]
    fn issued_at(&self, py: Python<'_>) -> PyResult<i64> {
        border(py, || Ok(self.0.issued_at().millis()))
    }

    /// When it ends.
    #[getter]
    fn expires_at(&self, py: Python<'_>) -> PyResult<i64> {
        border(py, || Ok(self.0.expires_at().millis()))
    }

    /// How the user was authenticated, if the issuer says so.
    #[getter]
    fn acr(&self, py: Python<'_>) -> PyResult<Option<String>> {
        border(py, || Ok(self.0.acr().map(str::to_owned)))
    }

    /// When the user was authenticated, if the issuer says so.
    #[getter]
    fn authenticated_at(&self, py: Python<'_>) -> PyResult<Option<i64>> {
        border(py, || Ok(self.0.authenticated_at().map(sessile::Time::millis)))
    }
}
