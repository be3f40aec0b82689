//! Sessions revoked: a tombstone in the place of their head, whatever stood there, and no token issued until then opens
//! them again.

use std::sync::Arc;
use std::time::Instant;

use super::{Under, Who, again};
use crate::audit::{Event, What, Whose};
use crate::backend::{
    BlindUser, Cells, Change, Effects, Guard, HeadGuard, Outcome, Space, StorageId, UserEffect, UserRecord,
};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::session::global::change::sweep_aside;
use crate::session::global::kept::revoked_until;
use crate::session::seen::{Seen, ends_left};
use crate::store::Inner;
use crate::vault::{Entropy, Head, HeadState, SessionId};

/// What becomes of the user's record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Kept,
    Removed,
}

pub(super) async fn revoke(store: &Arc<Inner>, under: &Under, id: &SessionId) -> Result<()> {
    let space = under.vault.space();
    let deadline = Instant::now() + store.limits.deadline();
    let mut tries = 0;
    loop {
        let (record, listed) = store.backend.find(&space, &id.storage).await?;
        let Some(sealed) = record.head else {
            return Err(fail!(NotFound, "no session has this id").with("tag", &*id.tag));
        };
        let seen = Seen::open(&under.vault, &id.storage, &sealed, record.touch.as_ref())
            .map_err(|error| store.audit.refusal(error, || Whose::id(id)))
            .ok();
        let now = store.clock.now();
        let owner = match &seen {
            Some(seen) if seen.head.state == HeadState::Revoked && seen.head.not_before >= Some(now) => return Ok(()),
            // A tombstone, or what the deletion of a config left: it is nobody's and in no index.
            Some(seen) if seen.head.is_nobodys() => None,
            Some(seen) => Some(seen.head.owner.user(&under.vault)),
            None => indexed_owner(store, &space, &id.storage).await?,
        };
        let mut entropy = Entropy::draw()?;
        let mut change = tombstone(store, under, &id.storage, owner, now, &mut entropy)?;
        change.guard.head = HeadGuard::Is(sealed);
        if let Some(owner) = owner {
            // The index is under no MAC: whose it is, the head says.
            let known = match listed {
                Some((user, known)) if user == owner => known,
                _ => store.backend.user(&space, &owner).await?,
            };
            change.guard.generation = Some((owner, known.record.as_ref().map_or(0, |user| user.generation)));
            let was_alive = seen.as_ref().is_some_and(|seen| seen.lives(now));
            let left = ends_left(&under.vault, &owner, &known, std::slice::from_ref(&id.storage));
            let effect = ended(under, &owner, known.record.as_ref(), was_alive.then_some(left), now, &mut entropy)?;
            change.effects.user = effect.map(|effect| (owner, effect));
        }
        let outcome = store.apply(&change).await?;
        store.heads.forget(&space, &id.storage);
        if matches!(outcome, Outcome::Applied { .. }) {
            store.audit.happened(|| {
                Event::of(What::SessionRevoked).whose(Whose::session(&under.config.tag, owner, id.storage))
            });
            sweep_aside(store);
            return Ok(());
        }
        tries = again(tries, deadline).await?;
    }
}

/// The user's record after sessions of theirs were ended; `left`: the ends of the others, `None` if none of them was
/// alive. A record that can't be opened stays as it is, with a new generation; without one, there is none to write.
fn ended(
    under: &Under,
    owner: &BlindUser,
    record: Option<&UserRecord>,
    left: Option<impl Iterator<Item = Option<Time>>>,
    now: Time,
    entropy: &mut Entropy,
) -> Result<Option<UserEffect>> {
    let Some(record) = record else { return Ok(None) };
    let sealed = match (under.vault.open_user(owner, &record.sealed), left) {
        (Ok(mut user), Some(left)) => {
            user.ends(left, now);
            under.vault.seal_user(owner, &user, entropy)?
        }
        _ => record.sealed.clone(),
    };
    Ok(Some(UserEffect::Write(sealed)))
}

