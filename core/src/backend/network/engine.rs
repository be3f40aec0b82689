//! The one thread of this process that does network input and output, for all its stores.
//!
//! Started by the first store that needs it, ended and joined when the last one lets go of it. A forked child has none
//! of its parent's threads: it starts its own, and leaves the parent's as it is.

use std::future::Future;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::process::{STUCK, stuck};
use crate::error::{Error, Result, fail};
use crate::task;

/// See the module. Held by every network store; dropping the last one ends the thread.
pub(crate) struct Engine {
    /// The process that started it.
    pid: u32,
    handle: Handle,
    stopped: AtomicBool,
    /// Dropped to end the thread.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The process that started the engine, and the engine.
static CURRENT: Mutex<(u32, Weak<Engine>)> = Mutex::new((0, Weak::new()));

impl Engine {
    /// This process's engine, started if need be. `IO` when there is no thread to be had.
    pub(crate) fn of_this_process() -> Result<Arc<Engine>> {
        let mut current = CURRENT.try_lock_for(STUCK).ok_or_else(stuck)?;
        if current.0 == process::id()
            && let Some(engine) = current.1.upgrade()
        {
            return Ok(engine);
        }
        let engine = Arc::new(Engine::start()?);
        *current = (engine.pid, Arc::downgrade(&engine));
        Ok(engine)
    }

    fn start() -> Result<Engine> {
        let failed = |_| fail!(Io, "could not start the thread for network stores: the process may have no more");
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            // It only ever ends by the sender being dropped.
            let _ = runtime.block_on(stopped);
        };
        let thread = thread::Builder::new().name("sessile-net".to_owned()).spawn(run).map_err(failed)?;
        Ok(Engine {
            pid: process::id(),
            handle,
            stopped: AtomicBool::new(false),
            stop: Mutex::new(Some(stop)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Does `work` on the engine's thread. Who drops this future drops the result: the work is done nevertheless.
    /// `CLOSED` when the engine was stopped before it was done.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = oneshot::channel();
        self.handle.spawn(async move {
            let _ = sender.send(work.await);
        });
        receiver.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Why the work gave no result.
    fn lost(&self) -> Error {
        match self.stopped.load(Ordering::Acquire) {
            true => fail!(Closed, "the store was closed before the server had answered"),
            false => task::panicked(),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let (stop, thread) = (self.stop.get_mut().take(), self.thread.get_mut().take());
        if self.pid != process::id() {
            // The parent's: to wake it would write into a descriptor that both share.
            std::mem::forget((stop, thread));
            return;
        }
        self.stopped.store(true, Ordering::Release);
        drop(stop);
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::task::block_on;

    #[test]
    fn work_is_done_on_one_thread_that_ends_with_the_last_store() {
        // Another test's store may hold the process's engine: this one is its own.
        let engine = Arc::new(Engine::start().unwrap());
        let other = engine.clone();
        let name = || async { Ok(thread::current().name().map(str::to_owned)) };
        assert_eq!(block_on(engine.run(name())).unwrap().as_deref(), Some("sessile-net"));
        let slow = engine.run(async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(7)
        });
        assert_eq!(block_on(slow).unwrap(), 7);
        drop(engine);
        assert_eq!(block_on(other.run(async { Ok(1) })).unwrap(), 1);
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        other.handle.spawn(async move {
            let _held = sender;
            std::future::pending::<()>().await;
        });
        drop(other);
        // Joined: what was still to be done was dropped with its thread.
        assert!(receiver.try_recv().is_err_and(|error| error == std::sync::mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn a_panic_is_answered_and_costs_no_thread() {
        let engine = Engine::start().unwrap();
        let broken = engine.run::<()>(async { panic!("secret") });
        let error = block_on(broken).unwrap_err();
        assert_eq!(error.code(), crate::Code::Panic);
        assert!(!error.message().contains("secret"));
        assert_eq!(block_on(engine.run(async { Ok(2) })).unwrap(), 2);
    }
}
