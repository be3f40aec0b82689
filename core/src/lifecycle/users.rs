//! Users as lists show them: who they are, how they stand, and how much they came.

use serde_json::json;

use super::{Under, Who, listing, retention};
use crate::audit::Whose;
use crate::backend::{BlindUser, Listed, UserRecord};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::page::{self, Page};
use crate::session::seen::Seen;
use crate::store::Inner;
use crate::vault::{HeadState, User};

/// How a user stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A session of theirs lives.
    Active,
    /// None lives, the last one was ended or revoked.
    Inactive,
    /// None lives, the last one reached its end.
    Expired,
}

/// A user's record opened, with the sessions that are indexed for them.
pub(super) struct Profile {
    pub(super) user: User,
    /// Those that nobody ended and that can be opened.
    sessions: Vec<Seen>,
    /// How many are indexed.
    listed: usize,
}

impl Profile {
    /// `KEY_*`, `CORRUPT` for a record that can't be opened.
    pub(super) fn open(under: &Under, user: &BlindUser, record: &UserRecord, sessions: &[Listed]) -> Result<Profile> {
        let open = |listed: &Listed| {
            let seen = Seen::open(&under.vault, &listed.id, listed.head.as_ref()?, listed.touch.as_ref()).ok()?;
            (seen.head.state == HeadState::Alive && !seen.is_anothers(&under.vault, user)).then_some(seen)
        };
        Ok(Profile {
            user: under.vault.open_user(user, &record.sealed)?,
            sessions: sessions.iter().filter_map(open).collect(),
            listed: sessions.len(),
        })
    }

    /// [`open`](Profile::open), and who it is.
    pub(super) async fn unlock(
        store: &Inner,
        under: &Under,
        user: &BlindUser,
        record: &UserRecord,
        sessions: &[Listed],
    ) -> Result<Profile> {
        let mut profile = Profile::open(under, user, record, sessions)?;
        store.unlock_owner(&under.vault, &mut profile.user.owner).await?;
        Ok(profile)
    }

    pub(super) fn active_sessions(&self, now: Time) -> u64 {
        self.sessions.iter().filter(|seen| seen.lives(now)).count() as u64
    }

    /// All that they ever began; of the time when nobody counted, those that are still there.
    pub(super) fn total_sessions(&self) -> u64 {
        self.user.begun.max(self.sessions.len() as u64)
    }

    pub(super) fn standing(&self, now: Time) -> Standing {
        if self.active_sessions(now) > 0 {
            return Standing::Active;
        }
        let is_expired = match self.over_by_itself(now) {
            Some(end) => self.user.last_end.is_none_or(|ended| ended < end),
            None => false,
        };
        if is_expired { Standing::Expired } else { Standing::Inactive }
    }

    /// When the last session went, of a user who has none that lives.
    pub(super) fn gone_since(&self, now: Time) -> Time {
        self.user.last_end.max(self.over_by_itself(now)).unwrap_or(self.user.first_seen)
    }

    /// When the last session that nobody ended reached its end. Of one that went unused and was swept only the absolute
    /// end is known, if it had one: where that is yet to come, all that can be said is that it is over by now.
    fn over_by_itself(&self, now: Time) -> Option<Time> {
        let swept = self.user.until.filter(|until| *until <= now || self.listed == 0).map(|until| until.min(now));
        self.sessions.iter().filter_map(Seen::over_at).filter(|end| *end <= now).max().max(swept)
    }

    /// When the last session went, where the record still waits for an end that none of them reached.
    pub(super) fn unused_since(&self, now: Time) -> Option<Time> {
        let waits = self.user.until.is_some_and(|until| until > now);
        let all_are_over = self.sessions.len() == self.listed && self.active_sessions(now) == 0;
        if waits && all_are_over { self.over_by_itself(now) } else { None }
    }

    fn last_seen(&self) -> Time {
        let touched = self.sessions.iter().map(|seen| seen.touched).max();
        self.user.first_seen.max(touched.max(self.user.last_end).unwrap_or(self.user.first_seen))
    }

    /// The members of the user's object, without its braces.
    fn print(&self, now: Time) -> Result<String> {
        let person = self.user.owner.person()?;
        let state = match self.standing(now) {
            Standing::Active => "active",
            Standing::Inactive => "inactive",
            Standing::Expired => "expired",
        };
        Ok(format!(
            r#""identifier":{},"realm":{},"state":"{state}","firstSeenAt":"{}","lastSeenAt":"{}","totalSessions":{},"activeSessions":{}"#,
            person.identifier.to_json(),
            json!(person.realm),
            self.user.first_seen,
            self.last_seen(),
            self.total_sessions(),
            self.active_sessions(now)
        ))
    }
}

pub(super) async fn users(store: &Inner, under: &Under, page: Page) -> Result<String> {
    let space = under.vault.space();
    let now = store.clock.now();
    let mut after = page.cursor_bytes::<16>()?;
    let mut shown = Vec::new();
    // What is not shown takes no place on the page.
    loop {
        let wanted = page.limit - shown.len();
        let records = store.backend.page_users(&space, after, wanted).await?;
        for (user, record) in &records {
            let sessions = store.backend.user(&space, user).await?.sessions;
            match Profile::unlock(store, under, user, record, &sessions).await {
                Ok(profile) if retention::is_over(under, &profile, now) => {}
                Ok(profile) => shown.push(format!("{{{}}}", profile.print(now)?)),
                Err(error) => {
                    let error = store.audit.refusal(error, || Whose::user(&under.config.tag, *user));
                    shown.push(json!({"unreadable": error.code().name()}).to_string());
                }
            }
        }
        after = records.last().map(|(user, _)| *user);
        if records.len() < wanted {
            return Ok(page::print("users", &shown, None));
        }
        if shown.len() == page.limit {
            return Ok(page::print("users", &shown, after.as_ref().map(|user| &user[..])));
        }
    }
}

pub(super) async fn user(store: &Inner, under: &Under, who: &Who) -> Result<String> {
    let now = store.clock.now();
    let known = store.backend.user(&under.vault.space(), &who.user).await?;
    let unknown = || fail!(NotFound, "no such user is known under config {:?}", under.config.tag).with("what", "user");
    let record = known.record.as_ref().ok_or_else(unknown)?;
    let profile = Profile::unlock(store, under, &who.user, record, &known.sessions)
        .await
        .map_err(|error| store.audit.refusal(error, || Whose::user(&under.config.tag, who.user)))?;
    if retention::is_over(under, &profile, now) {
        return Err(unknown());
    }
    let mut sessions = Vec::new();
    for listed in &known.sessions {
        sessions.extend(listing::entry(store, under, listed, now).await);
    }
    Ok(format!(r#"{{{},"sessions":[{}]}}"#, profile.print(now)?, sessions.join(",")))
}
