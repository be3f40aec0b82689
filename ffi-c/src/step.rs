//! Steps parsed ahead of their runs.

use std::mem::MaybeUninit;

use sessile::Step;

use crate::border::{Out, enter, release};
use crate::buffer::{buffer_of, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{free, handle, look_up, sessile_step_t, sessile_store_t};
use crate::text::sessile_str_t;

/// Reads a step from JSON text, within the limits of `store` (NULL: the default limits). SESSILE_INVALID_STEP names
/// the member that is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_step_parse(
    store: *mut sessile_store_t,
    json: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_step_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let json = json.required("json")?;
        let step = match store.is_null() {
            true => Step::parse(json)?,
            false => Step::parse_within(json, look_up(store)?.limits())?,
        };
        out.write(handle(step)?);
        Ok(())
    })
}

/// The step in its full wire form, as JSON text.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_step_to_json(
    step: *mut sessile_step_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(look_up(step)?.to_json().into_bytes()));
        Ok(())
    })
}

/// Frees a step. NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_step_free(step: *mut sessile_step_t) {
    release(|| free(step));
}
