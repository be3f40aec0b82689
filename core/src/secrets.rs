//! The users' own secrets, in a backend of their own that is kept out of backups: what is sealed under one is lost with it,
//! in every copy of the records.
//!
//! A secret is a sealed record of its user in a space of its own. It is made as the user begins their first session under a
//! config that shreds, and destroyed as they are forgotten; both are on the disk before the records change.

use std::sync::Arc;
use std::time::Instant;

use zeroize::Zeroizing;

use crate::backend::{
    Backend, BlindUser, Cells, Change, Effects, Guard, Outcome, Place, Replacement, UserEffect, UserRecord,
};
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::limits::Limits;
use crate::store::Inner;
use crate::vault::{ConfigVault, Entropy, Head, HeadState, Owner, UserKeys, fill_random, key_id, no_secret};

/// See the module.
pub(crate) struct UserSecrets {
    backend: Backend,
}

impl UserSecrets {
    pub(crate) fn new(backend: Backend) -> UserSecrets {
        UserSecrets { backend }
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The keys of a user whose secret is there; at most a second old. `KEY_UNAVAILABLE` if it is not.
    pub(crate) async fn keys(&self, vault: &ConfigVault, user: &BlindUser) -> Result<Arc<UserKeys>> {
        if let Some(keys) = vault.known_keys(user) {
            return Ok(keys);
        }
        let read = Instant::now();
        match self.read(vault, user).await? {
            Some(record) => vault.keys_of(user, &record.sealed, read),
            None => {
                vault.forget_keys(user);
                Err(no_secret())
            }
        }
    }

    /// The keys of a user who begins a session: of the secret that is there, or of a new one. Two processes that make one
    /// at a time make one. What is known of it does not count: a session that begins under a secret which another process
    /// has just destroyed could never be read.
    pub(crate) async fn make(&self, vault: &ConfigVault, user: &BlindUser, store: &Inner) -> Result<Arc<UserKeys>> {
        let (limits, now) = (&store.limits, store.clock.now());
        let deadline = Instant::now() + limits.deadline();
        loop {
            let read = Instant::now();
            if let Some(record) = self.read(vault, user).await? {
                let keys = vault.keys_of(user, &record.sealed, read)?;
                if key_id(&record.sealed) != Some(store.vault.ring().in_force().sealing.id) {
                    // Older keys are left behind as they go by; what this does not reach, a rewrap does.
                    let _ = self.reseal(vault, user, &record.sealed).await;
                }
                return Ok(keys);
            }
            let mut secret = Zeroizing::new([0; 32]);
            fill_random(&mut *secret)?;
            let sealed = vault.seal_secret(user, &secret, &mut Entropy::draw()?)?;
            let mut change = change(vault, user, limits, now);
            change.guard.generation = Some((*user, 0));
            change.effects.user = Some((*user, UserEffect::Write(sealed.clone())));
            match self.backend.apply(&change).await? {
                Outcome::Applied { .. } => return vault.keys_of(user, &sealed, read),
                _ if Instant::now() >= deadline => {
                    return Err(fail!(Conflict, "the user's secret came and went at every try until the deadline"));
                }
                _ => {}
            }
        }
    }

    /// Puts the same secret, under the key that seals now, in the place of those bytes.
    async fn reseal(&self, vault: &ConfigVault, user: &BlindUser, old: &[u8]) -> Result<()> {
        let new = vault.reseal_secret(user, old, &mut Entropy::draw()?)?;
        let replacement = Replacement { place: Place::User(*user), old: old.into(), new };
        self.backend.replace(&vault.secret_space(), &[replacement]).await.map(|_| ())
    }

    /// Destroys a user's secret, on the disk before it returns; there need not be one.
    pub(crate) async fn destroy(
        &self,
        vault: &ConfigVault,
        user: &BlindUser,
        limits: &Limits,
        now: Time,
    ) -> Result<()> {
        let mut change = change(vault, user, limits, now);
        change.effects.user = Some((*user, UserEffect::Remove));
        let destroyed = self.backend.apply(&change).await;
        vault.forget_keys(user);
        destroyed?;
        // It is destroyed even if its bytes are still to be found: the next write takes them away.
        let _ = self.backend.erase_deleted().await;
        Ok(())
    }

    /// Destroys the secrets of all users of a config.
    pub(crate) async fn destroy_all(&self, vault: &ConfigVault, limits: &Limits, now: Time) -> Result<()> {
        const PAGE: usize = 500;
        loop {
            let users = self.backend.page_users(&vault.secret_space(), None, PAGE).await?;
            if users.is_empty() {
                return Ok(());
            }
            for (user, _) in users {
                self.destroy(vault, &user, limits, now).await?;
            }
        }
    }

    pub(crate) async fn close(&self) -> Result<()> {
        self.backend.close().await
    }

    async fn read(&self, vault: &ConfigVault, user: &BlindUser) -> Result<Option<UserRecord>> {
        let change_id = place(user);
        Ok(self.backend.read(&vault.secret_space(), &change_id, &Cells::None, Some(user)).await?.user)
    }
}

/// A change of a user's record alone: of a session that there never is.
fn change(vault: &ConfigVault, user: &BlindUser, limits: &Limits, now: Time) -> Change {
    let effects = Effects { durable: true, ..Effects::nothing(now, limits) };
    Change { space: vault.secret_space(), id: place(user), guard: Guard::default(), effects, answer: Cells::None }
}

fn place(user: &BlindUser) -> [u8; 17] {
    let mut id = [0; 17];
    id[0] = user[0];
    id
}

impl Inner {
    /// The users' secrets. `KEY_UNAVAILABLE` in a store that was opened without them: what is sealed under them can't be
    /// read here, and nothing may be sealed without.
    pub(crate) fn secrets(&self) -> Result<&UserSecrets> {
        self.secrets.as_ref().ok_or_else(|| {
            fail!(
                KeyUnavailable,
                "this configuration keeps a secret for each user, and this store was opened without `secrets`: pass the \
                 URL of the backend that has them"
            )
            .with("reason", "secrets")
        })
    }

    /// The keys that a living session's fields are sealed with besides those of its config, and its owner made known;
    /// `None` under a config that does not shred. `KEY_UNAVAILABLE` once the secret was destroyed.
    pub(crate) async fn unlock(&self, vault: &ConfigVault, head: &mut Head) -> Result<Option<Arc<UserKeys>>> {
        match head.state {
            HeadState::Alive => self.unlock_owner(vault, &mut head.owner).await,
            _ => Ok(None),
        }
    }

    /// The same for whoever a record is of.
    pub(crate) async fn unlock_owner(&self, vault: &ConfigVault, owner: &mut Owner) -> Result<Option<Arc<UserKeys>>> {
        let Owner::Boxed { user, .. } = owner else { return Ok(None) };
        let keys = self.secrets()?.keys(vault, user).await?;
        owner.unlock(&keys)?;
        Ok(Some(keys))
    }

    /// The keys of a user who begins a session; `None` under a config that does not shred.
    pub(crate) async fn keys_for_birth(
        &self,
        shred: bool,
        vault: &ConfigVault,
        user: &BlindUser,
    ) -> Result<Option<Arc<UserKeys>>> {
        match shred {
            true => self.secrets()?.make(vault, user, self).await.map(Some),
            false => Ok(None),
        }
    }
}
