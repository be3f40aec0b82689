//! An operation under way: waited for where you stand, awaited on any executor, or started with a callback.
//!
//! The core is written once, as plain `async fn`s. Most of its operations are ready at the first poll, on the caller's
//! thread. One that may have to wait for a lock or a disk passes a point `may_block().await` first: a caller who waits
//! anyway goes straight on, for all others the rest runs on a pool of two threads, started when first needed.

mod guard;
mod mode;
mod pool;
mod sleep;

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use async_task::Runnable;
use parking_lot::Mutex;

use crate::audit;
use crate::error::{Result, fail};
use crate::fork;
pub use guard::guard;
pub(crate) use guard::panicked;
use mode::{Mode, with_mode};
pub(crate) use mode::{blocking, caller_waits, may_block, poll_again_at};
pub(crate) use pool::{Pool, hold_pools_back, wake_pools};
pub(crate) use sleep::sleep;

/// An operation of a store. Nothing happens to a task that is dropped before it was waited for, awaited or started,
/// except what was [ready](Task::ready) at once: Local operations are done when the call returns.
#[must_use = "an operation does nothing until it is waited for, awaited or started"]
pub struct Task<T>(State<T>);

enum State<T> {
    Ready(Result<T>),
    Idle(Box<dyn Work<T>>, Pool),
    Running(async_task::Task<Result<T>>),
    Done,
}

impl<T: Send + 'static> Task<T> {
    /// A task that is finished already.
    pub fn ready(result: Result<T>) -> Task<T> {
        Task(State::Ready(result))
    }

    /// What is done here and now is done as one call under way: no fork comes while it holds a lock.
    pub(crate) fn begun(call: impl FnOnce() -> Task<T>) -> Task<T> {
        audit::outermost(|| fork::within(call)).unwrap_or_else(|error| Task::ready(Err(error)))
    }

    /// `work` makes the operation once it is known how it is waited for: one that its caller waits for lies on the
    /// caller's stack, and what is allocated here is no larger than what `work` holds.
    pub(crate) fn new<F>(pool: &Pool, work: impl FnOnce() -> F + Send + 'static) -> Task<T>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Task(State::Idle(Box::new(work), pool.clone()))
    }

    /// Whether the operation is finished already: [`wait`](Task::wait) will not block.
    pub fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }

    /// Runs the operation here and now, blocking this thread for as long as it takes.
    pub fn wait(mut self) -> Result<T> {
        match std::mem::replace(&mut self.0, State::Done) {
            State::Ready(result) => result,
            State::Idle(work, _) => {
                let _pass = fork::pass()?;
                work.wait()
            }
            State::Running(task) => block_on(task),
            State::Done => Err(already_finished()),
        }
    }

    /// Starts the operation without blocking. Finished at once: its result. Otherwise `done` is called with it later,
    /// exactly once, on a thread of the pool.
    pub fn start(mut self, done: impl FnOnce(Result<T>) + Send + 'static) -> Option<Result<T>> {
        let (work, pool) = match std::mem::replace(&mut self.0, State::Done) {
            State::Ready(result) => return Some(result),
            State::Done => return Some(Err(already_finished())),
            State::Running(task) => {
                pool_detach(async move { done(task.await) });
                return None;
            }
            State::Idle(work, pool) => (work, pool),
        };
        let pass = match fork::pass() {
            Ok(pass) => pass,
            Err(error) => return Some(Err(error)),
        };
        let slot = Arc::new(Mutex::new(Slot::Empty));
        let later = slot.clone();
        let (runnable, task) = pool.spawn(async move {
            let result = work.boxed().await;
            let mut slot = later.lock();
            match std::mem::replace(&mut *slot, Slot::Taken) {
                Slot::Callback(done) => {
                    drop(slot);
                    done(result);
                }
                _ => *slot = Slot::Finished(result),
            }
            drop(pass);
        });
        task.detach();
        with_mode(Mode::Inline, || runnable.run());
        let mut slot = slot.lock();
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Finished(result) => Some(result),
            _ => {
                *slot = Slot::Callback(Box::new(done));
                None
            }
        }
    }
}

