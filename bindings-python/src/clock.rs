//! A clock for tests.

use pyo3::prelude::*;
use sessile::Time;

use crate::error::{OrRaise, border};

/// A clock that stands still until it is moved. Times and periods in milliseconds, times since 1970 UTC.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Clock(pub(crate) sessile::Clock);

#[pymethods]
impl Clock {
    #[new]
    fn new(py: Python<'_>, millis: i64) -> PyResult<Clock> {
        border(py, || Ok(Clock(sessile::Clock::manual(Time::from_millis(millis)))))
    }

    /// The time it stands at.
    fn now(&self, py: Python<'_>) -> PyResult<i64> {
        border(py, || Ok(self.0.now().millis()))
    }

    /// Puts it at a time.
    fn set(&self, py: Python<'_>, millis: i64) -> PyResult<()> {
        border(py, || self.0.set(Time::from_millis(millis)).or_raise(py))
    }

    /// Moves it by a period (negative: back).
    fn advance(&self, py: Python<'_>, millis: i64) -> PyResult<()> {
        border(py, || self.0.advance(millis).or_raise(py))
    }
}
