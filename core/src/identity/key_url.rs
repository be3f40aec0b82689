//! Keys from a URL: fetched when first needed, again every ten minutes, and when a token names a key that is not there.
//!
//! A fetch runs on a thread of its own, one at a time: whoever has a known key never waits for it, whoever needs an
//! unknown one waits for the fetch that is under way. A set that can't be had again stays in force for a day.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use super::fetch::Fetch;
use super::jwk::Reason;
use super::keys::Loaded;
use crate::task::{guard, poll_again_at};

/// How often a set is fetched, and how long it is good for.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// A set is fetched again once it is that old.
    pub(super) refresh: Duration,
    /// Fetches lie at least that far apart, however many unknown keys are asked for.
    pub(super) pause: Duration,
    /// A set that could not be fetched again is good for that long.
    pub(super) keep: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace { refresh: Duration::from_secs(600), pause: Duration::from_secs(30), keep: Duration::from_secs(86_400) }
    }
}

/// A fetch that was begun that long ago is no more: its time-out has passed twice.
const LOST: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct KeyUrl {
    fetch: Fetch,
    pace: Pace,
    held: RwLock<Option<Held>>,
    flight: Mutex<Flight>,
}

struct Held {
    text: String,
    loaded: Arc<Loaded>,
    fetched: Instant,
}

#[derive(Default)]
struct Flight {
    /// Which process this is about: a fetch of its parent's never lands in a child.
    process: u32,
    /// When the last fetch began.
    begun: Option<Instant>,
    under_way: bool,
    /// Fetches that ended.
    landed: u64,
    waiting: Vec<Waker>,
    trouble: Option<Reason>,
}

impl KeyUrl {
    pub(super) fn new(fetch: Fetch, pace: Pace) -> Arc<KeyUrl> {
        Arc::new(KeyUrl { fetch, pace, held: RwLock::new(None), flight: Mutex::default() })
    }

    /// The set in force, if there is one; an old one is fetched again meanwhile.
    pub(super) fn current(self: &Arc<Self>) -> Option<Arc<Loaded>> {
        let (loaded, age) = match &*self.held.read() {
            Some(held) => (held.loaded.clone(), held.fetched.elapsed()),
            None => return None,
        };
        if age >= self.pace.refresh {
            self.begin();
        }
        (age < self.pace.keep).then_some(loaded)
    }

    /// Waits for a fetch: the one under way, or one that is begun now if the last is long enough ago. Whether one ended.
    pub(super) async fn refreshed(self: &Arc<Self>) -> bool {
        let Some(before) = self.begin() else { return false };
        poll_fn(|context| {
            let mut flight = self.flight.lock();
            if flight.landed != before || !flight.is_under_way() {
                return Poll::Ready(());
            }
            if let Some(begun) = flight.begun {
                poll_again_at(begun + LOST);
            }
            if !flight.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                flight.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
        true
    }

    pub(super) fn trouble(&self) -> Option<Reason> {
        self.flight.lock().trouble.clone()
    }

    /// Begins a fetch if none is under way and one may be. What to wait for: how many have ended so far; `None` if there
    /// is nothing to wait for.
    fn begin(self: &Arc<Self>) -> Option<u64> {
        // Dropped after the lock is free: whoever waited in the parent may be dropped with it.
        let _parents;
        let mut flight = self.flight.lock();
        let process = std::process::id();
        if flight.process != process {
            _parents = std::mem::replace(&mut *flight, Flight { process, ..Flight::default() });
        }
        if flight.is_under_way() {
            return Some(flight.landed);
        }
        if flight.begun.is_some_and(|begun| begun.elapsed() < self.pace.pause) {
            return None;
        }
        let url = self.clone();
        let started = thread::Builder::new().name("sessile-keys".to_owned()).spawn(move || url.fly());
        flight.begun = Some(Instant::now());
        flight.under_way = started.is_ok();
        started.is_ok().then_some(flight.landed)
    }

    fn fly(&self) {
        // Whatever happens to the fetch, nobody waits for it for good.
        let outcome = guard(|| Ok(self.fetch.get().and_then(|text| self.take(text))))
            .unwrap_or_else(|_| Err("it can't be fetched: the client panicked".to_owned()));
        let mut flight = self.flight.lock();
        flight.under_way = false;
        flight.landed += 1;
        flight.trouble = outcome.err();
        let waiting = std::mem::take(&mut flight.waiting);
        drop(flight);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// The same text is the same set: nothing that was verified under it has to be looked at again.
    fn take(&self, text: String) -> Result<(), Reason> {
        let fetched = Instant::now();
        if let Some(held) = self.held.write().as_mut().filter(|held| held.text == text) {
            held.fetched = fetched;
            return Ok(());
        }
        let loaded = Loaded::admit(&text)?;
        *self.held.write() = Some(Held { text, loaded, fetched });
        Ok(())
    }
}

impl Flight {
    fn is_under_way(&self) -> bool {
        self.under_way && self.begun.is_some_and(|begun| begun.elapsed() < LOST)
    }
}

#[cfg(test)]
#[path = "key_url_tests.rs"]
mod tests;
