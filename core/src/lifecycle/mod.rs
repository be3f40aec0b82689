//! The life of a user's sessions under a configuration: started, verified, refreshed, revoked, listed, forgotten.
//!
//! [`Sessions`] is the door; each room behind it does one thing. What a session holds is read and changed by the verbs of
//! [`Session`](crate::Session), whoever opens it: here it only begins, ends and is counted.

mod dashboard;
mod extend;
mod listing;
mod logout;
mod pair;
mod refresh;
mod retention;
mod revoke;
mod start;
mod users;
mod verify;
mod walk;
mod who;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::audit::Whose;
use crate::backend::StorageId;
use crate::clock::Time;
use crate::config::Found;
use crate::error::{Result, fail};
use crate::json;
use crate::page::Page;
use crate::session::global::Global;
use crate::session::global::change::pause;
use crate::store::Inner;
use crate::task::Task;
use crate::vault::{ConfigVault, SessionId};

pub(crate) use logout::accept as accept_logout;
pub(crate) use retention::sweep_users;
pub(crate) use revoke::indexed_owner;
pub(crate) use walk::Walk;
use who::Who;

/// The sessions of a store's users, under its configurations.
///
/// Arguments and results are JSON text; times in them are RFC 3339, UTC. A *user* is JSON too: `"u1"`, `7` or `true` is a
/// user of the store's own realm, as [`start`](Sessions::start) makes them; `{"realm": …, "subject": …}` one of another
/// issuer. Besides what is named, every call may give `NOT_FOUND` (no such configuration), `KEY_*`, `CORRUPT` and
/// backend errors.
///
/// ```
/// use sessile::{Options, Store};
///
/// let store = Store::open(Options::new("memory:")).wait()?;
/// store.configs().create(
///     r#"{"name": "User session", "expiry": 7, "period": "Months",
///         "schema": {"userId": "string", "email": "string"}, "selector": "userId"}"#,
/// ).wait()?;
/// let started = store.sessions().start("user_session", r#"{"userId": "u1", "email": "a@b.c"}"#, None).wait()?;
/// let started: serde_json::Value = serde_json::from_str(&started).unwrap();
/// let verified = store.sessions().verify(started["token"].as_str().unwrap()).wait()?;
/// let verified: serde_json::Value = serde_json::from_str(&verified).unwrap();
/// assert_eq!((&verified["valid"], &verified["identifier"]), (&true.into(), &"u1".into()));
///
/// store.sessions().revoke_all("user_session", r#""u1""#, None).wait()?;
/// let verified = store.sessions().verify(started["token"].as_str().unwrap()).wait()?;
/// assert_eq!(verified, r#"{"valid":false,"reason":"revoked"}"#);
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

/// A configuration as it is now, with its keys.
struct Under {
    config: Found,
    vault: Arc<ConfigVault>,
}

impl Sessions {
    pub(crate) fn new(store: Arc<Inner>) -> Sessions {
        Sessions(store)
    }

    /// Begins a session of the user that `data` names by the config's selector. `data`, a JSON object, must satisfy the
    /// schema; its members are the session's fields. `ttl`, in seconds, can only shorten the session.
    ///
    /// `{"token": "<tag>:<jwt>", "tokenExpiresAt", "refreshToken", "sessionId", "expiresAt"}`, `expiresAt` null for a
    /// session that never ends. `SCHEMA_VIOLATION`, `INVALID_JSON`, `INVALID_ARGUMENT` (also for a config without a
    /// selector), `LIMIT_EXCEEDED`, `QUOTA_EXCEEDED`; nothing is stored then.
    pub fn start(&self, tag: &str, data: &str, ttl: Option<u64>) -> Task<String> {
        let data = data.to_owned();
        self.under(tag, async move |store, under| start::start(&store, &under, &data, ttl).await)
    }

    /// Looks a session token up, with or without `Bearer ` or `<tag>:`.
    ///
    /// `{"valid": true, "sessionId", "identifier", "expiresAt", "data"}`, or `{"valid": false, "reason"}` for any token
    /// that is simply not good: `untrusted` (before its signature has verified nothing else is said), `not_yet`,
    /// `expired` (the token itself: refresh it), `session_expired`, `ended`, `evicted`, `revoked`. An error is a fault of
    /// ours: backend, keys, a closed store.
    pub fn verify(&self, token: &str) -> Task<String> {
        let token = token.to_owned();
        self.0.task(async move |store| verify::verify(&store, &token).await)
    }

