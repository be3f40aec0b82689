//! The life of users' sessions under a configuration: from start to revocation, and who has which.

use std::mem::MaybeUninit;

use crate::border::{Out, enter};
use crate::buffer::{buffer_of, enter_text, sessile_buffer_t};
use crate::error::sessile_error_t;
use crate::handle::{look_up, sessile_store_t};
use crate::text::{sessile_str_t, ttl as seconds};

/// Starts a session under the configuration `tag`, which must have a selector, for the user whom the selector finds in
/// `data`, a JSON object that satisfies the schema. `ttl` shortens the session's life: whole seconds, at least 1, or
/// SESSILE_NO_TTL.
///
/// {"token":"user_session:eyJ...","tokenExpiresAt":"2026-01-02T00:00:00.000Z","refreshToken":"...",
/// "sessionId":"user_session.3f...","expiresAt":"2026-08-01T00:00:00.000Z"}; expiresAt is null if it never ends. Both
/// tokens are secrets of the user: the token opens the session at a step, the refresh token gives the next pair.
///
/// SESSILE_NOT_FOUND: no such configuration; SESSILE_INVALID_ARGUMENT: it has no selector (details "argument": "tag"),
/// or the data is no object; SESSILE_SCHEMA_VIOLATION: details "violations", [{"pointer":"/email","keyword":"type"}];
/// SESSILE_QUOTA_EXCEEDED: the user has all sessions that there may be, and the configuration rejects more.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_start(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    data: sessile_str_t,
    ttl: u64,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || {
        let (tag, data) = (tag.required("tag")?, data.required("data")?);
        look_up(store)?.sessions().start(tag, data, seconds(ttl)).wait()
    })
}

/// Says whether a session token, with or without "<tag>:", opens its session now, and what is in that:
/// {"valid":true,"sessionId":"user_session.3f...","identifier":"u1","expiresAt":null,"data":{"userId":"u1",...}}. A
/// token that is not good is no error: {"valid":false,"reason":"expired"}, where the reason is untrusted (not a session
/// token of this store, or tampered with), not_yet, expired (the token alone: refresh it), session_expired, revoked,
/// ended (by whoever held it) or evicted (by the quota).
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_verify(
    store: *mut sessile_store_t,
    token: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.sessions().verify(token.required("token")?).wait())
}

/// Turns a refresh token into a new pair for the same session, as sessile_sessions_start gives it; also after the token
/// expired, not after the session did. The refresh token that came before gives the same pair again within the
/// configuration's refreshGrace; an older one, or later, is taken for stolen: the session is revoked.
///
/// SESSILE_TOKEN_MALFORMED, SESSILE_TOKEN_SIGNATURE (also another store's), SESSILE_TOKEN_EXPIRED (the refresh token),
/// SESSILE_SESSION_EXPIRED, SESSILE_SESSION_REVOKED, SESSILE_REFRESH_REUSED.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_refresh(
    store: *mut sessile_store_t,
    refresh_token: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.sessions().refresh(refresh_token.required("refresh_token")?).wait())
}

/// Ends a session: from now on none of its tokens opens it, in any process. Twice is fine. SESSILE_NOT_FOUND: nothing
/// is stored under that id; SESSILE_INVALID_ARGUMENT: it is no session's id.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_revoke(
    store: *mut sessile_store_t,
    session_id: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || look_up(store)?.sessions().revoke(session_id.required("session_id")?).wait())
}

/// Ends all sessions of a user under a configuration, but for the one with the id `except` (absent: all). `user` is
/// JSON text: a string, number or boolean as the selector finds it ("\"u1\"": quotes and all; 1 and "1" are two users)
/// is a user of the store's own realm; {"realm":"https://id.example.com","subject":"u1"} one of another issuer's.
/// `count` (may be NULL): how many of the sessions were alive.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_revoke_all(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    user: sessile_str_t,
    except: sessile_str_t,
    count: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (tag, user, except) = (tag.required("tag")?, user.required("user")?, except.optional("except")?);
        count.give(look_up(store)?.sessions().revoke_all(tag, user, except).wait()?);
        Ok(())
    })
}

