//! What drives the connections of this process, for all its stores: the thread of whoever waits for an answer, and for
//! those who don't wait, one thread of its own.
//!
//! A caller who waits does the input and output himself: no other thread is woken for him, and none wakes him. Where
//! several wait, one drives for all of them and hands over when he leaves. Started by the first store that needs it; its
//! thread is ended and joined when the last store lets go of it. A forked child has none of its parent's threads: it
//! starts its own, and leaves the parent's as it is.

use std::future::{Future, poll_fn};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::desk::Desk;
use super::process::{STUCK, stuck};
use crate::error::{Error, Result, fail};
use crate::task;

/// See the module. Held by every network store; dropping the last one ends the thread.
pub(crate) struct Engine {
    /// The process that started it.
    pid: u32,
    stopped: AtomicBool,
    /// There until it is dropped.
    drive: Option<Arc<Drive>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Drive {
    runtime: Runtime,
    desk: Arc<Desk>,
    /// When somebody last ceased to drive.
    left: Mutex<Instant>,
}

/// When nobody has driven for so long, somebody looks first what has come: a server may have closed its connection.
const QUIET: Duration = Duration::from_millis(1);

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
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .on_thread_park(task::wake_pools)
            .build()
            .map_err(failed)?;
        let drive = Arc::new(Drive { runtime, desk: Arc::default(), left: Mutex::new(Instant::now()) });
        let own = drive.clone();
        let serve = move || {
            task::hold_pools_back();
            while own.desk.wait() {
                own.here(poll_fn(|context| {
                    task::wake_pools();
                    own.desk.poll_work(context)
                }));
                task::wake_pools();
            }
            // Whoever still waits for what is dropped with the runtime is told.
            drop(own);
            task::wake_pools();
        };
        let thread = thread::Builder::new().name("sessile-net".to_owned()).spawn(serve).map_err(failed)?;
        Ok(Engine {
            pid: process::id(),
            stopped: AtomicBool::new(false),
            drive: Some(drive),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Does `work`: on this thread for a caller who waits, else on the engine's. Who drops this future drops the result:
    /// the work is done nevertheless. `CLOSED` when the engine was stopped before it was done.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let Some(drive) = &self.drive else { return Err(self.lost()) };
        // Within another runtime, a task of the application's for one, no thread can drive this one.
        if task::caller_waits() && Handle::try_current().is_err_and(|error| error.is_missing_context()) {
            let outcome = drive.here(work);
            if outcome.is_err() {
                drive.tidy_up();
            }
            return outcome;
        }
        let (sender, receiver) = oneshot::channel();
        drive.desk.hand_over(Box::pin(async move {
            let outcome = work.await;
            let is_failed = outcome.is_err();
            let _ = sender.send(outcome);
            if is_failed {
                // As `tidy_up` does.
                yield_now().await;
            }
        }));
        receiver.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Has what was given up ended, now: see [`Drive::tidy_up`].
    pub(super) fn tidy_up(&self) {
        if let Some(drive) = &self.drive {
            drive.tidy_up();
        }
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
        let (drive, thread) = (self.drive.take(), self.thread.get_mut().take());
        if self.pid != process::id() {
            // The parent's: to wake it would write into a descriptor that both share.
            std::mem::forget((drive, thread));
            return;
        }
        self.stopped.store(true, Ordering::Release);
        let desk = drive.as_ref().map(|drive| drive.desk.clone());
        // The thread lets go of the runtime last: that may block, which a task of another runtime may not.
        drop(drive);
        if let Some(desk) = desk {
            desk.close();
        }
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id()) {
            let _ = thread.join();
        }
    }
}

impl Drive {
    /// Drives on this thread until `work` is done. While another thread drives, that one does it.
    fn here<T>(&self, work: impl Future<Output = T>) -> T {
        let is_quiet = self.left.lock().elapsed() >= QUIET;
        let outcome = self.runtime.block_on(async {
            if is_quiet {
                // The first look fetches what has come, at the second the connections have met it.
                yield_now().await;
                yield_now().await;
            }
            work.await
        });
        *self.left.lock() = Instant::now();
        outcome
    }

