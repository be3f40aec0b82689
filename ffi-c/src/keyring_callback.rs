//! A keyring that the host gives when it is asked.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::MaybeUninit;

use sessile::{Code, Error, Result};
use zeroize::Zeroizing;

use crate::border::{enter, invalid};
use crate::buffer::{sessile_buffer_t, take};
use crate::error::sessile_error_t;
use crate::handle::sessile_options_t;
use crate::options::set;

/// Gives a keyring's JSON text, from a key service say. Put a buffer of sessile_buffer_new into *keyring, which the
/// library wipes and frees. Return 0, or anything else to give up: sessile_store_open or sessile_store_reload_keys then
/// ends with that status, without an error object (take a negative number: all codes are positive).
///
/// It is called within those two calls, on the thread that makes them and outside any lock, and never else. It may call
/// this library, but must not fork, nor leave by longjmp or a C++ exception.
pub type sessile_keyring_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, keyring: *mut *mut sessile_buffer_t) -> i32>;

/// Lets go of a callback's `user_data`: called once, when nothing will call the callback any more, on whichever thread
/// that happens to be noticed.
pub type sessile_release_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// The keyring is what `give` gives, when the store opens and at each sessile_store_reload_keys without bytes. `release`
/// may be NULL; it is called once the options are freed unused, the store could not be opened, or its handle and those of
/// all that was made of it are freed. When this call fails, `user_data` stays the caller's.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_options_set_keyring_callback(
    options: *mut sessile_options_t,
    give: sessile_keyring_fn,
    user_data: *mut c_void,
    release: sessile_release_fn,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let give = give.ok_or_else(|| invalid("give is NULL: a function is wanted".to_owned()))?;
        set(options, |options| {
            let host = Host { give, user_data, release };
            options.keyring_callback(move || host.ask())
        })
    })
}

/// The host's function and what it needs.
struct Host {
    give: unsafe extern "C" fn(*mut c_void, *mut *mut sessile_buffer_t) -> i32,
    user_data: *mut c_void,
    release: sessile_release_fn,
}

// SAFETY: the header says on which threads the functions are called; what is behind `user_data` is theirs alone.
unsafe impl Send for Host {}
// SAFETY: as above; several threads may reload at once, as with every call of this library.
unsafe impl Sync for Host {}

thread_local! {
    /// The status with which this thread's last callback gave up; 0: it did not.
    static GAVE_UP: Cell<i32> = const { Cell::new(0) };
}

impl Host {
    fn ask(&self) -> Result<Vec<u8>> {
        let mut keyring = std::ptr::null_mut();
        // SAFETY: the function is the caller's, its `user_data` too; `keyring` is a place of ours.
        let status = unsafe { (self.give)(self.user_data, &mut keyring) };
        let mut given = match keyring.is_null() {
            true => None,
            // SAFETY: the header demands a buffer of sessile_buffer_new, which becomes ours.
            false => Some(Zeroizing::new(unsafe { take(keyring) })),
        };
        GAVE_UP.set(status);
        match given.as_deref_mut() {
            _ if status != 0 => Err(Error::new(Code::KeyringInvalid, "the keyring's callback gave up")),
            Some(given) => Ok(std::mem::take(given)),
            None => Err(invalid("*keyring: the callback gave no buffer, and did not give up either".to_owned())),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the function is the caller's, its `user_data` too; nothing calls `give` any more.
            unsafe { release(self.user_data) }
        }
    }
}

/// The body of a call that may ask for the keyring: where the callback gave up, its status is the call's.
pub(crate) fn enter_asking(
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
    body: impl FnOnce() -> Result<()>,
) -> i32 {
    GAVE_UP.set(0);
    let mut given_up = 0;
    let status = enter(err, || match body() {
        Err(_) if GAVE_UP.get() != 0 => {
            given_up = GAVE_UP.get();
            Ok(())
        }
        other => other,
    });
    if status == 0 { given_up } else { status }
}