enum Slot<T> {
    Empty,
    Finished(Result<T>),
    Callback(Box<dyn FnOnce(Result<T>) + Send>),
    Taken,
}

impl<T: Send + 'static> Future for Task<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        loop {
            match std::mem::replace(&mut self.0, State::Done) {
                State::Ready(result) => return Poll::Ready(result),
                State::Done => return Poll::Ready(Err(already_finished())),
                State::Idle(work, pool) => {
                    let pass = match fork::pass() {
                        Ok(pass) => pass,
                        Err(error) => return Poll::Ready(Err(error)),
                    };
                    let (runnable, task) = pool.spawn(async move {
                        let _pass = pass;
                        work.boxed().await
                    });
                    with_mode(Mode::Inline, || runnable.run());
                    self.0 = State::Running(task);
                }
                State::Running(mut task) => {
                    let polled = Pin::new(&mut task).poll(context);
                    if polled.is_pending() {
                        self.0 = State::Running(task);
                    }
                    return polled;
                }
            }
        }
    }
}

impl<T> Unpin for Task<T> {}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "Task(ready)",
            State::Idle(..) => "Task(idle)",
            State::Running(_) => "Task(running)",
            State::Done => "Task(done)",
        })
    }
}

fn already_finished() -> crate::Error {
    fail!(Internal, "this task has already given its result")
}

fn pool_detach(work: impl Future<Output = ()> + Send + 'static) {
    // A task that is already running wakes whoever awaits it; the little that is left runs on the waker's thread.
    let (runnable, task) = async_task::spawn(work, |runnable: Runnable| {
        runnable.run();
    });
    task.detach();
    runnable.run();
}

/// An operation that has not begun.
trait Work<T>: Send {
    /// Runs it on the caller's stack.
    fn wait(self: Box<Self>) -> Result<T>;

    /// For whoever polls it from elsewhere.
    fn boxed(self: Box<Self>) -> Pin<Box<dyn Future<Output = Result<T>> + Send>>;
}

impl<T, F, B> Work<T> for B
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
    B: FnOnce() -> F + Send + 'static,
{
    fn wait(self: Box<Self>) -> Result<T> {
        block_on(caught(*self))
    }

    fn boxed(self: Box<Self>) -> Pin<Box<dyn Future<Output = Result<T>> + Send>> {
        Box::pin(caught(*self))
    }
}

/// Turns a panic of an operation into `PANIC`: a pool thread lives on, and no border is crossed unwinding.
async fn caught<T, F: Future<Output = Result<T>>>(begin: impl FnOnce() -> F) -> Result<T> {
    let mut work = pin!(async move { begin().await });
    poll_fn(|context| {
        audit::outermost(|| {
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
                .unwrap_or_else(|_| Poll::Ready(Err(panicked())))
        })
    })
    .await
}

