//! Clocks that a test sets.

use std::mem::MaybeUninit;

use sessile::{Clock, Time};

use crate::border::{Out, enter, release};
use crate::buffer::{buffer, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{free, handle, look_up, sessile_clock_t};
use crate::text::sessile_str_t;

/// Makes a clock that stands still at `time` (RFC 3339, "2026-01-01T00:00:00Z") until it is moved.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_clock_manual(
    time: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_clock_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(handle(Clock::manual(Time::parse(time.required("time")?)?))?);
        Ok(())
    })
}

/// Puts the clock at `time` (RFC 3339).
#[unsafe(no_mangle)]
pub extern "C" fn sessile_clock_set(
    clock: *mut sessile_clock_t,
    time: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(clock)?.set(Time::parse(time.required("time")?)?))
}

/// Moves the clock by so many milliseconds; negative: back.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_clock_advance(
    clock: *mut sessile_clock_t,
    millis: i64,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(clock)?.advance(millis))
}

/// Where the clock stands, as RFC 3339 text with milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_clock_now(
    clock: *mut sessile_clock_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer(look_up(clock)?.now().to_string().as_bytes()));
        Ok(())
    })
}

/// Frees the handle; stores opened with the clock keep it. NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_clock_free(clock: *mut sessile_clock_t) {
    release(|| free(clock));
}
