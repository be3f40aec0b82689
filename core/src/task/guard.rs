//! A panic never leaves the library: the one guard of every border.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result, fail};

/// The error of a caught panic. Its payload is dropped unread: it could hold a value.
pub(crate) fn panicked() -> Error {
    fail!(Panic, "a panic was caught inside sessile; nothing is known of the operation's outcome; please report it")
}

/// Runs `call` and turns a panic into `PANIC`: the one guard of every border (C, Python, Node).
pub fn guard<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
        // A payload whose own drop panics must not unwind out of here.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(payload)));
        Err(panicked())
    })
}
