//! Revocations of tokens and issuers, and logout tokens.

use std::mem::MaybeUninit;

use sessile::Time;

use crate::border::{Out, enter};
use crate::error::sessile_error_t;
use crate::handle::{look_up, sessile_store_t};
use crate::text::sessile_str_t;

/// Revokes every token that `issuer` gave out until `not_before` (RFC 3339; absent: now): login, session and refresh
/// tokens where it is the store's own, "sessile:<workspace>/<product>/<env>". It only ever moves forward. Counts at once
/// here and within a second in every process, for running executions too: SESSILE_TOKEN_REVOKED.
///
/// SESSILE_NOT_FOUND if the store has no issuer of that name, SESSILE_INVALID_ARGUMENT for an instant that is yet to
/// come.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_revoke_issuer(
    store: *mut sessile_store_t,
    issuer: sessile_str_t,
    not_before: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let not_before = not_before.optional("not_before")?.map(Time::parse).transpose()?;
        look_up(store)?.revoke_issuer(issuer.required("issuer")?, not_before).wait()
    })
}

/// Revokes one token, which must verify; it may be bound to a key, and it may have expired, which is enough. It is known
/// by its "jti": SESSILE_INVALID_ARGUMENT if it has none. Counts as sessile_store_revoke_issuer does, and is forgotten
/// when the token has ended. SESSILE_TOKEN_….
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_revoke_token(
    store: *mut sessile_store_t,
    token: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.revoke_token(token.required("token")?).wait())
}

/// Revokes one token by its issuer and "jti" (1 to 512 bytes), for who does not have its text. SESSILE_NOT_FOUND if the
/// store has no issuer of that name.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_revoke_token_id(
    store: *mut sessile_store_t,
    issuer: sessile_str_t,
    jti: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (issuer, jti) = (issuer.required("issuer")?, jti.required("jti")?);
        look_up(store)?.revoke_token_id(issuer, jti).wait()
    })
}

/// Takes a logout token (OpenID Connect Back-Channel Logout 1.0) of one of the issuers: its user's sessions are revoked
/// under every configuration, the standing ones too, begun or not, and so are all tokens with its "sid". `count` (may be
/// NULL): how many of the sessions were alive. A logout token is taken once. SESSILE_TOKEN_….
#[unsafe(no_mangle)]
pub extern "C" fn sessile_store_accept_logout_token(
    store: *mut sessile_store_t,
    token: sessile_str_t,
    count: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        count.give(look_up(store)?.accept_logout_token(token.required("token")?).wait()?);
        Ok(())
    })
}
