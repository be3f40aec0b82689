//! The keys of an open store: read again, sealed with, and dropped.

use std::mem::MaybeUninit;

use crate::border::enter;
use crate::buffer::{enter_text, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{look_up, sessile_store_t};
use crate::keyring_callback::enter_asking;
use crate::text::sessile_str_t;

/// Reads the keyring again, now: the file, environment variable or callback as it is (`bytes` absent), or `bytes`, a
/// keyring's JSON text, in place of what was given. A file is also followed by itself, within seconds. New keys open at
/// once, and seal once they are 60 seconds old.
///
/// SESSILE_KEYRING_INVALID, SESSILE_KEY_MISMATCH, SESSILE_KEY_UNAVAILABLE say why the new one is not in force; the one
/// before is then. SESSILE_INVALID_ARGUMENT: bytes where the keyring is a file, none where it was given as bytes.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_reload_keys(
    store: *mut sessile_store_t,
    bytes: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_asking(err, || look_up(store)?.reload_keys(bytes.bytes("bytes")?).wait())
}

/// Seals with the primary key what is sealed with older ones, while everybody goes on working: sessions, users,
/// configurations and revocations of this workspace, product and env. `page` is a JSON object, {"limit":100,
/// "cursor":"..."}, both optional, or absent: so many records (1 to 1000, 100 by default), from that cursor on.
///
/// {"done":false,"cursor":"...","rewrapped":7,"skipped":0}: call again with the cursor until it is done; then it is null.
/// `rewrapped` counts cells, `skipped` those that can't be opened. It may be stopped anywhere and taken up again.
/// SESSILE_CONFLICT, details "waitSeconds", while the primary is too new to seal.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_rewrap(
    store: *mut sessile_store_t,
    page: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.rewrap(page.optional("page")?).wait())
}

/// Brings what is stored in this workspace, product and env to `other`, a store of the same on another backend, opened with
/// the same keyring: configurations, sessions with their fields, versions and ends, users and their secrets, revocations.
/// Made while nobody writes. `page` as for sessile_store_rewrap.
///
/// {"done":false,"cursor":"...","copied":90,"unchanged":10,"skipped":0}: call again with the cursor until it is done; then it
/// is null. `copied` counts records that were written there, `unchanged` those that stood there already, `skipped` those that
/// stay as they are there, for they were changed there later or nobody can tell. It may be stopped anywhere, taken up again
/// and made twice.
///
/// Before anything is written: SESSILE_INVALID_ARGUMENT for another workspace, product or env, and for the store itself;
/// SESSILE_KEY_UNAVAILABLE, SESSILE_KEY_MISMATCH and SESSILE_KEY_REVOKED if the other can't open what is brought, or one of them
/// lacks the users' secrets; SESSILE_CONFLICT if a tag means another configuration there.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_copy_to(
    store: *mut sessile_store_t,
    other: *mut sessile_store_t,
    page: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.copy_to(&*look_up(other)?, page.optional("page")?).wait())
}

/// How much is sealed with each key in this workspace, product and env; it reads all of it:
/// {"keys":[{"id":1,"state":"retired","heads":0,"fields":0,"users":0,"configs":0,"revocations":0}],"unreadable":0,
/// "sealsWith":2,"signsWith":"...","signing":[{"kid":"...","state":"primary"}],"problem":null}.
///
/// - keys: those of the keyring, and every other that something is sealed with ("state":"missing").
/// - unreadable: what names no key, and configurations that can't be opened.
/// - problem: {"code","message"}, why the keyring that was offered last is not in force.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_key_usage(
    store: *mut sessile_store_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.key_usage().wait())
}

/// Takes a retired or revoked data key ("1") out of the keyring file, if nothing of this workspace, product and env is
/// sealed with it: else SESSILE_CONFLICT with the counts in its details. What others hold that share the file must be
/// asked of them; checkpoints live 24 hours. SESSILE_NOT_FOUND; SESSILE_UNSUPPORTED for a keyring that is no file.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_drop_key(
    store: *mut sessile_store_t,
    key: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.drop_key(key.required("key")?).wait())
}
