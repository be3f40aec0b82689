//! How long a user is remembered whose sessions are all gone.

use super::users::Profile;
use super::{Under, revoke};
use crate::backend::{BlindUser, Outcome, UserEffect};
use crate::clock::Time;
use crate::config::Catalog;
use crate::error::{Code, Result};
use crate::store::Inner;
use crate::vault::{Entropy, User};

/// Whether the user is to be forgotten: nobody is shown them any more, whether their record was swept or not.
pub(super) fn is_over(under: &Under, profile: &Profile, now: Time) -> bool {
    let Some(retention) = under.config.definition.retention else { return false };
    profile.active_sessions(now) == 0 && retention.end_of(profile.gone_since(now)).is_ok_and(|until| until <= now)
}

/// Removes records of users who are to be forgotten: looks at `budget` of them at most; how many went. It begins
/// somewhere else each time, so that every record gets its turn.
pub(crate) async fn sweep_users(store: &Inner, mut budget: usize) -> Result<u64> {
    let mut first = [0; 16];
    crate::vault::fill_random(&mut first)?;
    let mut removed = 0;
    // A definition that can't be opened keeps its own users, and nobody else's.
    for config in Catalog::each(store).await?.into_iter().flatten() {
        let under = match Under::find(store, &config.tag).await {
            // Deleted since it was listed.
            Err(error) if error.code() == Code::NotFound => continue,
            found => found?,
        };
        for after in [Some(first), None] {
            if budget == 0 {
                return Ok(removed);
            }
            let space = under.vault.space();
            let records = store.backend.page_users(&space, after, budget).await?;
            budget -= records.len();
            let now = store.clock.now();
            for (user, record) in records {
                let sessions = store.backend.user(&space, &user).await?.sessions;
                let Ok(profile) = Profile::open(&under, &user, &record, &sessions) else { continue };
                let effect = match profile.unused_since(now) {
                    // From now on the record says so itself, when the sessions are gone.
                    Some(end) => UserEffect::Write(with_end(&under, &user, profile.user, end)?),
                    None if sessions.is_empty() && is_over(&under, &profile, now) => UserEffect::Remove,
                    None => continue,
                };
                let removes = matches!(effect, UserEffect::Remove);
                let mut change = revoke::about_user(store, &under, &user, now);
                change.guard.generation = Some((user, record.generation));
                change.effects.user = Some((user, effect));
                change.effects.durable = false;
                let outcome = store.backend.apply(&change).await?;
                removed += u64::from(removes && matches!(outcome, Outcome::Applied { .. }));
            }
        }
    }
    Ok(removed)
}

/// The record, sealed, of a user whose last session reached its end then.
fn with_end(under: &Under, user: &BlindUser, mut record: User, end: Time) -> Result<Box<[u8]>> {
    record.until = Some(end);
    under.vault.seal_user(user, &record, &mut Entropy::draw()?)
}
