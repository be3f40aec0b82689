//! A session's record: head, fields, last use, counters and its place in the index, in one change.

use super::order::{Side, Standing, standing};
use super::{Fate, TRIES, Work};
use crate::backend::{Cells, Change, Effects, Guard, HeadGuard, Outcome, Record, SealedHead, StorageId};
use crate::clock::Time;
use crate::config::Config;
use crate::error::Result;
use crate::keys::walk::is_of_one_cell;
use crate::lifecycle::indexed_owner;
use crate::session::global::kept::{kept_until, revoked_until, row_hint, use_hint};
use crate::session::seen::Seen;
use crate::vault::{ConfigVault, Entropy, HeadState};

/// What copies of a record are made from.
struct Source<'a> {
    config: &'a Config,
    vault: &'a ConfigVault,
    id: &'a StorageId,
    record: Record,
    sealed: SealedHead,
    /// `None` if the head can't be opened: it goes as it is, where nothing stands.
    seen: Option<Seen>,
}

impl Work<'_> {
    pub(super) async fn session(&self, config: &Config, vault: &ConfigVault, id: &StorageId) -> Result<Fate> {
        let record = match self.store.read(&vault.space(), id, &Cells::All, None).await {
            Ok(record) => record,
            Err(error) if is_of_one_cell(error.code()) => return Ok(Fate::Skipped),
            Err(error) => return Err(error),
        };
        let Some(sealed) = record.head.clone() else { return Ok(Fate::Nothing) };
        let seen = Seen::open(vault, id, &sealed, record.touch.as_ref()).ok();
        if let Some(seen) = &seen
            && seen.head.state == HeadState::Alive
            && !self.opens_there(vault, &seen.head.owner).await?
        {
            return Ok(Fate::Skipped);
        }
        let source = Source { config, vault, id, record, sealed, seen };
        let mut there: Option<Seen> = None;
        let mut guard = Guard { head: HeadGuard::Absent, ..Guard::default() };
        for _ in 0..TRIES {
            let change = self.restored(&source, there.as_ref(), guard).await?;
            let found = match self.other.apply(&change).await? {
                Outcome::Refused(found) => found,
                Outcome::Applied { .. } => {
                    self.other.heads.forget(&vault.space(), id);
                    return Ok(Fate::Copied);
                }
                Outcome::TooLarge { .. } => return Ok(Fate::Skipped),
            };
            let Some(stands) = found.head.clone() else {
                (guard, there) = (Guard { head: HeadGuard::Absent, ..Guard::default() }, None);
                continue;
            };
            let seen = Seen::open(vault, id, &stands, found.touch.as_ref()).ok();
            match (compare(&source, &found, &stands, seen.as_ref()), seen) {
                (Standing::Later, _) | (Standing::Earlier, None) => return Ok(Fate::Skipped),
                (Standing::Same, seen) => return self.used(&source, stands, seen).await,
                (Standing::Earlier, seen) => {
                    guard = Guard { head: HeadGuard::Is(stands), version: Some(found.version), ..Guard::default() };
                    there = seen;
                }
            }
        }
        Ok(Fate::Skipped)
    }

    /// The change that makes the record at the destination what it is at the source. `there`: what it takes the place of.
    async fn restored(&self, source: &Source<'_>, there: Option<&Seen>, guard: Guard) -> Result<Change> {
        let Source { vault, id, record, sealed, seen, .. } = source;
        let same_life = |seen: &Seen| there.filter(|there| there.head.life == seen.head.life);
        // The instant of the last change is what the record says of it; the server's own hint, which counts from it,
        // only keeps the row longer for that.
        let mut effects = Effects::nothing(record.updated.unwrap_or(self.now), &self.other.limits);
        // In the place of another one it is sealed anew. Bytes that stand there already would tell nothing of whether the
        // change was applied, were its answer lost; and those of a copy before the last are known there to be replaced.
        effects.head = Some(match there {
            Some(_) => vault.reseal_head(id, sealed, &mut Entropy::draw()?)?.into(),
            None => sealed.clone(),
        });
        effects.clear = true;
        effects.put = record.cells.clone();
        effects.raise_version = record.updated.is_some() && record.version > 0;
        effects.restart = Some(record.version - u64::from(effects.raise_version));
        effects.touch = record.touch;
        // A later use at the destination stays one.
        effects.reset_touch = seen.as_ref().is_none_or(|seen| same_life(seen).is_none());
        effects.index = match seen {
            Some(seen) if seen.head.state == HeadState::Alive => Some((seen.head.owner.user(vault), true)),
            Some(_) => there
                .filter(|there| there.head.state == HeadState::Alive)
                .map(|there| (there.head.owner.user(vault), false)),
            None => indexed_owner(self.store, &vault.space(), id).await?.map(|user| (user, true)),
        };
        effects.expires = seen.as_ref().and_then(|seen| {
            let touched = same_life(seen).map_or(seen.touched, |there| there.touched.max(seen.touched));
            self.hint(source.config, seen, touched, record.updated)
        });
        // What stands at the source is within the limits of whoever wrote it.
        (effects.max_size, effects.max_count) = (i64::MAX as u64, i64::MAX as u64);
        Ok(Change { space: vault.space(), id: **id, guard, effects, answer: Cells::None })
    }

    /// When the row may go: as if the destination had made it.
    fn hint(&self, config: &Config, seen: &Seen, touched: Time, updated: Option<Time>) -> Option<Time> {
        let head = &seen.head;
        match (head.state, head.not_before) {
            (HeadState::Alive, _) => row_hint(self.other, head, touched),
            (HeadState::Revoked, Some(instant)) => Some(revoked_until(self.other, config, instant)),
            (_, not_before) => Some(kept_until(self.other, not_before, updated.unwrap_or(head.began))),
        }
    }

    /// The same record stands at the destination; at the source it may have been used since.
    async fn used(&self, source: &Source<'_>, stands: SealedHead, there: Option<Seen>) -> Result<Fate> {
        let (Some(here), Some(there)) = (&source.seen, there) else { return Ok(Fate::Unchanged) };
        if here.head.state != HeadState::Alive || here.touched <= there.touched {
            return Ok(Fate::Unchanged);
        }
        let mut effects = Effects::nothing(self.now, &self.other.limits);
        effects.touch = source.record.touch;
        effects.expires = use_hint(self.other, &here.head, here.touched);
        let guard = Guard { head: HeadGuard::Is(stands), ..Guard::default() };
        let space = source.vault.space();
        let change = Change { space, id: *source.id, guard, effects, answer: Cells::None };
        Ok(match self.other.apply(&change).await? {
            Outcome::Applied { .. } => Fate::Copied,
            _ => Fate::Skipped,
        })
    }
}

/// What stands at the destination, to what the source has. Bytes that can't be opened are known by themselves alone.
fn compare(source: &Source<'_>, found: &Record, stands: &[u8], there: Option<&Seen>) -> Standing {
    let same_bytes = *stands == *source.sealed;
    match (&source.seen, there) {
        (Some(here), Some(there)) => standing(
            &Side { head: &there.head, version: found.version, updated: found.updated },
            &Side { head: &here.head, version: source.record.version, updated: source.record.updated },
        ),
        _ if same_bytes => Standing::Same,
        _ => Standing::Later,
    }
}