    /// A connection that was given up is closed by whoever drives next: the engine's own thread, should nobody else. A server
    /// may hold a lock for it.
    fn tidy_up(&self) {
        self.desk.hand_over(Box::pin(yield_now()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::task::{Pool, Task, block_on};

    async fn name() -> Result<Option<String>> {
        Ok(thread::current().name().map(str::to_owned))
    }

    /// As a caller does who doesn't wait.
    fn handed<T: Send + 'static>(
        engine: &Arc<Engine>,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (pool, engine) = (Pool::default(), engine.clone());
        block_on(Task::new(&pool, async move || engine.run(work).await))
    }

    async fn slow(answer: u32) -> Result<u32> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(answer)
    }

    #[test]
    fn work_is_done_by_who_waits_or_on_one_thread_that_ends_with_the_last_store() {
        // Another test's store may hold the process's engine: this one is its own.
        let engine = Arc::new(Engine::start().unwrap());
        let other = engine.clone();
        assert_eq!(block_on(engine.run(name())).unwrap().as_deref(), thread::current().name());
        assert_eq!(handed(&engine, name()).unwrap().as_deref(), Some("sessile-net"));
        assert_eq!(block_on(engine.run(slow(7))).unwrap(), 7);
        drop(engine);
        assert_eq!(handed(&other, slow(1)).unwrap(), 1);
        let (sender, receiver) = mpsc::channel::<()>();
        other.drive.as_ref().unwrap().desk.hand_over(Box::pin(async move {
            let _held = sender;
            std::future::pending::<()>().await;
        }));
        drop(other);
        // Joined: what was still to be done was dropped with its thread.
        assert!(receiver.try_recv().is_err_and(|error| error == mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn who_leaves_hands_over_to_who_still_waits() {
        let engine = Arc::new(Engine::start().unwrap());
        let wait = |millis: u64| {
            let sleep = async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                Ok(millis)
            };
            match millis % 2 {
                0 => block_on(engine.run(sleep)),
                _ => handed(&engine, sleep),
            }
        };
        thread::scope(|scope| {
            for millis in 1..60 {
                scope.spawn(move || assert_eq!(wait(millis).unwrap(), millis));
            }
        });
    }

    #[test]
    fn a_waiting_task_of_another_runtime_is_answered_and_may_be_the_last_to_let_go() {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let engine = Engine::start().unwrap();
            assert_eq!(block_on(engine.run(name())).unwrap().as_deref(), Some("sessile-net"));
            drop(engine);
        });
    }

    #[test]
    fn what_a_failed_call_gave_up_ends_though_nobody_calls_again() {
        let engine = Engine::start().unwrap();
        let (sender, receiver) = mpsc::channel::<()>();
        let failed: Result<()> = block_on(engine.run(async move {
            let connection = tokio::spawn(async move {
                let _held = sender;
                std::future::pending::<()>().await;
            });
            yield_now().await;
            connection.abort();
            Err(fail!(Timeout, "given up"))
        }));
        assert_eq!(failed.unwrap_err().code(), crate::Code::Timeout);
        let ended = receiver.recv_timeout(Duration::from_secs(20));
        assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_panic_is_answered_and_costs_no_thread() {
        let engine = Arc::new(Engine::start().unwrap());
        let error = handed::<()>(&engine, async { panic!("secret") }).unwrap_err();
        assert_eq!(error.code(), crate::Code::Panic);
        assert!(!error.message().contains("secret"));
        assert_eq!(handed(&engine, slow(2)).unwrap(), 2);
        let pool = Pool::default();
        let here = engine.clone();
        let error = Task::<()>::new(&pool, async move || here.run(async { panic!("secret") }).await).wait();
        assert_eq!(error.unwrap_err().code(), crate::Code::Panic);
        assert_eq!(block_on(engine.run(slow(3))).unwrap(), 3);
    }
}
