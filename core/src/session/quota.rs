//! How many sessions a user may have at once: what must go so that one more may begin.
//!
//! Decided on the user's sessions as they stand, and guarded by the user's generation, which every begin, end and revoke
//! raises: so the limit is exact under races.

use crate::backend::{BlindUser, Cells, Change, Effects, Guard, HeadGuard, UserSessions};
use crate::clock::Time;
use crate::config::{Config, OnLimit};
use crate::error::{Code, Result, fail};
use crate::store::Inner;
use crate::vault::{ConfigVault, Entropy, Head, HeadState};

use super::global::kept::kept_until;
use super::seen::Seen;

/// The changes that end the user's oldest sessions until one more may begin; `QUOTA_EXCEEDED` if the config says so.
/// Without a quota there is nothing to do.
pub(crate) fn make_room(
    store: &Inner,
    config: &Config,
    vault: &ConfigVault,
    user: &BlindUser,
    known: &UserSessions,
    now: Time,
    entropy: &mut Entropy,
) -> Result<Vec<Change>> {
    let Some(most) = config.definition.max_sessions else { return Ok(Vec::new()) };
    let mut alive = Vec::new();
    for listed in &known.sessions {
        let Some(sealed) = &listed.head else { continue };
        match Seen::open(vault, &listed.id, sealed, listed.touch.as_ref()) {
            Ok(seen) if seen.lives(now) && !seen.is_anothers(vault, user) => alive.push((listed.id, seen)),
            Ok(_) => {}
            // Nobody can use a damaged session. One whose key is missing here may live elsewhere.
            Err(error) if error.code() == Code::Corrupt => {}
            Err(error) => return Err(error),
        }
    }
    let Some(too_many) = (alive.len() as u64 + 1).checked_sub(most).filter(|surplus| *surplus > 0) else {
        return Ok(Vec::new());
    };
    if config.definition.on_limit == OnLimit::Reject {
        return Err(fail!(QuotaExceeded, "the user has as many sessions as config {:?} allows: {most}", config.tag)
            .with("tag", &*config.tag)
            .with("limit", most));
    }
    alive.sort_by_key(|(id, seen)| (seen.head.began, *id));
    let oldest = alive.into_iter().take(too_many as usize);
    let evict = |(id, seen): (_, Seen)| {
        let head = Head { state: HeadState::Evicted, ..seen.head };
        let mut effects = Effects::nothing(now, &store.limits);
        effects.raise_version = true;
        effects.close(vault.seal_head(&id, &head, entropy)?, kept_until(store, head.not_before, now));
        effects.index = Some((*user, false));
        let guard = Guard { head: HeadGuard::Is(seen.sealed), ..Guard::default() };
        Ok(Change { space: vault.space(), id, guard, effects, answer: Cells::None })
    };
    oldest.map(evict).collect()
}
