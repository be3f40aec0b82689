//! The C ABI of sessile: the façade, one to one. Nothing about sessions is decided here.
//!
//! A C caller's promises about pointers are written into the types of the parameters: [`sessile_str_t`](text) is a
//! slice that is readable during the call, `Option<&mut MaybeUninit<T>>` is an out-param that may be NULL, and a
//! handle is a number that nobody dereferences ([`handle`]). So the few places that need `unsafe` are those that make
//! something of such a type, not every function. [`border::enter`] is the one body of every fallible call.
#![allow(non_camel_case_types)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod border;
mod buffer;
mod clock;
mod configs;
mod error;
mod events;
mod execution;
mod fork;
mod handle;
mod health;
mod identity;
mod keyring;
mod keyring_callback;
mod keys;
mod lint;
mod options;
mod session;
mod sessions;
mod step;
mod store;
mod text;
mod update;

use std::ffi::c_char;

/// The version of the library that is loaded, like "0.1.0". Static: never freed.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
