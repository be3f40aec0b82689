//! Where works are handed over to the thread that does them for callers who don't wait.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

pub(super) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// See the module.
#[derive(Default)]
pub(super) struct Desk {
    inner: Mutex<Inner>,
    come: Condvar,
    under_way: AtomicUsize,
}

#[derive(Default)]
struct Inner {
    works: Vec<Work>,
    /// What wakes the thread while it waits for answers.
    waker: Option<Waker>,
    is_closed: bool,
}

impl Desk {
    /// Many who come while the thread is on its way wake it once.
    pub(super) fn hand_over(&self, work: Work) {
        self.call(|inner| inner.works.push(work));
    }

    /// Works that come later are not begun.
    pub(super) fn close(&self) {
        self.call(|inner| inner.is_closed = true);
    }

    fn call(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock();
        change(&mut inner);
        let waker = inner.waker.take();
        drop(inner);
        match waker {
            Some(waker) => waker.wake(),
            None => _ = self.come.notify_one(),
        }
    }

    /// Waits until there is something to do; false when the desk was closed.
    pub(super) fn wait(&self) -> bool {
        let mut inner = self.inner.lock();
        self.come.wait_while(&mut inner, |inner| inner.works.is_empty() && !inner.is_closed);
        !inner.is_closed
    }

    /// Begins what has come; ready when nothing is under way any more. Within a runtime.
    pub(super) fn poll_work(self: &Arc<Desk>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.inner.lock();
        let works = mem::take(&mut inner.works);
        let under_way = self.under_way.fetch_add(works.len(), Ordering::AcqRel) + works.len();
        if inner.is_closed || under_way == 0 {
            inner.waker = None;
            return Poll::Ready(());
        }
        inner.waker = Some(context.waker().clone());
        drop(inner);
        for work in works {
            let under_way = UnderWay(self.clone());
            tokio::spawn(async move {
                let _under_way = under_way;
                work.await;
            });
        }
        Poll::Pending
    }
}

/// Dropped when a work is done, or broke.
struct UnderWay(Arc<Desk>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waker = self.0.inner.lock().waker.take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}