/// Revokes all of a user's sessions but one; how many were alive.
pub(super) async fn revoke_all(
    store: &Arc<Inner>,
    under: &Under,
    who: &Who,
    except: Option<StorageId>,
    record: Record,
) -> Result<u64> {
    let space = under.vault.space();
    let deadline = Instant::now() + store.limits.deadline();
    let mut tries = 0;
    loop {
        let known = store.backend.user(&space, &who.user).await?;
        let now = store.clock.now();
        let mut entropy = Entropy::draw()?;
        let (mut alive, mut changes) = (0, Vec::new());
        let mut ids: Vec<StorageId> = who.standing(under).into_iter().collect();
        for listed in &known.sessions {
            let opened = listed
                .head
                .as_ref()
                .and_then(|sealed| Seen::open(&under.vault, &listed.id, sealed, listed.touch.as_ref()).ok());
            if opened.as_ref().is_some_and(|seen| seen.is_anothers(&under.vault, &listed.user)) {
                continue;
            }
            if Some(listed.id) != except {
                alive += u64::from(opened.is_some_and(|seen| seen.lives(now)));
                ids.push(listed.id);
            }
        }
        ids.retain(|id| Some(*id) != except);
        ids.sort_unstable();
        ids.dedup();
        for id in &ids {
            changes.push(tombstone(store, under, id, Some(who.user), now, &mut entropy)?);
        }
        let effect = match record {
            Record::Removed => known.record.as_ref().map(|_| UserEffect::Remove),
            Record::Kept => {
                let left = (alive > 0).then(|| ends_left(&under.vault, &who.user, &known, &ids));
                ended(under, &who.user, known.record.as_ref(), left, now, &mut entropy)?
            }
        };
        if changes.is_empty() {
            changes.push(about_user(store, under, &who.user, now));
        }
        if let Some(last) = changes.last_mut() {
            last.guard.generation = Some((who.user, known.record.as_ref().map_or(0, |user| user.generation)));
            last.effects.user = effect.map(|effect| (who.user, effect));
        }
        let outcome = store.apply_all(&changes).await?;
        for id in &ids {
            store.heads.forget(&space, id);
        }
        if matches!(outcome, Outcome::Applied { .. }) {
            for listed in known.sessions.iter().filter(|listed| Some(listed.id) != except) {
                let whose = || Whose::session(&under.config.tag, Some(who.user), listed.id);
                store.audit.happened(|| Event::of(What::SessionRevoked).whose(whose()));
            }
            let what = if record == Record::Removed { What::UserForgotten } else { What::UserRevoked };
            store.audit.happened(|| Event::of(what).whose(Whose::user(&under.config.tag, who.user)));
            sweep_aside(store);
            return Ok(alive);
        }
        tries = again(tries, deadline).await?;
    }
}

/// The change that puts a tombstone in the place of whatever is there. It is kept until no token can be good any more
/// that was issued before it.
fn tombstone(
    store: &Inner,
    under: &Under,
    id: &StorageId,
    owner: Option<BlindUser>,
    now: Time,
    entropy: &mut Entropy,
) -> Result<Change> {
    let head = Head::closed(entropy.random_id(), HeadState::Revoked, now, under.config.version);
    let mut effects = Effects::nothing(now, &store.limits);
    effects.close(under.vault.seal_head(id, &head, entropy)?, revoked_until(store, &under.config, now));
    effects.raise_version = true;
    effects.index = owner.map(|owner| (owner, false));
    effects.durable = true;
    Ok(Change { space: under.vault.space(), id: *id, guard: Guard::default(), effects, answer: Cells::None })
}

/// A change of a user's record alone: of a session that there never is.
pub(super) fn about_user(store: &Inner, under: &Under, user: &BlindUser, now: Time) -> Change {
    let mut id = [0; 17];
    id[0] = user[0];
    let effects = Effects { durable: true, ..Effects::nothing(now, &store.limits) };
    Change { space: under.vault.space(), id, guard: Guard::default(), effects, answer: Cells::None }
}

/// The user under whom a session is indexed whose head can't be opened: a walk through its bucket.
pub(crate) async fn indexed_owner(store: &Inner, space: &Space, id: &StorageId) -> Result<Option<BlindUser>> {
    const PAGE: usize = 1000;
    let mut first = [0; 16];
    first[0] = id[0];
    let mut after = (first, [0; 17]);
    loop {
        let page = store.backend.page(space, None, Some(after), PAGE).await?;
        if let Some(found) = page.iter().find(|listed| listed.id == *id) {
            return Ok(Some(found.user));
        }
        match page.last() {
            Some(last) if page.len() == PAGE && last.user[0] == id[0] => after = (last.user, last.id),
            _ => return Ok(None),
        }
    }
}
