//! Waiting for time to pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use super::mode::caller_waits;

/// Waits that long: here for a caller who waits, else on a thread of its own, so that neither the caller nor the pool is
/// held up. For waits of a second and more: a thread is no price for those.
pub(crate) async fn sleep(duration: Duration) {
    if caller_waits() {
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
            let (passed, waker) = (over.clone(), context.waker().clone());
            let sleeper = thread::Builder::new().name("sessile".to_owned()).spawn(move || {
                thread::sleep(duration);
                passed.store(true, Ordering::Release);
                waker.wake();
            });
            // No thread to be had: better held up than never done.
            if sleeper.is_err() {
                thread::sleep(duration);
                return Poll::Ready(());
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::super::{Pool, Task, may_block};
    use super::*;

    #[test]
    fn what_waits_for_time_to_pass_holds_up_nobody_else() {
        let pool = Pool::default();
        let (sender, receiver) = mpsc::channel();
        for _ in 0..3 {
            let sender = sender.clone();
            let sleeps = Task::new(&pool, async || {
                may_block().await;
                sleep(Duration::from_secs(1)).await;
                Ok("slept")
            });
            assert!(sleeps.start(move |slept| sender.send(slept.unwrap()).unwrap()).is_none());
        }
        thread::sleep(Duration::from_millis(100));
        let began = Instant::now();
        let works = Task::new(&pool, async || {
            may_block().await;
            Ok("worked")
        });
        match works.start(move |worked| sender.send(worked.unwrap()).unwrap()) {
            Some(worked) => assert_eq!(worked.unwrap(), "worked"),
            None => assert_eq!(receiver.recv().unwrap(), "worked"),
        }
        assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
        assert_eq!(receiver.iter().collect::<Vec<_>>(), ["slept"; 3]);
        pool.close();
    }
}
