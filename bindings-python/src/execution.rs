//! Executions and sub-processes.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sessile::{CommitOptions, Committed, Exactness, Limits};

use crate::arguments::{Flag, Name, Text};
use crate::error::{OrRaise, border};
use crate::session::Session;
use crate::step::Step;
use crate::task::{Given, To, Waits, bytes, nothing, plain, run};

/// One run of a pipeline, or a sub-process of it.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Execution {
    execution: sessile::Execution,
    limits: Limits,
}

impl Execution {
    pub(crate) fn new(execution: sessile::Execution, limits: Limits) -> Execution {
        Execution { execution, limits }
    }

    fn below(&self, execution: sessile::Execution) -> Execution {
        Execution::new(execution, self.limits.clone())
    }
}

#[pymethods]
impl Execution {
    /// The execution's id.
    #[getter]
    fn id(&self, py: Python<'_>) -> PyResult<&str> {
        border(py, || Ok(self.execution.id()))
    }

    /// The path of this sub-process.
    #[getter]
    fn subprocess_id(&self, py: Python<'_>) -> PyResult<String> {
        border(py, || Ok(self.execution.subprocess_id()))
    }

    /// The name of this sub-process.
    #[getter]
    fn name(&self, py: Python<'_>) -> PyResult<&str> {
        border(py, || Ok(self.execution.name()))
    }

    /// A step from JSON text, within the store's limits.
    fn parse(&self, py: Python<'_>, text: Text<'_>) -> PyResult<Step> {
        border(py, || Step::new(py, sessile::Step::parse_within(text.as_str(), &self.limits).or_raise(py)?))
    }

    /// Runs a step on JSON text. The new message, or None: the message as it came in. `exact`: the new message is going
    /// to be read as Python values, so a number that would not survive that is an error.
    #[pyo3(signature = (step, message, exact, receiver=None))]
    fn step(
        &self,
        py: Python<'_>,
        step: &Bound<'_, Step>,
        message: Option<Text<'_>>,
        exact: bool,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let step = step.get();
            let task = self.execution.step(&step.step, message.as_ref().map(Text::as_str));
            run(py, step.waits, task, receiver, move |py, output| {
                if exact {
                    output.check_exact(Exactness::Int64).or_raise(py)?;
                }
                output.text().map_or_else(|| Ok(py.None()), |message| bytes(py, message))
            })
        })
    }

    /// The shared Local session.
    fn local(&self, py: Python<'_>) -> PyResult<Session> {
        border(py, || Ok(Session::new(self.execution.local(), Waits::Never)))
    }

    /// This sub-process's own version of the Local session.
    fn scoped(&self, py: Python<'_>) -> PyResult<Session> {
        border(py, || Ok(Session::new(self.execution.scoped(), Waits::Never)))
    }

    /// The user's Global session, or this sub-process's own version of it.
    fn global_(&self, py: Python<'_>, tag: Option<Name<'_>>, scoped: Flag) -> PyResult<Session> {
        border(py, || {
            let tag = tag.as_ref().map(|tag| tag.0);
            let session = if scoped.0 { self.execution.scoped_global(tag) } else { self.execution.global(tag) };
            Ok(Session::new(session, Waits::Maybe))
        })
    }

    /// Starts a sub-process below this one.
    fn subprocess(&self, py: Python<'_>, name: Name<'_>) -> PyResult<Execution> {
        border(py, || Ok(self.below(self.execution.subprocess(name.0).or_raise(py)?)))
    }

    /// The open sub-process with that id.
    fn subprocess_by_id(&self, py: Python<'_>, id: Name<'_>) -> PyResult<Execution> {
        border(py, || Ok(self.below(self.execution.subprocess_by_id(id.0).or_raise(py)?)))
    }

    /// Applies Local changes to the parent: `(put, deleted)`.
    #[pyo3(signature = (exclusive, receiver=None))]
    fn commit(&self, py: Python<'_>, exclusive: Flag, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, Waits::Never, self.execution.commit(CommitOptions { exclusive: exclusive.0 }), receiver, committed)
        })
    }

    /// Ends the sub-process or the execution.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        border(py, || {
            self.execution.end();
            Ok(())
        })
    }

    /// Puts a fresh token in place.
    #[pyo3(signature = (token, receiver=None))]
    fn renew(&self, py: Python<'_>, token: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.execution.renew(token.as_str()), receiver, nothing))
    }

    /// The Local state, sealed.
    #[pyo3(signature = (receiver=None))]
    fn checkpoint(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, Waits::Maybe, self.execution.checkpoint(), receiver, |py, sealed| {
                PyBytes::new(py, &sealed).into_py_any(py)
            })
        })
    }
}

/// What a commit changed: two lists of names.
pub(crate) fn committed(py: Python<'_>, committed: Committed) -> Given {
    plain(py, (committed.put, committed.deleted))
}
