//! How long a head is kept after its session is over: for those who still hold that life, and against tokens that were
//! issued before its user was revoked.

use crate::clock::Time;
use crate::config::Config;
use crate::session::seen::over_at;
use crate::store::Inner;
use crate::vault::Head;

/// Ended and expired records are kept for a day, so that whoever still holds that life is told what became of it.
pub(crate) const KEPT_AFTER_END: i64 = 24 * 3600 * 1000;

/// The largest leeway that an issuer's clock may have, both ways.
pub(crate) const LEEWAY: i64 = 2 * 120_000;

/// When the row of a session that is over at `end` may go.
pub(crate) fn kept_until(store: &Inner, not_before: Option<Time>, end: Time) -> Time {
    end.plus_millis(KEPT_AFTER_END).max(not_before.map_or(end, |instant| good_until(store, instant)))
}

/// When the row of a session that lives may go, if it is not used again.
pub(crate) fn row_hint(store: &Inner, head: &Head, touched: Time) -> Option<Time> {
    over_at(head, touched).map(|end| kept_until(store, head.not_before, end))
}

/// What a use of the session at `now` makes of that.
pub(crate) fn use_hint(store: &Inner, head: &Head, now: Time) -> Option<Time> {
    head.idle.and_then(|_| row_hint(store, head, now))
}

/// When the tombstone may go of what was revoked at `instant`: no token that was issued before can be good any more.
pub(crate) fn revoked_until(store: &Inner, config: &Config, instant: Time) -> Time {
    let longest = good_until(store, instant);
    config.definition.token.end_of(instant).map_or(longest, |own| longest.max(own.plus_millis(LEEWAY)))
}

/// The last instant at which a login token, or one of another issuer, can be good that was issued at `instant`.
pub(crate) fn good_until(store: &Inner, instant: Time) -> Time {
    instant.plus_millis(i64::from(store.verifier.longest_life()) * 1000 + LEEWAY)
}
