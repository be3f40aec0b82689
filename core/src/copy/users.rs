//! Users' records and their secrets.

use std::cmp::Ordering;

use super::{Fate, TRIES, Work};
use crate::backend::{Backend, BlindUser, Cells, Change, Effects, Guard, Outcome, Space, UserEffect, UserRecord};
use crate::error::Result;
use crate::vault::{ConfigVault, Entropy, Owner, User};

impl Work<'_> {
    pub(super) async fn user(&self, vault: &ConfigVault, user: &BlindUser, record: &UserRecord) -> Result<Fate> {
        let (mut sealed, mut generation) = (record.sealed.clone(), 0);
        for _ in 0..TRIES {
            let put = self.put(&self.other.backend, vault.space(), user, sealed, generation).await?;
            let Some(there) = put else { return Ok(Fate::Copied) };
            let Some(there) = there else {
                (sealed, generation) = (record.sealed.clone(), 0);
                continue;
            };
            if there.sealed == record.sealed {
                return Ok(Fate::Unchanged);
            }
            let opened = (vault.open_user(user, &record.sealed), vault.open_user(user, &there.sealed));
            let (Ok(here), Ok(known)) = opened else { return Ok(Fate::Skipped) };
            let both = both(&known, &here);
            if both == known {
                return Ok(Fate::Unchanged);
            }
            sealed = vault.seal_user(user, &both, &mut Entropy::draw()?)?;
            generation = there.generation;
        }
        Ok(Fate::Skipped)
    }

    /// A secret that is there stays, whatever it is.
    pub(super) async fn secret(&self, vault: &ConfigVault, user: &BlindUser, record: &UserRecord) -> Result<Fate> {
        let backend = self.other.secrets()?.backend();
        for _ in 0..TRIES {
            match self.put(backend, vault.secret_space(), user, record.sealed.clone(), 0).await? {
                None => return Ok(Fate::Copied),
                Some(None) => {}
                Some(Some(there)) => {
                    let is_same = vault.is_same_secret(user, &record.sealed, &there.sealed).unwrap_or(false);
                    return Ok(if is_same { Fate::Unchanged } else { Fate::Skipped });
                }
            }
        }
        Ok(Fate::Skipped)
    }

    /// Whether what that user's sessions are sealed with is at the destination, too. One who was forgotten here and came
    /// back has another secret than there.
    pub(super) async fn opens_there(&self, vault: &ConfigVault, owner: &Owner) -> Result<bool> {
        let Owner::Boxed { user, .. } = owner else { return Ok(true) };
        let space = vault.secret_space();
        let Some(here) = self.store.secrets()?.backend().user(&space, user).await?.record else {
            return Ok(true); // It opens nowhere.
        };
        let there = self.other.secrets()?.backend().user(&space, user).await?.record;
        Ok(there.is_some_and(|there| vault.is_same_secret(user, &here.sealed, &there.sealed).unwrap_or(false)))
    }

    /// Writes a record where one of that generation stands, 0: none. `Some`: what stands there instead.
    async fn put(
        &self,
        backend: &Backend,
        space: Space,
        user: &BlindUser,
        sealed: Box<[u8]>,
        generation: u64,
    ) -> Result<Option<Option<UserRecord>>> {
        let mut id = [0; 17];
        id[0] = user[0];
        let mut effects = Effects::nothing(self.now, &self.other.limits);
        effects.user = Some((*user, UserEffect::Write(sealed)));
        let guard = Guard { generation: Some((*user, generation)), ..Guard::default() };
        let change = Change { space, id, guard, effects, answer: Cells::None };
        Ok(match backend.apply(&change).await? {
            Outcome::Refused(there) => Some(there.user),
            Outcome::Applied { .. } | Outcome::TooLarge { .. } => None,
        })
    }
}

/// A user who is known to both stores was seen first at the first of the times, and so on: what each of them knows counts.
fn both(known: &User, here: &User) -> User {
    let until = match (here.begun, here.last_end).cmp(&(known.begun, known.last_end)) {
        Ordering::Less => known.until,
        Ordering::Equal => known.until.max(here.until),
        Ordering::Greater => here.until,
    };
    User {
        first_seen: known.first_seen.min(here.first_seen),
        last_end: known.last_end.max(here.last_end),
        begun: known.begun.max(here.begun),
        until,
        ..known.clone()
    }
}