    /// A new pair of tokens for the session of a refresh token; the result is that of [`start`](Sessions::start).
    ///
    /// Each refresh token is good once. The one before gives the same successor again within the config's `refreshGrace`
    /// (10 s), for an answer may get lost; any older one was stolen: the session is revoked, `REFRESH_REUSED`.
    /// `TOKEN_MALFORMED`, `TOKEN_SIGNATURE`, `TOKEN_EXPIRED`, `SESSION_EXPIRED`, `SESSION_REVOKED`. Always on the disk
    /// before it returns.
    pub fn refresh(&self, refresh_token: &str) -> Task<String> {
        let token = refresh_token.to_owned();
        self.0.task(async move |store| refresh::refresh(&store, &token).await)
    }

    /// Revokes one session: no token issued until now opens it, in any process. Twice is fine, and bars what was issued
    /// in between; it works where the
    /// session's record can't be opened. `NOT_FOUND`, `INVALID_ARGUMENT`. Always on the disk before it returns.
    pub fn revoke(&self, session_id: &str) -> Task<()> {
        self.by_id(session_id, async move |store, under, id| revoke::revoke(&store, &under, &id).await)
    }

    /// Revokes all of a user's sessions but `except`, the standing one too, whether it was begun or not; how many were
    /// alive. `INVALID_ARGUMENT` for an `except` that is no session of this config. Always on the disk before it
    /// returns. A login within the same second may have to be repeated.
    pub fn revoke_all(&self, tag: &str, user: &str, except: Option<&str>) -> Task<u64> {
        let (user, except) = (user.to_owned(), except.map(|except| session_id(except, "except")).transpose());
        self.under(tag, async move |store, under| {
            let who = Who::read(&store, &under, &user)?;
            let except = except?.map(|except| exception(&under, &except)).transpose()?;
            revoke::revoke_all(&store, &under, &who, except, revoke::Record::Kept).await
        })
    }

    /// The sessions under a config, or those of one user: `{"sessions": […], "nextCursor": …}`, each
    /// `{"sessionId", "identifier", "realm", "standing", "startedAt", "lastSeenAt", "expiresAt", "active"}`. Shown are
    /// those that live and, with `active: false`, those that reached their end less than a day ago; one that can't be
    /// opened is `{"sessionId", "unreadable": CODE}`. `page`: `{"limit": 1–1000, "cursor": …}`.
    pub fn list(&self, tag: &str, user: Option<&str>, page: Option<&str>) -> Task<String> {
        let (user, page) = (user.map(str::to_owned), Page::parse(page));
        self.under(tag, async move |store, under| {
            let who = user.map(|user| Who::read(&store, &under, &user)).transpose()?;
            listing::list(&store, &under, who.as_ref(), page?).await
        })
    }

    /// Merges `data`, a JSON object, into a session's fields, under the same rules as a Put of its user.
    /// `SCHEMA_VIOLATION`, `SELECTOR_MISMATCH`, `NOT_FOUND`, `SESSION_EXPIRED`, `SESSION_REVOKED`.
    pub fn update(&self, session_id: &str, data: &str) -> Task<()> {
        let data = json::fields_from_object(data, &self.0.limits);
        self.by_id(session_id, async move |store, _, id| Global::by_id(store, id).write(data?, None).await)
    }

    /// Moves a session's end to `ttl` seconds from now; never nearer than it was, never beyond the config's
    /// `maxLifetime`. The end in force, `None`: never. `NOT_FOUND`, `SESSION_EXPIRED`, `SESSION_REVOKED`.
    pub fn extend(&self, session_id: &str, ttl: u64) -> Task<Option<Time>> {
        self.by_id(session_id, async move |store, under, id| extend::extend(&store, &under, &id, ttl).await)
    }

    /// The users known under a config: `{"users": […], "nextCursor": …}`, each `{"identifier", "realm", "state",
    /// "firstSeenAt", "lastSeenAt", "totalSessions", "activeSessions"}`. `state`: `active` (a session lives), `expired`
    /// (none does, the last one reached its end) or `inactive` (none does, the last one was ended or revoked). A user is
    /// kept for the config's `retention` (90 days) after the last session; one that can't be opened is
    /// `{"unreadable": CODE}`.
    pub fn users(&self, tag: &str, page: Option<&str>) -> Task<String> {
        let page = Page::parse(page);
        self.under(tag, async move |store, under| users::users(&store, &under, page?).await)
    }

