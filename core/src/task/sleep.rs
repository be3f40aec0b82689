//! Waiting for time to pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::mode::blocking;

/// Waits that long: here for a caller who waits, else on a thread of its own, so that neither the caller nor the pool is
/// held up. For waits of a second and more: a thread is no price for those.
pub(crate) async fn sleep(duration: Duration) {
    if blocking() {
        return thread::sleep(duration);
    }
    let over = Arc::new(AtomicBool::new(false));
    let mut started = false;
    std::future::poll_fn(move |context| {
        if over.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        if !started {
            started = true;
            let (over, waker) = (over.clone(), context.waker().clone());
            thread::spawn(move || {
                thread::sleep(duration);
                over.store(true, Ordering::Release);
                waker.wake();
            });
        }
        Poll::Pending
    })
    .await
}
