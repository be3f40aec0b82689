//! What a host watches: whether the store can be reached, and what its calls came to.

use std::mem::MaybeUninit;

use crate::buffer::{enter_text, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{look_up, sessile_store_t};

/// Asks the store for something small: {"ok":true,"micros":180}, how long the answer took, or
/// {"ok":false,"micros":1000204,"error":{"code":"UNAVAILABLE","reason":"connection","message":"..."}}; `reason` may be
/// null. A store that does not answer is no error: the status is 0, by the deadline like any call. SESSILE_CLOSED and
/// SESSILE_FORKED are about the handle.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_health(
    store: *mut sessile_store_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.health().wait())
}

/// What there is to know of tokens, their issuers' keys and the server, without any token, key or password:
/// {"tokenCache":{"hits":90,"misses":10,"tokens":8},"issuers":[{"issuer":"https://id.example.com","keys":["k1"],
/// "refusedKeys":[{"index":1,"kid":"k2","reason":"..."}],"trouble":null}],"backend":{"kind":"postgresql","calls":70,
/// "failed":1,"meanMicros":410,"connects":3,"connections":{"open":2,"idle":2,"waiting":0}}}.
///
/// - trouble: why the keys could not be loaded lately; the last good ones are in force meanwhile.
/// - backend: no more than its kind (memory, sqlite) where there is no server. Else what this process asked of it, how
///   often in vain, how long an answer took in the mean (null before the first), and how many connections were ever
///   made, which says how often they broke; with a PostgreSQL that was reached, the connections that there are and the
///   calls that wait for one.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_stats(
    store: *mut sessile_store_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || Ok(look_up(store)?.stats()))
}
