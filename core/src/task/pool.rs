//! The pool: two threads of a store that do what a caller could not wait for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use async_task::Runnable;
use parking_lot::{Condvar, Mutex, MutexGuard};

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

thread_local! {
    /// Pools that this thread has given work, and not woken yet; `None` where they are woken at once.
    static HELD_BACK: RefCell<Option<Vec<Arc<PoolInner>>>> = const { RefCell::new(None) };
}

/// From now on this thread, which calls [`wake_pools`] before it waits for anything, wakes pools then: one call for a burst.
pub(crate) fn hold_pools_back() {
    HELD_BACK.set(Some(Vec::new()));
}

/// Wakes the pools that were held back.
pub(crate) fn wake_pools() {
    let held = HELD_BACK.with_borrow_mut(|held| held.as_mut().map(mem::take));
    for pool in held.into_iter().flatten() {
        PoolInner::wake(&pool, pool.work.lock());
    }
}

fn held_back(pool: &Arc<PoolInner>) -> bool {
    HELD_BACK.with_borrow_mut(|held| match held {
        Some(held) => {
            if !held.iter().any(|other| Arc::ptr_eq(other, pool)) {
                held.push(pool.clone());
            }
            true
        }
        None => false,
    })
}

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

    /// Lets the queued work finish and joins the threads. Called from a thread of the pool, it leaves that one to end
    /// by itself. What is still woken later gets a thread for as long as it takes.
    pub(crate) fn close(&self) {
        self.0.0.close();
    }

    /// Ends the threads as [`close`](Pool::close) does; what comes later starts new ones. When nothing is queued.
    pub(crate) fn pause(&self) {
        let pool = &self.0.0;
        let closed = pool.work.lock().closed;
        pool.close();
        pool.work.lock().closed = closed;
    }
}

impl PoolInner {
    fn push(pool: &Arc<PoolInner>, runnable: Runnable) {
        let mut work = pool.work.lock();
        if work.pid != std::process::id() {
            work.threads.drain(..).for_each(std::mem::forget);
            work.idle = 0;
            work.running = 0;
            work.pid = std::process::id();
        }
        work.queue.push_back(runnable);
        if !held_back(pool) {
            PoolInner::wake(pool, work);
        }
    }

    /// Sees to it that what is queued is done.
    fn wake(pool: &Arc<PoolInner>, mut work: MutexGuard<'_, Work>) {
        let mut fresh = 0;
        while work.idle + fresh < work.queue.len() && work.running < THREADS {
            let inner = pool.clone();
            let started = thread::Builder::new().name("sessile".to_owned()).spawn(move || inner.run());
            match started {
                Ok(handle) => {
                    fresh += 1;
                    work.running += 1;
                    work.threads.push(handle);
                }
                // No thread to be had and none there: do it here rather than never.
                Err(_) if work.running == 0 => {
                    let queue = mem::take(&mut work.queue);
                    drop(work);
                    for runnable in queue {
                        with_mode(Mode::Pool, || runnable.run());
                    }
                    return;
                }
                Err(_) => break,
            }
        }
        match work.queue.len() {
            1 => _ = pool.ready.notify_one(),
            _ => _ = pool.ready.notify_all(),
        }
    }

    fn close(&self) {
        let threads = {
            let mut work = self.work.lock();
            work.closed = true;
            self.ready.notify_all();
            if work.pid != std::process::id() {
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
                    let _ = guard(|| Ok(with_mode(Mode::Pool, || runnable.run())));
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
