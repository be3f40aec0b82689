//! Whether the thread that polls an operation may be blocked.

use std::cell::Cell;
use std::task::Poll;
use std::time::Instant;

use crate::fork;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    /// The caller waits anyway: blocking is what it asked for.
    Blocking,
    /// A thread of the pool: it may wait for a lock or a disk, and others wait for it.
    Pool,
    /// The caller must not be held up: what may block goes to the pool.
    Inline,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Blocking) };
    static AGAIN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Polls operations, each of which has passed the gate of forks: one that is begun within must not wait there.
pub(super) fn with_mode<R>(mode: Mode, run: impl FnOnce() -> R) -> R {
    struct Restore(Mode);
    impl Drop for Restore {
        fn drop(&mut self) {
            MODE.set(self.0);
        }
    }
    let _restore = Restore(MODE.replace(mode));
    fork::passed(run)
}

/// Whether the thread that polls now may be blocked. When not, try without waiting, and if that fails pass
/// [`may_block`] and look again.
pub(crate) fn blocking() -> bool {
    MODE.get() != Mode::Inline
}

/// Whether the thread that polls now is a caller's who waits for this operation, so that nobody else is held up.
pub(crate) fn caller_waits() -> bool {
    MODE.get() == Mode::Blocking
}

/// Passed before anything that may block: goes straight on for a caller who waits, moves the rest of the operation to
/// the pool for one who must not.
pub(crate) async fn may_block() {
    let mut moved = false;
    std::future::poll_fn(|context| {
        if moved || blocking() {
            return Poll::Ready(());
        }
        moved = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Said by work that goes on waiting: a caller who waits where it stands polls it again then, woken or not. For all
/// others nobody keeps the time.
pub(crate) fn poll_again_at(instant: Instant) {
    AGAIN.set(Some(instant));
}

/// What the last poll on this thread said, once.
pub(super) fn due_again() -> Option<Instant> {
    AGAIN.take()
}
