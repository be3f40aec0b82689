//! Stores.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use sessile::{Options, Time};

use crate::arguments::{Bytes, Count, Name, Path, Seconds, Text};
use crate::clock::Clock;
use crate::configs::Configs;
use crate::error::{OrRaise, border, invalid};
use crate::events;
use crate::execution::Execution;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::step::Step;
use crate::task::{Given, To, Waits, bytes, document, nothing, plain, run};
use crate::token::VerifiedToken;

/// An open store.
#[pyclass(frozen, weakref, module = "sessile._native")]
pub(crate) struct Store(pub(crate) sessile::Store);

#[pymethods]
impl Store {
    /// Opens a store. `options` is JSON text; secrets come through arguments of their own.
    #[staticmethod]
    #[pyo3(signature = (options, keyring_file, keyring_bytes, keyring_env, backend_password, issuer_secrets, clock, receiver=None))]
    #[expect(clippy::too_many_arguments, reason = "one a door")]
    fn open(
        py: Python<'_>,
        options: Text<'_>,
        keyring_file: Option<Path>,
        keyring_bytes: Option<Text<'_>>,
        keyring_env: Option<Name<'_>>,
        backend_password: Option<Name<'_>>,
        issuer_secrets: &Bound<'_, PyDict>,
        clock: Option<&Bound<'_, Clock>>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let mut options = Options::from_json(options.as_str()).or_raise(py)?;
            if let Some(path) = keyring_file {
                options = options.keyring_file(path.0);
            }
            if let Some(bytes) = keyring_bytes {
                options = options.keyring_bytes(bytes.as_str().as_bytes());
            }
            if let Some(variable) = keyring_env {
                options = options.keyring_env(variable.0);
            }
            if let Some(password) = backend_password {
                options = options.backend_password(password.0);
            }
            for (issuer, secret) in issuer_secrets {
                options = options.issuer_secret(issuer.extract::<Name<'_>>()?.0, secret.extract::<Bytes<'_>>()?.0);
            }
            if let Some(clock) = clock {
                options = options.clock(clock.get().0.clone());
            }
            run(py, Waits::Maybe, sessile::Store::open(options), receiver, |py, store| Store(store).into_py_any(py))
        })
    }

    /// Starts an execution.
    #[pyo3(signature = (trigger, token, request_id))]
    fn execution(
        &self,
        py: Python<'_>,
        trigger: Option<Text<'_>>,
        token: Option<Text<'_>>,
        request_id: Option<Name<'_>>,
    ) -> PyResult<Execution> {
        border(py, || {
            let execution = self.0.execution(trigger.as_ref().map(Text::as_str), token.as_ref().map(Text::as_str));
            let execution = execution.or_raise(py)?;
            execution.set_request_id(request_id.as_ref().map(|id| id.0)).or_raise(py)?;
            Ok(Execution::new(execution, self.0.limits().clone()))
        })
    }

    /// A step from JSON text, within the store's limits.
    fn parse(&self, py: Python<'_>, text: Text<'_>) -> PyResult<Step> {
        border(py, || Step::new(py, sessile::Step::parse_within(text.as_str(), self.0.limits()).or_raise(py)?))
    }

    /// Takes up an execution from a checkpoint.
    #[pyo3(signature = (checkpoint, trigger, token, request_id, receiver=None))]
    fn resume(
        &self,
        py: Python<'_>,
        checkpoint: Bytes<'_>,
        trigger: Option<Text<'_>>,
        token: Option<Text<'_>>,
        request_id: Option<Name<'_>>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let request_id = request_id.map(|id| id.0.to_owned());
            let task =
                self.0.resume(checkpoint.0, trigger.as_ref().map(Text::as_str), token.as_ref().map(Text::as_str));
            let limits = self.0.limits().clone();
            run(py, Waits::Maybe, task, receiver, move |py, execution| {
                execution.set_request_id(request_id.as_deref()).or_raise(py)?;
                Execution::new(execution, limits).into_py_any(py)
            })
        })
    }

    /// Verifies a token.
    #[pyo3(signature = (token, receiver=None))]
    fn verify(&self, py: Python<'_>, token: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            let task = self.0.verify(token.as_str());
            run(py, Waits::Maybe, task, receiver, |py, token| VerifiedToken(token).into_py_any(py))
        })
    }

    /// The user's Global session, from proof alone.
    fn global_(&self, py: Python<'_>, token: &Bound<'_, VerifiedToken>, tag: Option<Name<'_>>) -> PyResult<Session> {
        border(py, || {
            let session = self.0.global(&token.get().0, tag.as_ref().map(|tag| tag.0)).or_raise(py)?;
            Ok(Session::new(session, Waits::Maybe))
        })
    }

    /// Signs a login token. `claims` is JSON text, `ttl` in seconds.
    #[pyo3(signature = (claims, ttl, receiver=None))]
    fn issue(&self, py: Python<'_>, claims: Text<'_>, ttl: Seconds, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.tokens().issue(claims.as_str(), ttl.0), receiver, plain))
    }

    /// The public keys as a JWK set, JSON text.
    #[pyo3(signature = (receiver=None))]
    fn jwks(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.tokens().jwks(), receiver, plain))
    }

    /// The session configurations.
    fn configs(&self, py: Python<'_>) -> PyResult<Configs> {
        border(py, || Ok(Configs(self.0.configs())))
    }

    /// The sessions of its users.
    fn sessions(&self, py: Python<'_>) -> PyResult<Sessions> {
        border(py, || Ok(Sessions(self.0.sessions())))
    }

    /// Drops up to so many sessions that are over and users who are gone; how many.
    #[pyo3(signature = (budget, receiver=None))]
    fn sweep(&self, py: Python<'_>, budget: Count, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.sweep(budget.0), receiver, plain))
    }

    /// Waits until what was acknowledged is on the disk.
    #[pyo3(signature = (receiver=None))]
    fn flush(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.flush(), receiver, nothing))
    }

    /// Copies the store to a new file.
    #[pyo3(signature = (path, receiver=None))]
    fn backup(&self, py: Python<'_>, path: Path, receiver: To<'_, '_>) -> Given {
        border(py, || {
            let Some(path) = path.0.to_str() else { return Err(invalid(py, "a path is valid UTF-8".to_owned())) };
            run(py, Waits::Maybe, self.0.backup(path), receiver, nothing)
        })
    }

    /// Looks everything over; the report, JSON text.
    #[pyo3(signature = (receiver=None))]
    fn check(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.check(), receiver, document))
    }

    /// Revokes what an issuer gave out until `not_before` in milliseconds; None: now.
    #[pyo3(signature = (issuer, not_before, receiver=None))]
    fn revoke_issuer(&self, py: Python<'_>, issuer: Name<'_>, not_before: Option<i64>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            let not_before = not_before.map(Time::from_millis);
            run(py, Waits::Maybe, self.0.revoke_issuer(issuer.0, not_before), receiver, nothing)
        })
    }

    /// Revokes a token.
    #[pyo3(signature = (token, receiver=None))]
    fn revoke_token(&self, py: Python<'_>, token: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.revoke_token(token.as_str()), receiver, nothing))
    }

    /// Revokes a token by its issuer and id.
    #[pyo3(signature = (issuer, jti, receiver=None))]
    fn revoke_token_id(&self, py: Python<'_>, issuer: Name<'_>, jti: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.revoke_token_id(issuer.0, jti.0), receiver, nothing))
    }

    /// Takes a logout token; how many sessions were alive.
    #[pyo3(signature = (token, receiver=None))]
    fn accept_logout_token(&self, py: Python<'_>, token: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.accept_logout_token(token.as_str()), receiver, plain))
    }

    /// Whether the store answers, JSON text.
    #[pyo3(signature = (receiver=None))]
    fn health(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.health(), receiver, document))
    }

    /// What there is to know of tokens, issuers' keys and the server, JSON text.
    fn stats(&self, py: Python<'_>) -> Given {
        border(py, || bytes(py, &self.0.stats()))
    }

    /// Reads the keyring again, or takes `keyring`, its JSON text.
    #[pyo3(signature = (keyring, receiver=None))]
    fn reload_keys(&self, py: Python<'_>, keyring: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        border(py, || {
            let keyring = keyring.as_ref().map(|keyring| keyring.as_str().as_bytes());
            // A file is read before there is a task.
            let task = py.detach(|| self.0.reload_keys(keyring));
            run(py, Waits::Maybe, task, receiver, nothing)
        })
    }

    /// Seals a page of records anew; how far it came, JSON text.
    #[pyo3(signature = (page, receiver=None))]
    fn rewrap(&self, py: Python<'_>, page: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.rewrap(page.as_ref().map(Text::as_str)), receiver, document))
    }

    /// Brings a page of records to another store; how far it came, JSON text.
    #[pyo3(signature = (other, page, receiver=None))]
    fn copy_to(&self, py: Python<'_>, other: PyRef<'_, Store>, page: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        let page = page.as_ref().map(Text::as_str);
        border(py, || run(py, Waits::Maybe, self.0.copy_to(&other.0, page), receiver, document))
    }

    /// How much is sealed with each key, JSON text.
    #[pyo3(signature = (receiver=None))]
    fn key_usage(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.key_usage(), receiver, document))
    }

    /// Takes a data key out of the keyring's file.
    #[pyo3(signature = (key, receiver=None))]
    fn drop_key(&self, py: Python<'_>, key: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.drop_key(key.0), receiver, nothing))
    }

    /// Has `on_event` told of each audit event, as its JSON text, as a thread of the host is done with a call.
    fn on_event(slf: &Bound<'_, Store>, on_event: Py<PyAny>) -> PyResult<()> {
        border(slf.py(), || events::watch(slf, on_event))
    }

    /// Whether there are audit events to fetch.
    #[getter]
    fn has_events(&self, py: Python<'_>) -> PyResult<bool> {
        border(py, || Ok(self.0.has_events()))
    }

    /// The oldest audit events that nobody fetched yet, so many at most; a JSON array.
    fn drain_events(&self, py: Python<'_>, max: Count) -> Given {
        border(py, || bytes(py, &format!("[{}]", self.0.drain_events(max.0 as usize).join(","))))
    }

    /// Closes the store.
    #[pyo3(signature = (receiver=None))]
    fn close(&self, py: Python<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.close(), receiver, nothing))
    }
}
