//! Configurations, and revocations of tokens.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Fate, TRIES, Work};
use crate::backend::{Cells, Change, Effects, Guard, HeadGuard, Outcome, Space, StorageId};
use crate::config::{Catalog, Config, GLOBAL};
use crate::error::{Result, fail};
use crate::store::Inner;
use crate::vault::CatalogVault;

/// The configurations whose records go, by their spaces. `CONFLICT` if a tag means another configuration at the
/// destination: their records could never be told apart by who names the tag. One that was deleted there stays so.
pub(super) async fn agreed(store: &Inner, other: &Inner) -> Result<HashMap<Space, Arc<Config>>> {
    let mut agreed = HashMap::new();
    let mut unreadable = 0_u64;
    for config in Catalog::each(store).await? {
        let Ok(config) = config else {
            unreadable += 1;
            continue;
        };
        if &*config.tag != GLOBAL {
            let standing = Catalog::look(other, &config.tag).await?;
            match standing.stored {
                Some((there, _)) if there.id != config.id => {
                    return Err(fail!(
                        Conflict,
                        "the tag {:?} means another configuration at the destination: delete it there first",
                        config.tag
                    )
                    .with("reason", "config")
                    .with("tag", &*config.tag));
                }
                None if standing.guard != HeadGuard::Absent => continue,
                _ => {}
            }
        }
        agreed.insert(store.vault.config(&config.tag, &config.id).space(), config);
    }
    match unreadable {
        0 => Ok(agreed),
        _ => Err(fail!(
            Conflict,
            "{unreadable} configurations can't be opened, so nobody can tell what lies under them: mend or delete them first"
        )
        .with("reason", "unreadable")
        .with("configs", unreadable)),
    }
}

impl Work<'_> {
    /// A definition; where one stands, the one of the higher version.
    pub(super) async fn definition(&self, id: &StorageId) -> Result<Fate> {
        let vault = self.store.vault.catalog();
        let Some(sealed) = self.store.backend.read(&vault.space(), id, &Cells::None, None).await?.head else {
            return Ok(Fate::Nothing);
        };
        let text = vault.open(id, &sealed)?;
        // What is left of a deleted one.
        if text.is_empty() {
            return Ok(Fate::Nothing);
        }
        let (config, _) = Config::from_stored(&text)?;
        let mut guard = HeadGuard::Absent;
        for _ in 0..TRIES {
            let mut effects = Effects::nothing(self.now, &self.other.limits);
            effects.head = Some(sealed.clone());
            effects.index = Some((CatalogVault::OWNER, true));
            effects.durable = true;
            let guarded = Guard { head: guard, ..Guard::default() };
            let change = Change { space: vault.space(), id: *id, guard: guarded, effects, answer: Cells::None };
            let there = match self.other.backend.apply(&change).await? {
                Outcome::Refused(there) => there.head,
                Outcome::Applied { .. } | Outcome::TooLarge { .. } => return Ok(Fate::Copied),
            };
            let Some(stands) = there else {
                guard = HeadGuard::Absent;
                continue;
            };
            let said = self.other.vault.catalog().open(id, &stands)?;
            // Deleted there since.
            if said.is_empty() {
                return Ok(Fate::Skipped);
            }
            let (known, _) = Config::from_stored(&said)?;
            match known.version.cmp(&config.version) {
                std::cmp::Ordering::Less => guard = HeadGuard::Is(stands),
                std::cmp::Ordering::Equal if said == text => return Ok(Fate::Unchanged),
                // As many changes, but not the same ones; or a later one.
                _ => return Ok(Fate::Skipped),
            }
        }
        Ok(Fate::Skipped)
    }

    pub(super) async fn revocation(&self, id: &StorageId) -> Result<Fate> {
        let vault = self.store.vault.revocations();
        // It changes with those that are written.
        if *id == vault.mark() {
            return Ok(Fate::Nothing);
        }
        let Some(sealed) = self.store.backend.read(&vault.space(), id, &Cells::None, None).await?.head else {
            return Ok(Fate::Nothing);
        };
        Ok(match self.other.revocations.bring(self.other, id, &sealed).await? {
            true => Fate::Copied,
            false => Fate::Unchanged,
        })
    }
}
