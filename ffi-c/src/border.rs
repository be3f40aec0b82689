//! What every call has in common: the panic guard, the status, the error object, the out-params.

use std::mem::MaybeUninit;

use sessile::{Code, Error, Result, fork, guard};

use crate::error::sessile_error_t;
use crate::events;

/// The body of every fallible call: runs it under the guard and not while the process forks, turns its error into the
/// status and, where the caller wants one, into an error object.
pub(crate) fn enter(err: Option<&mut MaybeUninit<*mut sessile_error_t>>, body: impl FnOnce() -> Result<()>) -> i32 {
    let status = enter_outside(err, || fork::within(body)?);
    events::tell();
    status
}

/// As [`enter`], for the call that begins a fork.
pub(crate) fn enter_outside(
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
    body: impl FnOnce() -> Result<()>,
) -> i32 {
    match guard(body) {
        Ok(()) => 0,
        Err(error) => {
            let status = error.code().number();
            err.give_with(|| sessile_error_t::owned(&error));
            status
        }
    }
}

/// The body of a `_free`: gives no status, and a panic in a destructor goes no further. Where the program never ended
/// its fork, the handle leaks.
pub(crate) fn release(body: impl FnOnce()) {
    let _ = guard(|| fork::within(body));
}

/// An out-param: written only on success, NULL where the caller does not want the result.
pub(crate) trait Out<'a, T> {
    /// A result without which the call makes no sense: refused before anything happens.
    fn required(self, name: &str) -> Result<&'a mut MaybeUninit<T>>;
    /// Writes the result if the caller wants it.
    fn give(self, value: T);
    /// Makes and writes the result if the caller wants it: what is owned must not be made for nobody.
    fn give_with(self, make: impl FnOnce() -> T);
}

impl<'a, T> Out<'a, T> for Option<&'a mut MaybeUninit<T>> {
    fn required(self, name: &str) -> Result<&'a mut MaybeUninit<T>> {
        self.ok_or_else(|| invalid(format!("{name} is NULL: the result needs a place to go")))
    }

    fn give(self, value: T) {
        self.give_with(|| value);
    }

    fn give_with(self, make: impl FnOnce() -> T) {
        if let Some(place) = self {
            place.write(make());
        }
    }
}

pub(crate) fn invalid(message: String) -> Error {
    Error::new(Code::InvalidArgument, message)
}