    /// One user, as [`users`](Sessions::users) shows them, with their `sessions` as [`list`](Sessions::list) shows them.
    /// `NOT_FOUND`.
    pub fn user(&self, tag: &str, user: &str) -> Task<String> {
        let user = user.to_owned();
        self.under(tag, async move |store, under| {
            let who = Who::read(&store, &under, &user)?;
            users::user(&store, &under, &who).await
        })
    }

    /// Counts: `{"totalUsers", "activeUsers", "inactiveUsers", "expiredUsers", "newUsersToday", "newUsersThisWeek",
    /// "totalSessions", "activeSessions", "averageSessionsPerUser", "unreadable"}`. Days are UTC's, weeks begin on
    /// Monday; `totalSessions` counts all that the users ever began. It is a walk, not a snapshot.
    pub fn dashboard(&self, tag: &str) -> Task<String> {
        self.under(tag, async move |store, under| dashboard::dashboard(&store, &under).await)
    }

    /// Removes a user and revokes all their sessions; how many were alive. Always on the disk before it returns. Under a
    /// config with `shred` the user's secret is destroyed first: no older copy of the records can be read any more.
    pub fn forget(&self, tag: &str, user: &str) -> Task<u64> {
        let user = user.to_owned();
        self.under(tag, async move |store, under| {
            let who = Who::read(&store, &under, &user)?;
            if under.config.definition.shred {
                // First of all: whatever becomes of the rest, no copy of the records can be read any more.
                let secrets = store.secrets()?;
                secrets.destroy(&under.vault, &who.user, &store.limits, store.clock.now()).await?;
            }
            revoke::revoke_all(&store, &under, &who, None, revoke::Record::Removed).await
        })
    }

    fn under<R: Send + 'static, F>(
        &self,
        tag: &str,
        work: impl FnOnce(Arc<Inner>, Under) -> F + Send + 'static,
    ) -> Task<R>
    where
        F: Future<Output = Result<R>> + Send + 'static,
    {
        let tag = tag.to_owned();
        self.0.task(async move |store| {
            let under = Under::find(&store, &tag).await?;
            let tag = under.config.tag.clone();
            let done = work(store.clone(), under).await;
            done.map_err(|error| store.audit.refusal(error, || Whose::tag(&tag)))
        })
    }

    fn by_id<R: Send + 'static, F>(
        &self,
        id: &str,
        work: impl FnOnce(Arc<Inner>, Under, SessionId) -> F + Send + 'static,
    ) -> Task<R>
    where
        F: Future<Output = Result<R>> + Send + 'static,
    {
        let id = session_id(id, "sessionId");
        self.0.task(async move |store| {
            let id = id?;
            let under = Under::find(&store, &id.tag).await?;
            let done = work(store.clone(), under, id.clone()).await;
            done.map_err(|error| store.audit.refusal(error, || Whose::id(&id)))
        })
    }
}

impl Under {
    async fn find(store: &Inner, tag: &str) -> Result<Under> {
        let config = store.catalog.find(store, tag).await?;
        let vault = store.vault.config(&config.tag, &config.id);
        Ok(Under { config, vault })
    }
}

/// Counts a try that others were faster than, and waits a little, until the deadline.
async fn again(tries: u32, deadline: Instant) -> Result<u32> {
    if Instant::now() >= deadline {
        return Err(fail!(Conflict, "the user's sessions were changed by others at every try until the deadline"));
    }
    pause(tries + 1).await?;
    Ok(tries + 1)
}

fn session_id(text: &str, argument: &str) -> Result<SessionId> {
    SessionId::parse(text).ok_or_else(|| {
        fail!(InvalidArgument, "not a session's id: pass what start, list or verify gave").with("argument", argument)
    })
}

/// The session that is to stay. One of another config is a mistake that would cost the user the one that was meant.
fn exception(under: &Under, id: &SessionId) -> Result<StorageId> {
    if *id.tag != *under.config.tag {
        return Err(
            fail!(InvalidArgument, "except: not a session of config {:?}", under.config.tag).with("argument", "except")
        );
    }
    Ok(id.storage)
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

/// Refresh tokens, read or not.
#[cfg(test)]
pub(crate) fn assert_tokens_unprinted() {
    crate::keys::printing::assert_unprinted!(pair::RefreshToken, pair::Unread<'static>, who::Who, Under);
}
