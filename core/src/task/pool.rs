//! The pool: two threads of a store that do what a caller could not wait for.

use std::collections::VecDeque;
use std::future::Future;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use async_task::Runnable;
use parking_lot::{Condvar, Mutex};

use super::guard::guard;
use super::mode::{Mode, with_mode};

/// The two threads of a store that do what a caller could not wait for. Started when first needed, joined on close or
/// when the last clone is dropped.
#[derive(Clone, Default)]
pub(crate) struct Pool(Arc<Owner>);

#[cfg(test)]
impl Pool {
    /// How many threads were started.
    pub(super) fn threads(&self) -> usize {
        self.0.0.work.lock().threads.len()
    }

    /// Tells when the last thread has let go of the pool.
    pub(super) fn watch(&self) -> std::sync::Weak<impl Sized + use<>> {
        Arc::downgrade(&self.0.0)
    }
}

/// The threads hold [`PoolInner`] themselves: who owns the pool has to end them.
#[derive(Default)]
struct Owner(Arc<PoolInner>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[derive(Default)]
struct PoolInner {
    work: Mutex<Work>,
    ready: Condvar,
    polls: Arc<Polls>,
}

/// How many threads of the process that opened the store are in the middle of an operation, perhaps under a lock. A
/// forked child finds the number as it was at that moment, for good.
#[derive(Default)]
pub(super) struct Polls {
    /// 0: not counted.
    pid: AtomicU32,
    count: AtomicUsize,
}

/// An operation in the middle of which a thread is.
pub(super) struct Polling<'a>(Option<&'a Polls>);

impl Polls {
    pub(super) fn enter(&self) -> Polling<'_> {
        let pid = self.pid.load(Ordering::SeqCst);
        if pid == 0 || pid != process::id() {
            return Polling(None);
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        Polling(Some(self))
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        if let Some(polls) = self.0 {
            polls.count.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[derive(Default)]
struct Work {
    queue: VecDeque<Runnable>,
    idle: usize,
    /// Threads that run: those of `threads`, and what of the joined ones has not ended yet.
    running: usize,
    threads: Vec<JoinHandle<()>>,
    /// The process that started the threads: a forked child has none of them and starts its own.
    pid: u32,
    closed: bool,
}

const THREADS: usize = 2;

impl Pool {
    pub(super) fn spawn<R, F>(&self, work: F) -> (Runnable, async_task::Task<R>)
    where
        R: Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        let pool = self.0.0.clone();
        // Never run by whoever wakes it: that may be under a lock that the work takes itself, a queue's for one.
        async_task::spawn(work, move |runnable| PoolInner::push(&pool, runnable))
    }

    /// From now on counts the threads that are in the middle of an operation, for [`was_idle_at_fork`](Pool::was_idle_at_fork).
    pub(crate) fn count_polls(&self) {
        self.0.0.polls.pid.store(process::id(), Ordering::SeqCst);
    }

    /// In a forked child: whether no other thread of the parent was in the middle of an operation. One that was may have
    /// held a lock, which nobody will release here.
    pub(crate) fn was_idle_at_fork(&self) -> bool {
        self.0.0.polls.count.load(Ordering::SeqCst) == 0
    }

    pub(super) fn polls(&self) -> Arc<Polls> {
        self.0.0.polls.clone()
    }

    /// Lets the queued work finish and joins the threads. Called from a thread of the pool, it leaves that one to end
    /// by itself. What is still woken later gets a thread for as long as it takes.
    pub(crate) fn close(&self) {
        self.0.0.close();
    }
}

impl PoolInner {
    fn push(pool: &Arc<PoolInner>, runnable: Runnable) {
        let mut work = pool.work.lock();
        if work.pid != process::id() {
            work.threads.drain(..).for_each(std::mem::forget);
            work.idle = 0;
            work.running = 0;
            work.pid = process::id();
        }
        work.queue.push_back(runnable);
        if work.idle < work.queue.len() && work.running < THREADS {
            let inner = pool.clone();
            let started = thread::Builder::new().name("sessile".to_owned()).spawn(move || inner.run());
            match started {
                Ok(handle) => {
                    work.running += 1;
                    work.threads.push(handle);
                }
                // No thread to be had and none there: do it here rather than never.
                Err(_) if work.running == 0 => {
                    let runnable = work.queue.pop_back();
                    drop(work);
                    if let Some(runnable) = runnable {
                        with_mode(Mode::Blocking, || runnable.run());
                    }
                    return;
                }
                Err(_) => {}
            }
        }
        pool.ready.notify_one();
    }

    fn close(&self) {
        let threads = {
            let mut work = self.work.lock();
            work.closed = true;
            self.ready.notify_all();
            if work.pid != process::id() {
                // A forked child: the handles are the parent's threads, which do not exist here.
                work.threads.drain(..).for_each(std::mem::forget);
            }
            std::mem::take(&mut work.threads)
        };
        for thread in threads {
            if thread.thread().id() != thread::current().id() {
                let _ = thread.join();
            }
        }
    }

    fn run(&self) {
        let mut work = self.work.lock();
        loop {
            if let Some(runnable) = work.queue.pop_front() {
                parking_lot::MutexGuard::unlocked(&mut work, || {
                    // Operations are guarded themselves; a callback that panics must not cost the pool its thread.
                    let _ = guard(|| Ok(with_mode(Mode::Blocking, || runnable.run())));
                });
            } else if work.closed {
                work.running -= 1;
                return;
            } else {
                work.idle += 1;
                self.ready.wait(&mut work);
                work.idle -= 1;
            }
        }
    }
}
