//! All that is stored under a keyring in a namespace, brought from one store to another: the way from a file to a server,
//! and back.
//!
//! Sealed bytes are bound to their place, not to their backend: they go as they are. Each record is written in one change
//! that is guarded by what stands at the destination, so a copy can be stopped anywhere, taken up again, and made
//! twice.

mod definitions;
mod order;
mod session;
mod users;

use std::sync::Arc;

use serde_json::json;

use crate::backend::StorageId;
use crate::clock::Time;
use crate::error::{Result, fail};
use crate::keys::walk::{self, Kind, Part, Position, row_of, user_of};
use crate::page::{self, Page};
use crate::store::{Inner, Store};
use crate::task::Task;

/// How often a record is looked at again that somebody else has written meanwhile.
const TRIES: usize = 5;

impl Store {
    /// Brings what is stored in this workspace, product and env to `other`, a store of the same on another backend, opened
    /// with the same keyring: configurations, sessions with their fields, versions and ends, users and their secrets,
    /// revocations. Tokens, lists, refreshes and quotas go on there as if nothing had been. `options`:
    /// `{"limit": 1–1000, "cursor": …}`, both optional (100 records, from the start).
    ///
    /// `{"done": false, "cursor": "…", "copied": 90, "unchanged": 10, "skipped": 0}`: call again with the cursor until it is
    /// done (then it is null). *Copied* counts records that were written there, *unchanged* those that stood there already,
    /// *skipped* those that stay as they are there, for they were changed there later or nobody can tell, and those that
    /// are damaged here. What it has done is on the disk, as far as `other` keeps anything on one.
    ///
    /// It is made while nobody writes: what is written here behind its back is not copied. Made twice, it brings what
    /// has changed in between, and changes nothing else. A session that is over there stays so; one that was written at
    /// `other` meanwhile stays as it is there, unless it was written here more often and later. What stands at `other`
    /// besides stays too, and so does what is gone here without a trace: a user who was forgotten, a session that ended
    /// over a day ago.
    ///
    /// Before anything is written: `INVALID_ARGUMENT` for a store of another workspace, product or env, and for the store
    /// itself; `KEY_UNAVAILABLE`, `KEY_MISMATCH` and `KEY_REVOKED` if the other's keyring can't open what is brought, or
    /// one of the stores lacks the users' secrets (`secrets`); `CONFLICT` if a tag means another configuration there
    /// (`reason: config`), or a configuration can't be opened (`unreadable`).
    pub fn copy_to(&self, other: &Store, options: Option<&str>) -> Task<String> {
        let page = Page::parse(options).map_err(|error| error.at("copy_to"));
        let other = other.0.clone();
        self.0.task(async move |store| {
            let page = page?;
            let after = page.cursor_bytes::<{ Position::LENGTH }>()?.map(Position::from_bytes);
            other.ready().await.map_err(|error| error.at("other"))?;
            copy(&store, &other, after, page.limit).await
        })
    }
}

async fn copy(store: &Arc<Inner>, other: &Arc<Inner>, after: Option<Position>, limit: usize) -> Result<String> {
    if Arc::ptr_eq(store, other) || store.vault.meta_key() != other.vault.meta_key() {
        let why = if Arc::ptr_eq(store, other) { "it is this store" } else { "another workspace, product or env" };
        return Err(
            fail!(InvalidArgument, "other: {why}; the same one on another backend is wanted").with("argument", "other")
        );
    }
    other.vault.ring().in_force().keyring.covers(&store.vault.ring().in_force().keyring)?;
    let agreed = definitions::agreed(store, other).await?;
    if agreed.values().any(|config| config.definition.shred) {
        store.secrets()?;
        other.secrets().map_err(|error| error.at("other"))?;
    }
    let mut work = Work { store, other, now: other.clock.now(), copied: 0, unchanged: 0, skipped: 0 };
    let mut left = limit;
    let mut position = after;
    for part in &walk::parts(store).await?.parts {
        let Ok(mut from) = part.after(after) else { continue };
        let config = match &part.kind {
            Kind::Sessions(vault) | Kind::Users(vault) | Kind::Secrets(vault) => match agreed.get(&vault.space()) {
                Some(config) => Some(&**config),
                // Deleted at the destination, or made since the copy began.
                None => continue,
            },
            Kind::Configs | Kind::Revocations => None,
        };
        while left > 0 {
            let rows = work.rows(part, config, from, left).await?;
            left -= rows.len();
            let Some(last) = rows.last() else { break };
            from = Some(*last);
            position = Some(part.position(*last));
        }
        if left == 0 {
            break;
        }
    }
    other.flush().await?;
    // Where it stopped there may be nothing more: the next call finds out.
    let cursor = position.filter(|_| left == 0).map(Position::to_bytes);
    Ok(work.print(cursor.as_deref()))
}

/// One call's work.
struct Work<'a> {
    store: &'a Arc<Inner>,
    other: &'a Arc<Inner>,
    now: Time,
    copied: u64,
    unchanged: u64,
    skipped: u64,
}

/// What became of a record.
enum Fate {
    Copied,
    Unchanged,
    Skipped,
    /// It is no record, or none any more.
    Nothing,
}

impl Work<'_> {
    /// The rows of a part that were looked at.
    async fn rows(
        &mut self,
        part: &Part,
        config: Option<&crate::config::Config>,
        after: Option<StorageId>,
        limit: usize,
    ) -> Result<Vec<StorageId>> {
        // By the destination's keyring, which opens what lies at either.
        let vault = config.map(|config| self.other.vault.config(&config.tag, &config.id));
        if let (Kind::Users(_) | Kind::Secrets(_), Some(vault)) = (&part.kind, &vault) {
            let after = after.as_ref().map(user_of);
            let records = part.backend(self.store)?.page_users(&part.space, after, limit).await?;
            for (user, record) in &records {
                let fate = match &part.kind {
                    Kind::Secrets(_) => self.secret(vault, user, record).await?,
                    _ => self.user(vault, user, record).await?,
                };
                self.count(fate);
            }
            return Ok(records.iter().map(|(user, _)| row_of(user)).collect());
        }
        let rows = self.store.backend.ids(&part.space, after.as_ref(), limit).await?;
        for id in &rows {
            let fate = match (&part.kind, config, &vault) {
                (Kind::Sessions(_), Some(config), Some(vault)) => self.session(config, vault, id).await?,
                (Kind::Revocations, ..) => self.revocation(id).await?,
                (Kind::Configs, ..) => self.definition(id).await?,
                _ => Fate::Nothing,
            };
            self.count(fate);
        }
        Ok(rows)
    }

    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Copied => self.copied += 1,
            Fate::Unchanged => self.unchanged += 1,
            Fate::Skipped => self.skipped += 1,
            Fate::Nothing => {}
        }
    }

    fn print(&self, cursor: Option<&[u8]>) -> String {
        let Work { copied, unchanged, skipped, .. } = self;
        let cursor = cursor.map(page::cursor);
        json!({"done": cursor.is_none(), "cursor": cursor, "copied": copied, "unchanged": unchanged, "skipped": skipped})
            .to_string()
    }
}
