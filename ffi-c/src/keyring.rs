//! Keyrings: made and changed here, kept by whoever runs the store.

use std::mem::MaybeUninit;

use sessile::Keyring;

use crate::border::{Out, enter};
use crate::buffer::{buffer_of, enter_text, sessile_buffer_t};
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

/// Adds a pending key to a keyring file, `kind` "data" or "signing": it opens (or verifies), and does not seal yet. `out`
/// (may be NULL): its name, which the calls below take: a data key's id ("2"), a signing key's kid.
///
/// These calls change the file as a whole or not at all; stores that are open follow it within seconds.
/// SESSILE_KEYRING_INVALID for a file that is none, SESSILE_NOT_FOUND for a key that is not in it, SESSILE_CONFLICT for a
/// step that the key's state forbids, SESSILE_IO.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_add(
    path: sessile_str_t,
    kind: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let key = Keyring::add(path.required("path")?, kind.required("kind")?)?;
        out.give_with(|| buffer_of(key.into_bytes()));
        Ok(())
    })
}

/// The key is primary from now on, and the one that was is retired. A pending one must be 60 seconds old, so that every
/// process has it before anything is sealed with it: SESSILE_CONFLICT, details "waitSeconds", until then.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_promote(
    path: sessile_str_t,
    key: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || Keyring::promote(path.required("path")?, key.required("key")?))
}

/// The key opens what it sealed, and nothing more: one that was pending and is not wanted, or was revoked too soon. The
/// primary is retired by promoting another.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_retire(
    path: sessile_str_t,
    key: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || Keyring::retire(path.required("path")?, key.required("key")?))
}

/// The key opens nothing any more: what is still sealed with it is SESSILE_KEY_REVOKED from then on. To be undone by
/// sessile_keyring_retire.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_revoke(
    path: sessile_str_t,
    key: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || Keyring::revoke(path.required("path")?, key.required("key")?))
}

/// Takes a revoked key out of the file: nobody can ever open what it sealed. Of the data keys the newest stays, for its
/// id would be given again. sessile_store_drop_key makes sure that nothing is lost.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_drop(
    path: sessile_str_t,
    key: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || Keyring::drop(path.required("path")?, key.required("key")?))
}

/// What is in a keyring file, without a key: {"data":[{"id":1,"state":"primary","created":"2026-01-01T00:00:00.000Z"}],
/// "signing":[{"kid":"...","state":"primary","created":"..."}]}. A state is pending, primary, retired or revoked.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_keyring_describe(
    path: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || Keyring::describe(path.required("path")?))
}
