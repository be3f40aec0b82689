//! A session's end is moved.

use std::sync::Arc;
use std::time::Instant;

use super::{Under, again};
use crate::backend::{Cells, Change, Effects, Guard, HeadGuard, Outcome, UserEffect};
use crate::clock::Time;
use crate::error::Result;
use crate::session::field;
use crate::session::global::Global;
use crate::session::global::kept::row_hint;
use crate::store::Inner;
use crate::vault::{Entropy, Head, SessionId};

/// The end in force afterwards; `None`: never.
pub(super) async fn extend(store: &Arc<Inner>, under: &Under, id: &SessionId, ttl: u64) -> Result<Option<Time>> {
    let space = under.vault.space();
    let deadline = Instant::now() + store.limits.deadline();
    let mut tries = 0;
    loop {
        let now = store.clock.now();
        let wanted = field::expiry(Some(ttl), now)?;
        let seen = Global::by_id(store.clone(), id.clone()).seen().await?;
        let end = moved(under, &seen.head, wanted)?;
        if end == seen.head.ends {
            return Ok(end);
        }
        let owner = seen.head.owner.user(&under.vault);
        let known = store.backend.read(&space, &id.storage, &Cells::None, Some(&owner)).await?.user;
        let mut entropy = Entropy::draw()?;
        let head = Head { ends: end, ..seen.head.clone() };
        let mut effects = Effects::nothing(now, &store.limits);
        effects.head = Some(under.vault.seal_head(&id.storage, &head, &mut entropy)?);
        effects.expires = row_hint(store, &head, seen.touched);
        let mut guard = Guard { head: HeadGuard::Is(seen.sealed.clone()), ..Guard::default() };
        if let Some(known) = known {
            let mut user = under.vault.open_user(&owner, &known.sealed)?;
            user.keeps(end);
            guard.generation = Some((owner, known.generation));
            effects.user = Some((owner, UserEffect::Write(under.vault.seal_user(&owner, &user, &mut entropy)?)));
        }
        let change = Change { space, id: id.storage, guard, effects, answer: Cells::None };
        let outcome = store.apply(&change).await?;
        store.heads.forget(&space, &id.storage);
        if matches!(outcome, Outcome::Applied { .. }) {
            return Ok(end);
        }
        tries = again(tries, deadline).await?;
    }
}

/// Never nearer than it was, never beyond the config's longest life.
fn moved(under: &Under, head: &Head, wanted: Option<Time>) -> Result<Option<Time>> {
    let Some(ends) = head.ends else { return Ok(None) };
    let longest = under.config.definition.max_lifetime;
    let limit = longest.map(|longest| longest.end_of(head.began)).transpose()?;
    let end = [wanted, limit].into_iter().flatten().min();
    Ok(Some(end.map_or(ends, |end| end.max(ends))))
}
