//! The linter.

use std::mem::MaybeUninit;

use crate::border::{Out, enter};
use crate::buffer::{buffer_of, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::text::sessile_str_t;

/// Looks through the Local steps of a pipeline, a JSON array of steps and blocks, without running it. Gives
/// {"findings":[...]}: fields that are read before any Put on some path, and Puts that nothing reads or deletes.
/// SESSILE_INVALID_STEP says in its details at which node.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_lint(
    pipeline: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(sessile::lint(pipeline.required("pipeline")?)?.into_bytes()));
        Ok(())
    })
}
