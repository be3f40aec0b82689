//! Errors as C sees them: a status, and an object that says more.

use std::ffi::{CString, c_char};

use sessile::Error;

use crate::border::release;

/// The status of every fallible call. Numbers are stable and never reused; new ones may come.
#[repr(C)]
#[allow(dead_code, reason = "for the header; a status is made of sessile::Code")]
pub enum sessile_code_t {
    /// The call did what it says.
    SESSILE_OK = 0,
    /// An argument has the wrong type, range or form.
    SESSILE_INVALID_ARGUMENT = 1,
    /// Text that should be JSON is not (or a step's name occurs twice in the message).
    SESSILE_INVALID_JSON = 2,
    /// A step has an unknown member or a member of a wrong kind.
    SESSILE_INVALID_STEP = 3,
    /// GET and PUT need a JSON object as message.
    SESSILE_MESSAGE_NOT_OBJECT = 4,
    /// A size, depth, count or number is beyond a limit; nothing was stored.
    SESSILE_LIMIT_EXCEEDED = 5,
    /// A session configuration is not valid.
    SESSILE_CONFIG_INVALID = 6,
    /// The store, execution or sub-process has ended.
    SESSILE_CLOSED = 7,
    /// This process was forked from one that had the store open, without the fork hooks.
    SESSILE_FORKED = 8,
    /// This build, platform or file cannot do that.
    SESSILE_UNSUPPORTED = 9,
    /// The thing named does not exist.
    SESSILE_NOT_FOUND = 20,
    /// The thing to be made exists already.
    SESSILE_ALREADY_EXISTS = 21,
    /// Somebody else changed it first.
    SESSILE_CONFLICT = 22,
    /// The backend shows an older state than this process has already seen.
    SESSILE_STALE = 23,
    /// The session has reached its end.
    SESSILE_SESSION_EXPIRED = 24,
    /// The session was ended or revoked.
    SESSILE_SESSION_REVOKED = 25,
    /// The data does not satisfy the configuration's schema.
    SESSILE_SCHEMA_VIOLATION = 26,
    /// The selector's field does not name this session's user.
    SESSILE_SELECTOR_MISMATCH = 27,
    /// The user has as many sessions as the configuration allows.
    SESSILE_QUOTA_EXCEEDED = 28,
    /// The store was opened for reading only.
    SESSILE_READ_ONLY = 29,
    /// The trigger, its security or the token is missing, or the token names another session.
    SESSILE_GLOBAL_NOT_ALLOWED = 40,
    /// The token is not a well-formed compact JWS.
    SESSILE_TOKEN_MALFORMED = 41,
    /// The signature does not verify.
    SESSILE_TOKEN_SIGNATURE = 42,
    /// `exp` is past.
    SESSILE_TOKEN_EXPIRED = 43,
    /// `nbf` or `iat` is in the future.
    SESSILE_TOKEN_NOT_YET = 44,
    /// A required claim is missing, of a wrong type, or not acceptable.
    SESSILE_TOKEN_CLAIMS = 45,
    /// The issuer, key or algorithm is not one this store trusts.
    SESSILE_TOKEN_UNTRUSTED = 46,
    /// The token, its issuer or its user was revoked.
    SESSILE_TOKEN_REVOKED = 47,
    /// A refresh token was used twice: the session was ended.
    SESSILE_REFRESH_REUSED = 48,
    /// This backend needs a keyring.
    SESSILE_KEY_REQUIRED = 60,
    /// The keyring cannot be used; the message says why.
    SESSILE_KEYRING_INVALID = 61,
    /// What was read was sealed with a key that this keyring lacks.
    SESSILE_KEY_UNAVAILABLE = 62,
    /// The keyring has other bytes for a key id this store already knows.
    SESSILE_KEY_MISMATCH = 63,
    /// What was read was sealed with a key that has been revoked.
    SESSILE_KEY_REVOKED = 64,
    /// A stored record was damaged or tampered with.
    SESSILE_CORRUPT = 65,
    /// The file or record was written by a newer format.
    SESSILE_FORMAT_TOO_NEW = 66,
    /// The backend cannot be reached.
    SESSILE_UNAVAILABLE = 80,
    /// The deadline passed.
    SESSILE_TIMEOUT = 81,
    /// The backend was held by somebody else until the deadline.
    SESSILE_BUSY = 82,
    /// Reading or writing failed.
    SESSILE_IO = 83,
    /// A panic was caught at the border; please report it.
    SESSILE_PANIC = 120,
    /// A fault of this library; please report it.
    SESSILE_INTERNAL = 121,
}

/// An error: owned by whoever received it, freed with sessile_error_free. It never changes, so any thread may read it.
pub struct sessile_error_t {
    code: i32,
    retryable: bool,
    name: CString,
    message: CString,
    details: CString,
}

impl sessile_error_t {
    /// The error object that C will own.
    pub(crate) fn owned(error: &Error) -> *mut sessile_error_t {
        Box::into_raw(Box::new(sessile_error_t {
            code: error.code().number(),
            retryable: error.retryable(),
            name: c_string(error.code().name()),
            message: c_string(error.message()),
            details: c_string(&error.details_json()),
        }))
    }
}

/// A NUL inside (a field's name may have one) would cut the text short.
fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// The error's code, the same number as the status of the call. NULL gives SESSILE_OK.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_error_code(error: Option<&sessile_error_t>) -> i32 {
    error.map_or(0, |error| error.code)
}

/// The error's stable name, like "NOT_FOUND". Lives as long as the error. NULL gives "OK".
#[unsafe(no_mangle)]
pub extern "C" fn sessile_error_name(error: Option<&sessile_error_t>) -> *const c_char {
    error.map_or(c"OK".as_ptr(), |error| error.name.as_ptr())
}

/// What was wrong and what to do next, for people; never holds a token, a key or a value. Lives as long as the error.
/// NULL gives "".
#[unsafe(no_mangle)]
pub extern "C" fn sessile_error_message(error: Option<&sessile_error_t>) -> *const c_char {
    error.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Whether the same call may succeed later, unchanged. NULL gives false.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_error_retryable(error: Option<&sessile_error_t>) -> bool {
    error.is_some_and(|error| error.retryable)
}

/// The details, for programs: a JSON object whose member names are stable. Lives as long as the error. NULL gives "{}".
#[unsafe(no_mangle)]
pub extern "C" fn sessile_error_details(error: Option<&sessile_error_t>) -> *const c_char {
    error.map_or(c"{}".as_ptr(), |error| error.details.as_ptr())
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_error_free(error: Option<Box<sessile_error_t>>) {
    release(|| drop(error));
}
