//! A session's tokens are renewed: by a counter in its head that only ever turns forward.

use std::sync::Arc;
use std::time::Instant;

use super::pair::{self, RefreshToken, Unread};
use super::{Under, again, revoke};
use crate::audit::{Event, What, Whose};
use crate::backend::{Cells, Change, Effects, Guard, HeadGuard, Outcome};
use crate::clock::Time;
use crate::error::{Code, Error, Result, fail};
use crate::session::global::Global;
use crate::session::global::kept::row_hint;
use crate::session::global::target::stale_login;
use crate::session::seen::Seen;
use crate::store::Inner;
use crate::vault::{Entropy, Head, SessionId};

pub(super) async fn refresh(store: &Arc<Inner>, text: &str) -> Result<String> {
    let unread = Unread::read(text)?;
    let under = match Under::find(store, unread.tag).await {
        Err(error) if error.code() == Code::NotFound => return Err(pair::foreign()),
        found => found?,
    };
    let token = RefreshToken::check(&unread, &under.vault)?;
    let id = SessionId { tag: unread.tag.into(), storage: token.storage };
    let deadline = Instant::now() + store.limits.deadline();
    let mut tries = 0;
    loop {
        let now = store.clock.now();
        let seen = met(store, &id).await?;
        let head = &seen.head;
        store.revocations.check_issued(store, store.signer.issuer(), pair::issued(head)).await?;
        if under.config.definition.is_stale(head.began, now) {
            return Err(stale_login(&under.config.tag));
        }
        let tell = |what, reason: Option<&str>| {
            store.audit.happened(|| {
                let owner = head.owner.user(&under.vault);
                let event = Event::of(what).whose(Whose::session(&under.config.tag, Some(owner), token.storage));
                reason.into_iter().fold(event, Event::reason)
            });
        };
        match head.refresh_counter.checked_sub(token.counter) {
            Some(0) => {
                let ends = under.config.definition.refresh.end_of(pair::issued(head))?;
                if ends <= now {
                    return Err(Error::new(Code::TokenExpired, "the refresh token has expired: start a new session")
                        .with("reason", "expired"));
                }
                if let Some(turned) = turn(store, &under, &token, &seen, now).await? {
                    tell(What::SessionRefreshed, None);
                    return pair::print(store, &under, &token.storage, &turned);
                }
            }
            Some(1) if now <= grace_ends(&under, head) => {
                tell(What::SessionRefreshed, Some("again"));
                return pair::print(store, &under, &token.storage, head);
            }
            Some(_) => {
                tell(What::RefreshReused, None);
                revoke::revoke(store, &under, &id).await?;
                return Err(Error::new(
                    Code::RefreshReused,
                    "the refresh token was used before, so somebody else has it: the session was revoked",
                )
                .with("tag", &*under.config.tag));
            }
            None => {
                return Err(fail!(
                    Stale,
                    "the refresh token is newer than the stored session: an older copy was put back"
                )
                .with("tag", &*under.config.tag));
            }
        }
        tries = again(tries, deadline).await?;
    }
}

/// The session as it stands, if it lives. Of one that is not stored any more nobody knows how it ended.
async fn met(store: &Arc<Inner>, id: &SessionId) -> Result<Arc<Seen>> {
    Global::by_id(store.clone(), id.clone()).seen().await.map_err(|error| match error.code() {
        Code::NotFound => fail!(SessionRevoked, "the session is no more: start a new one")
            .with("tag", &*id.tag)
            .with("reason", "revoked"),
        _ => error,
    })
}

/// Turns the counter by one; `None` if somebody else was first.
async fn turn(store: &Inner, under: &Under, token: &RefreshToken, seen: &Seen, now: Time) -> Result<Option<Head>> {
    let mut entropy = Entropy::draw()?;
    let refresh_time = Some(now.max(pair::issued(&seen.head)));
    let head = Head { refresh_counter: token.counter + 1, refresh_time, ..seen.head.clone() };
    let sealed = under.vault.seal_head(&token.storage, &head, &mut entropy)?;
    let mut effects = Effects::nothing(now, &store.limits);
    effects.head = Some(sealed);
    effects.expires = row_hint(store, &head, now);
    effects.touch = Some(under.vault.seal_touch(&token.storage, &head.life, now));
    effects.durable = true;
    let guard = Guard { head: HeadGuard::Is(seen.sealed.clone()), ..Guard::default() };
    let change = Change { space: under.vault.space(), id: token.storage, guard, effects, answer: Cells::None };
    let outcome = store.apply(&change).await?;
    store.heads.forget(&under.vault.space(), &token.storage);
    Ok(matches!(outcome, Outcome::Applied { .. }).then_some(head))
}

fn grace_ends(under: &Under, head: &Head) -> Time {
    pair::issued(head).plus_millis(i64::from(under.config.definition.refresh_grace) * 1000)
}