/// Waits for `work` where the caller stands.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    thread_local! {
        static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    let mut work = pin!(work);
    WAKER.with(|waker| {
        let mut context = Context::from_waker(waker);
        loop {
            match with_mode(Mode::Blocking, || work.as_mut().poll(&mut context)) {
                Poll::Ready(output) => return output,
                Poll::Pending => match mode::due_again() {
                    Some(at) => thread::park_timeout(at.saturating_duration_since(Instant::now())),
                    None => thread::park(),
                },
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    async fn slow(answer: u32) -> Result<u32> {
        may_block().await;
        Ok(answer)
    }

    #[test]
    fn what_is_ready_needs_no_thread() {
        let pool = Pool::default();
        let task = Task::new(&pool, async || Ok(1));
        assert_eq!(task.start(|_| panic!("called back")).unwrap().unwrap(), 1);
        assert_eq!(pool.threads(), 0);
    }

    #[test]
    fn what_may_block_runs_here_for_a_caller_who_waits_and_on_the_pool_for_others() {
        let pool = Pool::default();
        assert_eq!(Task::new(&pool, move || slow(2)).wait().unwrap(), 2);
        assert_eq!(pool.threads(), 0);
        let (sender, receiver) = mpsc::channel();
        let inline = Task::new(&pool, move || slow(3)).start(move |result| {
            sender.send((result.unwrap(), thread::current().name().map(str::to_owned))).unwrap();
        });
        match inline {
            Some(result) => assert_eq!(result.unwrap(), 3),
            None => assert_eq!(receiver.recv().unwrap(), (3, Some("sessile".to_owned()))),
        }
        assert_eq!(block_on(Task::new(&pool, move || slow(4))).unwrap(), 4);
        pool.close();
    }

    #[test]
    fn every_started_task_is_answered_once() {
        let pool = Pool::default();
        let (sender, receiver) = mpsc::channel();
        let mut answers = Vec::new();
        for i in 0..500 {
            let sender = sender.clone();
            if let Some(result) =
                Task::new(&pool, move || slow(i)).start(move |result| sender.send(result.unwrap()).unwrap())
            {
                answers.push(result.unwrap());
            }
        }
        drop(sender);
        answers.extend(receiver.iter());
        answers.sort_unstable();
        assert_eq!(answers, (0..500).collect::<Vec<_>>());
        pool.close();
    }

    /// A lock wakes its waiters while it holds its own queue: work that ran right there would wait for itself.
    #[test]
    fn what_waits_for_a_lock_goes_on_after_the_pool_was_closed() {
        let pool = Pool::default();
        let lock = Arc::new(async_lock::Mutex::new(()));
        let held = lock.try_lock().unwrap();
        let (sender, receiver) = mpsc::channel();
        for _ in 0..4 {
            let (lock, sender) = (lock.clone(), sender.clone());
            let waits = Task::new(&pool, async move || {
                drop(lock.lock().await);
                slow(6).await
            });
            assert!(waits.start(move |result| sender.send(result.unwrap()).unwrap()).is_none());
        }
        pool.close();
        let (unlocked, done) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                drop(held);
                unlocked.send(()).unwrap();
            });
            let patience = std::time::Duration::from_secs(20);
            if done.recv_timeout(patience).is_err() {
                std::process::abort(); // The thread that is stuck cannot be joined.
            }
            for _ in 0..4 {
                assert_eq!(receiver.recv_timeout(patience).unwrap(), 6);
            }
        });
    }

    #[test]
    fn a_pool_that_nobody_has_any_more_has_no_threads() {
        let pool = Pool::default();
        let inner = pool.watch();
        assert_eq!(block_on(Task::new(&pool, move || slow(7))).unwrap(), 7);
        drop(pool);
        assert!(inner.upgrade().is_none());
    }

    #[test]
    fn a_callback_that_panics_costs_no_thread() {
        let pool = Pool::default();
        for _ in 0..5 {
            assert!(
                Task::new(&pool, move || slow(8))
                    .start(|_| panic!("in a callback"))
                    .is_none_or(|result| result.is_ok())
            );
        }
        assert_eq!(block_on(Task::new(&pool, move || slow(9))).unwrap(), 9);
        pool.close();
    }

    #[test]
    fn a_panic_becomes_an_error_and_the_pool_lives_on() {
        let pool = Pool::default();
        let broken = Task::<u32>::new(&pool, async || {
            may_block().await;
            panic!("secret");
        });
        let error = block_on(broken).unwrap_err();
        assert_eq!(error.code(), crate::Code::Panic);
        assert!(!error.message().contains("secret"));
        assert_eq!(block_on(Task::new(&pool, move || slow(5))).unwrap(), 5);
        pool.close();
    }
}
