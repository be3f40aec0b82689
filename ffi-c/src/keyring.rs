//! Keyrings: made here, kept by whoever runs the store.

use std::mem::MaybeUninit;

use sessile::Keyring;

use crate::border::{Out, enter};
use crate::buffer::{buffer_of, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::text::sessile_str_t;

/// Makes a new keyring file with fresh keys, readable by its owner alone. SESSILE_ALREADY_EXISTS if something is there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_generate(
    path: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || Keyring::generate(path.required("path")?))
}

/// Makes a new keyring as JSON text, for those who keep keys elsewhere than in a file. It is a secret.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_generate_json(
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(Keyring::generate_json()?.into_bytes()));
        Ok(())
    })
}
