//! Stores.

use std::mem::MaybeUninit;

use sessile::Store;

use crate::border::{Out, enter, release};
use crate::buffer::{buffer_of, enter_text, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::events;
use crate::handle::{free, handle, look_up, sessile_options_t, sessile_session_t, sessile_store_t};
use crate::keyring_callback::enter_asking;
use crate::options::taken;
use crate::text::sessile_str_t;

/// Opens (or makes) the store. It takes what is in the options, secrets included, whether it succeeds or not: the
/// handle stays the caller's to free, and is SESSILE_CLOSED for anything else.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_open(
    options: *mut sessile_options_t,
    out: Option<&mut MaybeUninit<*mut sessile_store_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_asking(err, || {
        let out = out.required("out")?;
        let options = look_up(options)?.lock().take().ok_or_else(taken)?;
        out.write(handle(Store::open(options).wait()?)?);
        Ok(())
    })
}

/// Closes the store: from then on calls on it, its executions and sessions are SESSILE_CLOSED. Closing twice is fine.
/// The handle stays and wants to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_close(
    store: *mut sessile_store_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.close().wait())
}

/// Gives space back: drops up to `budget` sessions that were over a day ago, and the records of users who are gone for
/// longer than their configuration's retention. `count` (may be NULL): how many it dropped; as many as `budget` means
/// that there may be more. Nothing needs it to be right: what is over is over, swept or not.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_sweep(
    store: *mut sessile_store_t,
    budget: u32,
    count: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        count.give(look_up(store)?.sweep(budget).wait()?);
        Ok(())
    })
}

/// Waits until everything that was acknowledged before is on the disk: for the moments that matter under the durability
/// "interval". Under "commit", and in memory, there is nothing to wait for. SESSILE_IO.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_flush(
    store: *mut sessile_store_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.flush().wait())
}

/// Copies the store to a new file at `path`, as of one instant, while others go on reading and writing. The copy is a
/// store of its own, sealed under the same keyring, which is not in it. SESSILE_ALREADY_EXISTS: no file is ever
/// replaced; SESSILE_UNSUPPORTED in memory; SESSILE_IO.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_backup(
    store: *mut sessile_store_t,
    path: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.backup(path.required("path")?).wait())
}

/// Looks everything over, while the store is in use: the file as a whole, and every record of this workspace, product
/// and env, opened with the keyring. It takes about as long as reading the file.
/// {"ok":false,"sessions":1204,"fields":9120,"users":611,"configs":2,"problemCount":1,
/// "problems":[{"kind":"field","code":"CORRUPT","where":"<space>/<session>/<field>"}]}, the first 100 problems.
///
/// - kind: file (`where` is SQLite's sentence), keys, config, session, field, touch, user or index.
/// - code: an error's name, NOT_FOUND for what should be there and is not.
/// - where: blind ids in hex, never a name.
///
/// What it finds is no error: the status is 0. A failed call could not look.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_check(
    store: *mut sessile_store_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.check().wait())
}

/// Takes the oldest audit events that nobody fetched yet, `max` at most, in the order in which they happened: a JSON array
/// [{"at":"2026-01-01T00:00:00.000Z","event":"config.created","tag":"cart"},...], with what else is known of each: "user"
/// (a blind id), "sessionId", "keyId", "reason", "code", "requestId". Empty unless the store was opened with "audit". A
/// store that was closed still gives those of before.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_drain_events(
    store: *mut sessile_store_t,
    max: usize,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || Ok(format!("[{}]", look_up(store)?.drain_events(max).join(","))))
}

/// Whether sessile_store_drain_events has something to give. Costs next to nothing: it may be asked after every call.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_has_events(
    store: *mut sessile_store_t,
    out: Option<&mut MaybeUninit<bool>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(look_up(store)?.has_events());
        Ok(())
    })
}

/// Frees the handle. A store that was not closed closes when its last execution, session and call are gone too.
/// NULL and a freed handle are fine.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_free(store: *mut sessile_store_t) {
    events::end(store);
    release(|| free(store));
}

/// Verifies a token, with or without "Bearer " or "<tag>:", or says why it is not good (SESSILE_TOKEN_…):
/// {"realm":…,"subject":…,"issuer":…,"id":…,"issuedAt":…,"expiresAt":…,"acr":…,"authenticatedAt":…}. The token's id (its
/// "jti"), how (acr) and when the user was authenticated are null where the issuer does not say.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_verify(
    store: *mut sessile_store_t,
    token: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let verified = look_up(store)?.verify(token.required("token")?).wait()?;
        let json = serde_json::json!({
            "realm": verified.realm(),
            "subject": verified.subject(),
            "issuer": verified.issuer(),
            "id": verified.id(),
            "issuedAt": verified.issued_at().to_string(),
            "expiresAt": verified.expires_at().to_string(),
            "acr": verified.acr(),
            "authenticatedAt": verified.authenticated_at().map(|time| time.to_string()),
        });
        out.write(buffer_of(json.to_string().into_bytes()));
        Ok(())
    })
}

/// The Global session of config `tag` (absent: the token's own, else "global") of the user whom `token` proves,
/// outside any execution. The token is verified here.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_global(
    store: *mut sessile_store_t,
    token: sessile_str_t,
    tag: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_session_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let tag = tag.optional("tag")?;
        let store = look_up(store)?;
        let verified = store.verify(token.required("token")?).wait()?;
        out.write(handle(store.global(&verified, tag)?)?);
        Ok(())
    })
}

/// Signs a login token of the store's own issuer. `claims` is a JSON object with "sub"; `ttl` in seconds, 1 to 86400.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_tokens_issue(
    store: *mut sessile_store_t,
    claims: sessile_str_t,
    ttl: u64,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        let token = look_up(store)?.tokens().issue(claims.required("claims")?, ttl).wait()?;
        out.write(buffer_of(token.into_bytes()));
        Ok(())
    })
}

/// The public keys of the store's own issuer, as a JWK set.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_tokens_jwks(
    store: *mut sessile_store_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let out = out.required("out")?;
        out.write(buffer_of(look_up(store)?.tokens().jwks().wait()?.into_bytes()));
        Ok(())
    })
}
