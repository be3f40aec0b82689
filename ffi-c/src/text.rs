//! Slices that C passes in.

use std::ffi::c_char;

use sessile::Result;

use crate::border::invalid;

/// A slice of bytes passed in: `len` bytes at `ptr`, UTF-8 unless said otherwise, no terminating NUL needed. It is
/// only read during the call and never kept. {NULL, 0} means absent, which is an error where a value is required; an
/// empty text is {"", 0}. Make one with SESSILE_STR("a literal"), sessile_str(a_c_string) or SESSILE_NONE.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct sessile_str_t {
    /// The first byte.
    ptr: *const c_char,
    /// How many bytes.
    len: usize,
}

impl sessile_str_t {
    /// The bytes; `None` when absent.
    pub(crate) fn bytes(&self, name: &str) -> Result<Option<&[u8]>> {
        match (self.ptr.is_null(), self.len) {
            (true, 0) => Ok(None),
            (true, len) => Err(invalid(format!("{name}: NULL with a length of {len}; {{NULL, 0}} means absent"))),
            (false, len) if isize::try_from(len).is_err() => Err(invalid(format!("{name}: {len} bytes is no length"))),
            // SAFETY: only C makes a value of this type, and the header demands `len` readable bytes at `ptr` that
            // stay as they are until the call returns. The borrow ends with `self`, a parameter of that call.
            (false, len) => Ok(Some(unsafe { std::slice::from_raw_parts(self.ptr.cast::<u8>(), len) })),
        }
    }

    /// The bytes of a value that may not be absent.
    pub(crate) fn required_bytes(&self, name: &str) -> Result<&[u8]> {
        self.bytes(name)?.ok_or_else(|| invalid(format!("{name} is missing ({{NULL, 0}}); empty is {{\"\", 0}}")))
    }

    /// The text; `None` when absent.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<&str>> {
        self.bytes(name)?.map(|bytes| utf8(bytes, name)).transpose()
    }

    /// The text of a value that may not be absent.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        utf8(self.required_bytes(name)?, name)
    }
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| invalid(format!("{name}: not UTF-8 at byte {}", error.valid_up_to())))
}

/// `count` texts at `first`; NULL is fine when there are none.
///
/// # Safety
/// `first` is NULL, or `count` slices can be read there during `'a`, each as [`sessile_str_t`] demands.
pub(crate) unsafe fn texts<'a>(first: *const sessile_str_t, count: usize, name: &str) -> Result<Vec<&'a str>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if first.is_null() || !first.is_aligned() {
        return Err(invalid(format!("{name}: no slices there, but a count of {count}")));
    }
    if isize::try_from(count.saturating_mul(size_of::<sessile_str_t>())).is_err() {
        return Err(invalid(format!("{name}: {count} is no count")));
    }
    // SAFETY: not NULL, aligned, not too long; the rest is this function's own condition.
    let slices: &'a [sessile_str_t] = unsafe { std::slice::from_raw_parts(first, count) };
    slices.iter().map(|slice| slice.required(name)).collect()
}

/// What a `uint64_t ttl` says: `SESSILE_NO_TTL` is none, anything else is for the core to judge.
pub(crate) fn ttl(seconds: u64) -> Option<u64> {
    (seconds != SESSILE_NO_TTL).then_some(seconds)
}

/// As a ttl: none, the field stays.
pub const SESSILE_NO_TTL: u64 = u64::MAX;