/// The sessions under a configuration, of `user` (see sessile_sessions_revoke_all) or, absent, of everybody, a page at
/// a time (see sessile_configs_list): those that live, and those that reached their end less than 24 hours ago.
///
/// {"sessions":[{"sessionId":"user_session.3f...","identifier":"u1","realm":"sessile:default/shop/prd","standing":false,
/// "startedAt":"...","lastSeenAt":"...","expiresAt":null,"active":true}],"nextCursor":null}; one that can't be opened
/// is {"sessionId":"...","unreadable":"CORRUPT"}, with the error's name.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_list(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    user: sessile_str_t,
    page: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || {
        let (tag, user, page) = (tag.required("tag")?, user.optional("user")?, page.optional("page")?);
        look_up(store)?.sessions().list(tag, user, page).wait()
    })
}

/// Puts every member of `data` (a JSON object) into a session's data, all or nothing; other fields stay.
/// SESSILE_NOT_FOUND, SESSILE_SESSION_EXPIRED, SESSILE_SESSION_REVOKED, SESSILE_SCHEMA_VIOLATION,
/// SESSILE_SELECTOR_MISMATCH: the user's field names somebody else.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_update(
    store: *mut sessile_store_t,
    session_id: sessile_str_t,
    data: sessile_str_t,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (session_id, data) = (session_id.required("session_id")?, data.required("data")?);
        look_up(store)?.sessions().update(session_id, data).wait()
    })
}

/// Moves a session's end to `ttl` seconds (at least 1) from now: never to earlier than it was, never past the
/// configuration's maxLifetime. `out` (may be NULL): the end in force, JSON text: "2026-08-01T00:00:00.000Z" in quotes,
/// or null if it never ends. SESSILE_NOT_FOUND, SESSILE_SESSION_EXPIRED, SESSILE_SESSION_REVOKED.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_extend(
    store: *mut sessile_store_t,
    session_id: sessile_str_t,
    ttl: u64,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let end = look_up(store)?.sessions().extend(session_id.required("session_id")?, ttl).wait()?;
        let json = serde_json::Value::from(end.map(|time| time.to_string()));
        out.give_with(|| buffer_of(json.to_string().into_bytes()));
        Ok(())
    })
}

/// The users of a configuration, a page at a time (see sessile_configs_list), until its retention has passed since
/// their last session's end: {"users":[{"identifier":"u1","realm":"sessile:default/shop/prd","state":"active",
/// "firstSeenAt":"...","lastSeenAt":"...","totalSessions":3,"activeSessions":1}],"nextCursor":null}. `state` is active
/// (a session lives), expired (the last one reached its end) or inactive (it was ended or revoked). One that can't be
/// opened is {"unreadable":"CORRUPT"}.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_users(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    page: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || {
        let (tag, page) = (tag.required("tag")?, page.optional("page")?);
        look_up(store)?.sessions().users(tag, page).wait()
    })
}

/// One user (see sessile_sessions_revoke_all) as sessile_sessions_users gives them, with their "sessions" as in
/// sessile_sessions_list; SESSILE_NOT_FOUND.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_user(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    user: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || {
        let (tag, user) = (tag.required("tag")?, user.required("user")?);
        look_up(store)?.sessions().user(tag, user).wait()
    })
}

/// The counts of a configuration: {"totalUsers":4,"activeUsers":2,"inactiveUsers":1,"expiredUsers":1,"newUsersToday":1,
/// "newUsersThisWeek":2,"totalSessions":9,"activeSessions":3,"averageSessionsPerUser":2.25,"unreadable":0}. Days are
/// UTC's, weeks ISO's; totalSessions counts every session ever begun by the users that are there. SESSILE_NOT_FOUND.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_dashboard(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    out: Option<&mut MaybeUninit<*mut sessile_buffer_t>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter_text(out, err, || look_up(store)?.sessions().dashboard(tag.required("tag")?).wait())
}

/// Removes a user (see sessile_sessions_revoke_all) under a configuration, with all their sessions and data. `count`
/// (may be NULL): how many of the sessions were alive.
#[unsafe(no_mangle)]
pub extern "C" fn sessile_sessions_forget(
    store: *mut sessile_store_t,
    tag: sessile_str_t,
    user: sessile_str_t,
    count: Option<&mut MaybeUninit<u64>>,
    err: Option<&mut MaybeUninit<*mut sessile_error_t>>,
) -> i32 {
    enter(err, || {
        let (tag, user) = (tag.required("tag")?, user.required("user")?);
        count.give(look_up(store)?.sessions().forget(tag, user).wait()?);
        Ok(())
    })
}
