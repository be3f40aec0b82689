//! Finished operations on their way to an environment's thread: one call of its event loop for each burst.

use std::sync::{Mutex, MutexGuard, PoisonError};

use napi::Status;
use napi::bindgen_prelude::{Env, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use sessile::Result;

use crate::reply::Value;

/// Calls the façade's `settle()`. Weak: by itself it does not keep the process alive.
pub type Wake = ThreadsafeFunction<(), Unknown<'static>, (), Status, false, true>;

/// An operation that has ended: the ticket it was started under, and what it gave.
pub type Finished = (f64, Result<Value>);

/// Filled on threads of the core, drained on the environment's.
#[derive(Default)]
pub struct Queue {
    finished: Mutex<Vec<Finished>>,
    wake: Mutex<Option<Wake>>,
}

impl Queue {
    pub fn push(&self, ticket: f64, result: Result<Value>) {
        let first = {
            let mut finished = lock(&self.finished);
            finished.push((ticket, result));
            finished.len() == 1
        };
        // Whoever finds the queue empty calls; all who come before it is drained ride along.
        if first && let Some(wake) = &*lock(&self.wake) {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    pub fn drain(&self) -> Vec<Finished> {
        std::mem::take(&mut *lock(&self.finished))
    }

    pub fn connect(&self, wake: Wake) {
        *lock(&self.wake) = Some(wake);
    }

    /// The environment is going down: what finishes from now on is dropped.
    pub fn disconnect(&self) {
        let wake = lock(&self.wake).take();
        drop(wake);
    }

    /// Whether operations are pending, so that the event loop must not end.
    // The replacement that the deprecation names (clone and drop) cannot change an existing function's reference.
    #[allow(deprecated)]
    pub fn hold_loop(&self, env: &Env, hold: bool) -> napi::Result<()> {
        match &mut *lock(&self.wake) {
            Some(wake) if hold => wake.refer(env),
            Some(wake) => wake.unref(env),
            None => Ok(()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
