//! The life of users' sessions: JSON text in, JSON text out.

use pyo3::prelude::*;
use sessile::Time;

use crate::arguments::{Name, Seconds, Text};
use crate::error::border;
use crate::task::{Given, To, Waits, document, nothing, plain, run};

/// The sessions of a store's users.
#[pyclass(frozen, module = "sessile._native")]
pub(crate) struct Sessions(pub(crate) sessile::Sessions);

#[pymethods]
impl Sessions {
    /// Starts a session; its tokens.
    #[pyo3(signature = (tag, data, ttl, receiver=None))]
    fn start(
        &self,
        py: Python<'_>,
        tag: Name<'_>,
        data: Text<'_>,
        ttl: Option<Seconds>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let ttl = ttl.map(|ttl| ttl.0);
            run(py, Waits::Maybe, self.0.start(tag.0, data.as_str(), ttl), receiver, document)
        })
    }

    /// Whether a session token is good, and the session's data.
    #[pyo3(signature = (token, receiver=None))]
    fn verify(&self, py: Python<'_>, token: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.verify(token.as_str()), receiver, document))
    }

    /// New tokens for a refresh token.
    #[pyo3(signature = (refresh_token, receiver=None))]
    fn refresh(&self, py: Python<'_>, refresh_token: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.refresh(refresh_token.as_str()), receiver, document))
    }

    /// Revokes a session.
    #[pyo3(signature = (session_id, receiver=None))]
    fn revoke(&self, py: Python<'_>, session_id: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.revoke(session_id.0), receiver, nothing))
    }

    /// Revokes all of a user's sessions but one; how many were alive.
    #[pyo3(signature = (tag, user, except_, receiver=None))]
    fn revoke_all(
        &self,
        py: Python<'_>,
        tag: Name<'_>,
        user: Text<'_>,
        except_: Option<Name<'_>>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let except = except_.as_ref().map(|session| session.0);
            run(py, Waits::Maybe, self.0.revoke_all(tag.0, user.as_str(), except), receiver, plain)
        })
    }

    /// One page of a config's sessions, of one user or of all.
    #[pyo3(signature = (tag, user, page, receiver=None))]
    fn list(
        &self,
        py: Python<'_>,
        tag: Name<'_>,
        user: Option<Text<'_>>,
        page: Option<Text<'_>>,
        receiver: To<'_, '_>,
    ) -> Given {
        border(py, || {
            let (user, page) = (user.as_ref().map(Text::as_str), page.as_ref().map(Text::as_str));
            run(py, Waits::Maybe, self.0.list(tag.0, user, page), receiver, document)
        })
    }

    /// Merges fields into a session's data.
    #[pyo3(signature = (session_id, data, receiver=None))]
    fn update(&self, py: Python<'_>, session_id: Name<'_>, data: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.update(session_id.0, data.as_str()), receiver, nothing))
    }

    /// Moves a session's end to `ttl` from now; the end in force in milliseconds, None: never.
    #[pyo3(signature = (session_id, ttl, receiver=None))]
    fn extend(&self, py: Python<'_>, session_id: Name<'_>, ttl: Seconds, receiver: To<'_, '_>) -> Given {
        border(py, || {
            run(py, Waits::Maybe, self.0.extend(session_id.0, ttl.0), receiver, |py, end| {
                plain(py, end.map(Time::millis))
            })
        })
    }

    /// One page of a config's users.
    #[pyo3(signature = (tag, page, receiver=None))]
    fn users(&self, py: Python<'_>, tag: Name<'_>, page: Option<Text<'_>>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.users(tag.0, page.as_ref().map(Text::as_str)), receiver, document))
    }

    /// One user, with their sessions.
    #[pyo3(signature = (tag, user, receiver=None))]
    fn user(&self, py: Python<'_>, tag: Name<'_>, user: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.user(tag.0, user.as_str()), receiver, document))
    }

    /// The numbers of a config's users and sessions.
    #[pyo3(signature = (tag, receiver=None))]
    fn dashboard(&self, py: Python<'_>, tag: Name<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.dashboard(tag.0), receiver, document))
    }

    /// Removes a user and all their sessions; how many were alive.
    #[pyo3(signature = (tag, user, receiver=None))]
    fn forget(&self, py: Python<'_>, tag: Name<'_>, user: Text<'_>, receiver: To<'_, '_>) -> Given {
        border(py, || run(py, Waits::Maybe, self.0.forget(tag.0, user.as_str()), receiver, plain))
    }
}
