//! Events as `tracing` events with the target `sessile::audit`, for hosts in Rust. We install no subscriber.
//!
//! A subscriber is the host's code: it runs when the outermost call of ours on this thread is done, with none of our locks
//! held, and on the thread that the event happened on, so that it finds itself in the host's span.

#[cfg(feature = "tracing")]
mod on {
    use std::cell::{Cell, RefCell};

    use tracing::Level;

    use super::super::event::{Event, What};
    use crate::clock::Time;

    /// More than one call gives rise to, and a bound if a call is never done.
    const MOST: usize = 4_096;

    thread_local! {
        static WAITING: RefCell<Vec<(Time, Event)>> = const { RefCell::new(Vec::new()) };
        /// How many calls of ours are under way on this thread, one within another.
        static DEPTH: Cell<u32> = const { Cell::new(0) };
    }

    pub(crate) fn is_wanted() -> bool {
        // Who wants the others wants these.
        tracing::enabled!(target: "sessile::audit", Level::WARN)
    }

    pub(crate) fn later(at: Time, event: Event) {
        WAITING.with_borrow_mut(|waiting| {
            if waiting.len() < MOST {
                waiting.push((at, event));
            }
        });
    }

    pub(crate) fn release() {
        if DEPTH.get() == 0 && WAITING.with_borrow(|waiting| !waiting.is_empty()) {
            // Taken out first: the subscriber may call us.
            WAITING.take().iter().for_each(|(at, event)| emit(*at, event));
        }
    }

    /// Runs a part of a call of ours.
    pub(crate) fn outermost<R>(run: impl FnOnce() -> R) -> R {
        struct Deeper;
        impl Drop for Deeper {
            fn drop(&mut self) {
                DEPTH.set(DEPTH.get() - 1);
            }
        }
        DEPTH.set(DEPTH.get() + 1);
        let deeper = Deeper;
        let result = run();
        drop(deeper);
        release();
        result
    }

    fn emit(at: Time, event: &Event) {
        let [tag, user, session, key, reason, code, request] = event.members().map(|(_, value)| value);
        macro_rules! emit {
            ($level:expr) => {
                tracing::event!(
                    target: "sessile::audit",
                    $level,
                    at = %at,
                    event = event.what.name(),
                    tag = tag.as_deref(),
                    user = user.as_deref(),
                    sessionId = session.as_deref(),
                    keyId = key.as_deref(),
                    reason = reason.as_deref(),
                    code = code.as_deref(),
                    requestId = request.as_deref(),
                )
            };
        }
        match event.what {
            What::TokenRefused | What::RefreshReused | What::LimitHit | What::TamperingSeen => emit!(Level::WARN),
            _ => emit!(Level::INFO),
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod on {
    use super::super::event::Event;
    use crate::clock::Time;

    pub(crate) fn is_wanted() -> bool {
        false
    }

    pub(crate) fn later(_: Time, _: Event) {}

    pub(crate) fn release() {}

    pub(crate) fn outermost<R>(run: impl FnOnce() -> R) -> R {
        run()
    }
}

pub(crate) use on::{is_wanted, later, outermost, release};
