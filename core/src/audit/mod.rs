//! Audit events: what happened to tokens, sessions, users, configurations and keys, for whoever watches over a store.
//!
//! [`event`] says what an event is and how it reads, [`queue`] keeps those that the host has not [fetched](fetch) yet, [`trace`]
//! hands them to the host's `tracing` subscriber. Nothing is built unless one of the two listens.

mod event;
mod fetch;
mod queue;
mod trace;

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::Clock;
use crate::error::{Category, Code, Error, Result};
use crate::vault::News;

pub(crate) use event::{Event, What, Whose};
use queue::Queues;
pub(crate) use trace::outermost;

/// Takes the events of one store.
pub(crate) struct Audit {
    clock: Clock,
    /// Absent: the host did not ask for events.
    queue: Option<Queues>,
    /// The process whose events these are. A child that was forked without the hooks has none.
    pid: AtomicU32,
}

impl Audit {
    /// `kept`: how many events wait for the host at most; `None`: it wants none.
    pub(crate) fn new(clock: Clock, kept: Option<usize>) -> Audit {
        Audit { clock, queue: kept.map(Queues::new), pid: AtomicU32::new(process::id()) }
    }

    /// Takes an event, which is built only if somebody listens. Calls nobody: the host's code runs once our locks are
    /// released.
    pub(crate) fn happened(&self, event: impl FnOnce() -> Event) {
        let traced = trace::is_wanted();
        if (self.queue.is_none() && !traced) || !self.is_own() {
            return;
        }
        let (at, event) = (self.clock.now(), event());
        match &self.queue {
            Some(queue) if traced => {
                queue.own().push(at, event.clone());
                trace::later(at, event);
            }
            Some(queue) => queue.own().push(at, event),
            None => trace::later(at, event),
        }
    }

    fn is_own(&self) -> bool {
        self.pid.load(Ordering::Relaxed) == process::id()
    }

    /// In a child that was forked with the hooks: what its parent has not fetched is the parent's.
    pub(crate) fn adopt(&self) {
        if let Some(queue) = &self.queue {
            queue.begin_anew();
        }
        self.pid.store(process::id(), Ordering::Relaxed);
    }

    /// The end of a call: a refusal that watchers want to hear of becomes an event, once.
    pub(crate) fn told<T>(&self, result: Result<T>, whose: impl FnOnce() -> Whose) -> Result<T> {
        let result = result.map_err(|error| self.refusal(error, whose));
        trace::release();
        result
    }

    /// The error, which became an event if it is one to watchers and was none yet.
    pub(crate) fn refusal(&self, error: Error, whose: impl FnOnce() -> Whose) -> Error {
        let Some(what) = meaning(error.code()).filter(|_| !error.is_told()) else { return error };
        self.happened(|| Event::of(what).refused(&error).whose(whose()));
        error.told()
    }

    /// What became of the store's keys.
    pub(crate) fn keys_changed(&self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        for news in news {
            self.happened(|| match &news {
                News::Key { id, state } => Event::of(What::KeyChanged).key(id).reason(state),
                News::Refused(why) => Event::of(What::KeyringRefused).refused(why),
            });
        }
        trace::release();
    }

    /// Whether the host has events to fetch.
    pub(crate) fn has_events(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.own().has_events()) && self.is_own()
    }

    /// The oldest events, `max` at most, as JSON objects; they are gone from here then.
    pub(crate) fn drain(&self, max: usize) -> Vec<String> {
        match &self.queue {
            Some(queue) if self.is_own() => queue.own().drain(max, self.clock.now()),
            _ => Vec::new(),
        }
    }
}

/// What an error is to watchers; `None`: nothing.
fn meaning(code: Code) -> Option<What> {
    match code {
        // The session's end was told as theft already.
        Code::RefreshReused => None,
        Code::LimitExceeded | Code::QuotaExceeded => Some(What::LimitHit),
        Code::Corrupt | Code::KeyMismatch | Code::Stale => Some(What::TamperingSeen),
        _ if code.category() == Category::Identity => Some(What::TokenRefused),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    fn audit(kept: Option<usize>) -> Audit {
        Audit::new(Clock::manual(Time::from_millis(0)), kept)
    }

    #[test]
    fn a_key_that_changes_is_an_event() {
        let audit = audit(Some(8));
        audit.keys_changed(vec![
            News::Key { id: "7".into(), state: "retired" },
            News::Refused(Error::new(Code::KeyringInvalid, "m").with("reason", "index")),
        ]);
        let event = r#"{"at":"1970-01-01T00:00:00.000Z","event":"key.changed","keyId":"7","reason":"retired"}"#;
        let refused =
            r#"{"at":"1970-01-01T00:00:00.000Z","event":"keyring.refused","reason":"index","code":"KEYRING_INVALID"}"#;
        assert_eq!(audit.drain(9), [event, refused]);
    }

    #[test]
    fn an_error_is_told_once() {
        let audit = audit(Some(8));
        for (code, events) in [
            (Code::Corrupt, 1),
            (Code::Stale, 1),
            (Code::KeyMismatch, 1),
            (Code::LimitExceeded, 1),
            (Code::QuotaExceeded, 1),
            (Code::GlobalNotAllowed, 1),
            (Code::TokenExpired, 1),
            (Code::RefreshReused, 0),
            (Code::NotFound, 0),
            (Code::Conflict, 0),
            (Code::KeyUnavailable, 0),
        ] {
            let error = audit.refusal(Error::new(code, "m"), Whose::default);
            audit.refusal(error, Whose::default);
            assert_eq!(audit.drain(9).len(), events, "{code}");
        }
    }

    #[test]
    fn nothing_is_built_for_nobody() {
        let audit = audit(None);
        audit.happened(|| panic!("built"));
        assert!(!audit.has_events());
    }
}
