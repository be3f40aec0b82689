//! Read, change, compare-and-put of one field.

use std::ffi::c_void;
use std::mem::MaybeUninit;

use sessile::{Json, Result, Session};

use crate::border::{Out, enter, invalid, release};
use crate::buffer::{buffer, buffer_or_null, sessile_buffer_free, sessile_buffer_t, take};
use crate::error::sessile_error_t;
use crate::handle::{free, handle, look_up, sessile_session_t, sessile_update_t};
use crate::text::sessile_str_t;

/// Makes a field's new value. `current` is its value as JSON text, NULL if it is absent; it belongs to the caller of
/// this function. Put a buffer of sessile_buffer_new into *next, which the library frees, or leave the NULL there to
/// delete the field. Return 0, or anything else to give up: the update ends with that status, without an error object
/// (take a negative number: all codes are positive). It may be called several times and may call this library, but
/// must not leave by longjmp or a C++ exception.
pub type sessile_update_fn = Option<
    unsafe extern "C" fn(
        user_data: *mut c_void,
        current: *const sessile_buffer_t,
        next: *mut *mut sessile_buffer_t,
    ) -> i32,
>;

/// The loop of `sessile_session_update`; the status with which `change` gave up, else 0.
pub(crate) fn run(session: &Session, name: &str, change: sessile_update_fn, user_data: *mut c_void) -> Result<i32> {
    let change = change.ok_or_else(|| invalid("change is NULL: a function is wanted".to_owned()))?;
    let update = session.update(name);
    loop {
        let current = update.current().wait()?;
        let current = Lent(buffer_or_null(current.as_ref().map(Json::as_str)));
        let mut next = std::ptr::null_mut();
        // SAFETY: the function is the caller's, its `user_data` too; `current` lives until after the call, `next` is a
        // place of ours.
        let given_up = unsafe { change(user_data, current.0, &mut next) };
        let next = match next.is_null() {
            true => None,
            // SAFETY: the header demands a buffer of sessile_buffer_new, which becomes ours.
            false => Some(unsafe { take(next) }),
        };
        if given_up != 0 {
            return Ok(given_up);
        }
        let next = match &next {
            Some(bytes) => Some(
                std::str::from_utf8(bytes)
                    .map_err(|error| invalid(format!("*next: not UTF-8 at byte {}", error.valid_up_to())))?,
            ),
            None => None,
        };
        if update.try_commit(next).wait()? {
            return Ok(0);
        }
    }
}

/// A buffer that is lent to a callback.
struct Lent(*mut sessile_buffer_t);

impl Drop for Lent {
    fn drop(&mut self) {
        sessile_buffer_free(self.0);
    }
}

/// Begins an update of one field, for those who loop themselves: read sessile_update_current, change the value, offer
/// it to sessile_update_try_commit, and on `false` begin again with the current value.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_update_new(
    session: *mut sessile_session_t,
    name: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_update_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(handle(look_up(session)?.update(name.required("name")?))?);
        Ok(())
    })
}

/// Reads the field: JSON text, or *out = NULL if it is absent.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_update_current(
    update: *mut sessile_update_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let value = look_up(update)?.current().wait()?;
        out.write(value.map_or(std::ptr::null_mut(), |value| buffer(value.as_str().as_bytes())));
        Ok(())
    })
}

/// Puts the new value (absent: deletes the field) if nobody changed it since sessile_update_current: *done is true.
/// Somebody did: *done is false. After the deadline: SESSILE_CONFLICT.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_update_try_commit(
    update: *mut sessile_update_t,
    value: sessile_str_t,
    done: Option<&mut MaybeUninit<bool>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let done = done.required("done")?;
        done.write(look_up(update)?.try_commit(value.optional("value")?).wait()?);
        Ok(())
    })
}

/// Frees the handle; nothing is put. NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_update_free(update: *mut sessile_update_t) {
    release(|| free(update));
}
