//! Bytes that C owns: results on their way out.

use std::ffi::c_char;
use std::mem::MaybeUninit;

use sessile::Result;

use crate::border::{Out, enter, release};
use crate::error::sessile_error_t;
use crate::text::sessile_str_t;

/// An owned result: read `ptr` and `len`, change neither, and give it back to sessile_buffer_free. The bytes are
/// UTF-8 text unless said otherwise, and are followed by a NUL that `len` does not count.
#[repr(C)]
pub struct sessile_buffer_t {
    /// The first byte. Never NULL.
    ptr: *const c_char,
    /// How many bytes, without the NUL that follows them.
    len: usize,
}

/// What a `sessile_buffer_t *` points to the start of. Freed by what it owns, whatever C did to `seen`.
#[repr(C)]
struct Owned {
    seen: sessile_buffer_t,
    bytes: Vec<u8>,
}

/// The buffer that C will own.
pub(crate) fn buffer(bytes: &[u8]) -> *mut sessile_buffer_t {
    let mut owned = Vec::with_capacity(bytes.len() + 1);
    owned.extend_from_slice(bytes);
    buffer_of(owned)
}

/// The buffer that C will own, of bytes that are ours already.
pub(crate) fn buffer_of(mut bytes: Vec<u8>) -> *mut sessile_buffer_t {
    let len = bytes.len();
    bytes.push(0);
    let seen = sessile_buffer_t { ptr: bytes.as_ptr().cast(), len };
    Box::into_raw(Box::new(Owned { seen, bytes })).cast()
}

/// The buffer of a value that may be absent; NULL when it is.
pub(crate) fn buffer_or_null(text: Option<&str>) -> *mut sessile_buffer_t {
    text.map_or(std::ptr::null_mut(), |text| buffer(text.as_bytes()))
}

/// The body of a call that gives a text, and makes no sense without a place for it.
pub(crate) fn enter_text(
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
    body: impl FnOnce() -> Result<String>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(body()?.into_bytes()));
        Ok(())
    })
}

/// Makes a buffer with a copy of `bytes` (any bytes): for a sessile_update_fn to give its result in.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_buffer_new(
    bytes: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer(bytes.required_bytes("bytes")?));
        Ok(())
    })
}

/// Frees a buffer. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_buffer_free(buffer: *mut sessile_buffer_t) {
    if buffer.is_null() {
        return;
    }
    // SAFETY: the header demands a buffer that this library gave out and that was not given back yet.
    release(|| drop(unsafe { take(buffer) }));
}

/// The bytes of a buffer that C gave back.
///
/// # Safety
/// `buffer` came from [`buffer_of`] and was not taken before.
pub(crate) unsafe fn take(buffer: *mut sessile_buffer_t) -> Vec<u8> {
    // SAFETY: `buffer_of` leaked a box of this type, and by this function's condition nobody took it back yet.
    let mut owned = unsafe { Box::from_raw(buffer.cast::<Owned>()) };
    let mut bytes = std::mem::take(&mut owned.bytes);
    bytes.pop();
    bytes
}
