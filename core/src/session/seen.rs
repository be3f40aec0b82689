//! A head that was opened and found good, with its session's last use: what there is to know of a session's times.

use std::sync::Arc;

use crate::backend::{BlindUser, SealedHead, StorageId, Touch, UserSessions};
use crate::clock::Time;
use crate::error::Result;
use crate::vault::{ConfigVault, Head, HeadState, Owner, UserKeys};

/// See the module.
pub(crate) struct Seen {
    pub(crate) sealed: SealedHead,
    pub(crate) head: Head,
    /// When the session was last used, as far as this process knows.
    pub(crate) touched: Time,
    /// What is stored of that, as far as this process knows.
    pub(crate) touch: Option<Touch>,
    /// The keys of its user, if its config shreds and their secret was there.
    pub(crate) keys: Option<Arc<UserKeys>>,
}

impl Seen {
    /// Opens a head. `KEY_*`, `CORRUPT`.
    pub(crate) fn open(vault: &ConfigVault, id: &StorageId, sealed: &[u8], touch: Option<&Touch>) -> Result<Seen> {
        Ok(Seen::of(vault, id, sealed, touch, vault.open_head(id, sealed)?))
    }

    /// From a head that was opened before.
    pub(crate) fn of(vault: &ConfigVault, id: &StorageId, sealed: &[u8], touch: Option<&Touch>, head: Head) -> Seen {
        let touched = touch.and_then(|touch| vault.open_touch(id, &head.life, touch));
        let touched = touched.map_or(head.began, |touched| touched.max(head.began));
        Seen { sealed: sealed.into(), head, touched, touch: touch.copied(), keys: None }
    }

    /// The same session, used at `now`, which is stored as `touch`.
    pub(crate) fn used(&self, now: Time, touch: Touch) -> Seen {
        let (sealed, head, keys) = (self.sealed.clone(), self.head.clone(), self.keys.clone());
        Seen { sealed, head, touched: now, touch: Some(touch), keys }
    }

    /// Whether a head of the same bytes, read with that touch, says nothing that this does not. Not so where a user's
    /// secret is needed: that may be gone.
    pub(crate) fn is_as_stored(&self, touch: Option<&Touch>) -> bool {
        self.touch.as_ref() == touch && matches!(self.head.owner, Owner::Plain(_))
    }

    /// When it ends by itself, as things are: its absolute end, or sooner if it goes unused.
    pub(crate) fn over_at(&self) -> Option<Time> {
        over_at(&self.head, self.touched)
    }

    /// Whether it is over by itself.
    pub(crate) fn is_over(&self, now: Time) -> bool {
        self.over_at().is_some_and(|end| end <= now)
    }

    /// Whether it can be used: nobody ended it, and it is not over.
    pub(crate) fn lives(&self, now: Time) -> bool {
        self.head.state == HeadState::Alive && !self.is_over(now)
    }

    /// Whether it is a session of another user than the one it was found under. The index is under no MAC: an entry
    /// that somebody added must not show, end or count one user's session as another's.
    pub(crate) fn is_anothers(&self, vault: &ConfigVault, user: &BlindUser) -> bool {
        self.head.state == HeadState::Alive && self.head.owner.user(vault) != *user
    }

    /// A session's use is noted at most once in a tenth of its idle period, within a second and a minute.
    pub(crate) fn is_touch_due(&self, now: Time) -> bool {
        let interval = self.head.idle.map_or(60_000, |idle| (idle / 10).clamp(1_000, 60_000));
        now >= self.touched.plus_millis(interval)
    }
}

/// When a session last used then ends by itself.
pub(crate) fn over_at(head: &Head, touched: Time) -> Option<Time> {
    let idle_end = head.idle.map(|idle| touched.plus_millis(idle));
    [head.ends, idle_end].into_iter().flatten().min()
}

/// When those of a user's sessions reach their ends that nobody ended, but for the ones that go now.
pub(crate) fn ends_left<'a>(
    vault: &'a ConfigVault,
    user: &'a BlindUser,
    known: &'a UserSessions,
    gone: &'a [StorageId],
) -> impl Iterator<Item = Option<Time>> + 'a {
    let standing = known.sessions.iter().filter(|listed| !gone.contains(&listed.id));
    let seen = standing
        .filter_map(move |listed| Seen::open(vault, &listed.id, listed.head.as_ref()?, listed.touch.as_ref()).ok());
    seen.filter(move |seen| seen.head.state == HeadState::Alive && !seen.is_anothers(vault, user))
        .map(|seen| seen.head.ends)
}
