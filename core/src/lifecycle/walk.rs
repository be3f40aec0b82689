//! A walk over everything that is stored under a configuration, for its end.

use std::sync::Arc;

use crate::audit::{Event, What, Whose};
use crate::backend::{Cells, Change, Effects, Guard, Listed, UserEffect};
use crate::config::Config;
use crate::error::{Result, fail};
use crate::session::seen::Seen;
use crate::store::Inner;
use crate::vault::{ConfigVault, Entropy, Head, HeadState};

/// See the module.
pub(crate) struct Walk<'a> {
    store: &'a Inner,
    config: &'a Config,
    vault: Arc<ConfigVault>,
}

const PAGE: usize = 500;

impl<'a> Walk<'a> {
    pub(crate) fn of(store: &'a Inner, config: &'a Config) -> Walk<'a> {
        Walk { store, config, vault: store.vault.config(&config.tag, &config.id) }
    }

    /// `CONFLICT` if a session lives. One that can't be opened may.
    pub(crate) async fn refuse_living(&self) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.store.backend.page(&self.vault.space(), None, after, PAGE).await?;
            if page.iter().any(|listed| self.may_live(listed)) {
                return Err(fail!(
                    Conflict,
                    "sessions live under the configuration {:?}: revoke them first, or delete with force",
                    self.config.tag
                )
                .with("tag", &*self.config.tag));
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some((last.user, last.id)),
                _ => return Ok(()),
            }
        }
    }

    fn may_live(&self, listed: &Listed) -> bool {
        let Some(sealed) = &listed.head else { return false };
        let seen = Seen::open(&self.vault, &listed.id, sealed, listed.touch.as_ref());
        seen.map_or(true, |seen| seen.lives(self.store.clock.now()))
    }

    /// Ends every session and removes every user; the rows go with the next sweeps.
    pub(crate) async fn end_all(&self) -> Result<()> {
        let space = self.vault.space();
        if self.config.definition.shred {
            let store = self.store;
            store.secrets()?.destroy_all(&self.vault, &store.limits, store.clock.now()).await?;
        }
        loop {
            let page = self.store.backend.page(&space, None, None, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for listed in page {
                self.store.apply(&self.end(&listed)?).await?;
                self.store.heads.forget(&space, &listed.id);
                self.store.audit.happened(|| {
                    let whose = Whose::session(&self.config.tag, Some(listed.user), listed.id);
                    Event::of(What::SessionEnded).reason("config_deleted").whose(whose)
                });
            }
        }
        loop {
            let users = self.store.backend.page_users(&space, None, PAGE).await?;
            if users.is_empty() {
                return Ok(());
            }
            for (user, _) in users {
                let mut id = [0; 17];
                id[0] = user[0];
                let mut effects = Effects::nothing(self.store.clock.now(), &self.store.limits);
                effects.user = Some((user, UserEffect::Remove));
                let change = Change { space, id, guard: Guard::default(), effects, answer: Cells::None };
                self.store.apply(&change).await?;
            }
        }
    }

    /// Whatever stands there: an ended head, no field, no entry.
    fn end(&self, listed: &Listed) -> Result<Change> {
        let now = self.store.clock.now();
        let mut entropy = Entropy::draw()?;
        let head = Head::closed(entropy.random_id(), HeadState::Ended, now, self.config.version);
        let mut effects = Effects::nothing(now, &self.store.limits);
        effects.close(self.vault.seal_head(&listed.id, &head, &mut entropy)?, now);
        effects.index = Some((listed.user, false));
        Ok(Change { space: self.vault.space(), id: listed.id, guard: Guard::default(), effects, answer: Cells::None })
    }
}
