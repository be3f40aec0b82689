//! Care for what is stored: everything opened once, and what is wrong told by blind ids.
//!
//! The walk goes by the rows, not by the index, so that it meets what the index has lost; then by the index and the
//! users' records. It is no snapshot: what looks wrong for having been changed meanwhile is looked at again, as of one
//! instant, before it is told.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use crate::audit::{Event, What};
use crate::backend::{BlindUser, Cells, Listed, Space, StorageId, UserRecord};
use crate::config::{Config, global};
use crate::error::{Category, Code, Result, fail};
use crate::store::Inner;
use crate::vault::{CatalogVault, ConfigVault, Head, HeadState};

/// How many problems are listed; all are counted.
const LISTED: usize = 100;
const PAGE: usize = 500;

/// See [`Store::check`](crate::Store::check).
pub(crate) async fn check(store: &Inner) -> Result<String> {
    let mut check =
        Check { store, sessions: 0, fields: 0, users: 0, configs: 0, user_secrets: 0, count: 0, problems: Vec::new() };
    check.file().await?;
    for config in check.configs().await? {
        let vault = store.vault.config(&config.tag, &config.id);
        check.sessions(&vault).await?;
        check.index(&vault).await?;
        check.users(&vault).await?;
        check.secrets(&vault).await?;
    }
    Ok(check.report())
}

struct Check<'a> {
    store: &'a Inner,
    sessions: u64,
    fields: u64,
    users: u64,
    configs: u64,
    user_secrets: u64,
    count: u64,
    problems: Vec<Value>,
}

impl Check<'_> {
    async fn file(&mut self) -> Result<()> {
        let secrets = self.store.secrets.as_ref().map(|secrets| secrets.backend());
        for backend in std::iter::once(&self.store.backend).chain(secrets) {
            let found = backend.integrity(LISTED).await;
            let found = self.tolerate(found, "file", String::new)?;
            found.into_iter().flatten().for_each(|what| self.note("file", Code::Corrupt, what));
            let meta = backend.read_meta(&self.store.vault.meta_key()).await;
            let in_force = self.store.vault.ring().in_force();
            let meta = meta.and_then(|stored| self.store.vault.check_meta(&in_force.keyring, stored.as_deref()));
            self.tolerate(meta, "keys", String::new)?;
        }
        Ok(())
    }

    /// The configurations that can be read, the built-in one too.
    async fn configs(&mut self) -> Result<Vec<Arc<Config>>> {
        let vault = self.store.vault.catalog();
        let space = vault.space();
        let mut configs = vec![global()];
        let mut after = None;
        while let Some(ids) = self.ids(&space, after.as_ref()).await? {
            for id in &ids {
                let record = self.store.backend.read(&space, id, &Cells::None, None).await;
                let text = record.and_then(|record| record.head.map(|sealed| vault.open(id, &sealed)).transpose());
                let Some(text) = self.tolerate(text, "config", || place(&space, id))?.flatten() else { continue };
                // A deleted one, until it is swept.
                if text.is_empty() {
                    continue;
                }
                let read = Config::from_stored(&text);
                let Some((config, _)) = self.tolerate(read, "config", || place(&space, id))? else { continue };
                self.configs += 1;
                configs.push(Arc::new(config));
                if self.entry(&space, &CatalogVault::OWNER, id).await?.is_none() {
                    self.note("index", Code::NotFound, place(&space, id));
                }
            }
            after = ids.last().copied();
        }
        Ok(configs)
    }

    /// Every session's row: its head, its touch, its fields, and that its user and the index know it.
    async fn sessions(&mut self, vault: &ConfigVault) -> Result<()> {
        let space = vault.space();
        let mut after = None;
        while let Some(ids) = self.ids(&space, after.as_ref()).await? {
            for id in &ids {
                self.session(vault, id).await?;
            }
            after = ids.last().copied();
        }
        Ok(())
    }

    async fn session(&mut self, vault: &ConfigVault, id: &StorageId) -> Result<()> {
        let space = vault.space();
        let record = self.store.backend.read(&space, id, &Cells::All, None).await;
        let Some(record) = self.tolerate(record, "session", || place(&space, id))? else { return Ok(()) };
        // Swept since it was listed, or nothing but what a change left that never was a session.
        let Some(sealed) = &record.head else { return Ok(()) };
        self.sessions += 1;
        let head = vault.open_head(id, sealed);
        let Some(mut head) = self.tolerate(head, "session", || place(&space, id))? else { return Ok(()) };
        let unlocked = self.store.unlock(vault, &mut head).await;
        let keys = self.tolerate(unlocked, "session", || place(&space, id))?;
        if record.touch.is_some_and(|touch| vault.open_touch(id, &head.life, &touch).is_none()) {
            self.note("touch", Code::Corrupt, place(&space, id));
        }
        // Without their user's secret all of them are lost, which was told.
        let mut seals = vault.field_seals(keys.as_ref().and_then(Option::as_deref), id, &head.life);
        for (cell, sealed) in record.cells.iter().filter(|_| keys.is_some()) {
            let opened = seals.open(cell, None, sealed);
            let where_it_is = || format!("{}/{}", place(&space, id), hex(cell));
            self.fields += u64::from(self.tolerate(opened, "field", where_it_is)?.is_some());
        }
        if head.state == HeadState::Alive {
            self.is_known(vault, id, &head).await?;
        }
        Ok(())
    }

    /// A session that nobody ended stands in the index, and its user has a record.
    async fn is_known(&mut self, vault: &ConfigVault, id: &StorageId, head: &Head) -> Result<()> {
        let space = vault.space();
        let owner = head.owner.user(vault);
        let is_indexed = self.entry(&space, &owner, id).await?.is_some();
        let record = self.store.backend.read(&space, id, &Cells::None, Some(&owner)).await;
        let Some(record) = self.tolerate(record, "user", || user_place(&space, &owner))? else { return Ok(()) };
        // The same life before and after: it was alive as the index was looked at.
        let now = record.head.as_deref().and_then(|sealed| vault.open_head(id, sealed).ok());
        if !now.is_some_and(|now| now.state == HeadState::Alive && now.life == head.life) {
            return Ok(());
        }
        if !is_indexed {
            self.note("index", Code::NotFound, place(&space, id));
        }
        if record.user.is_none() {
            self.note("user", Code::NotFound, user_place(&space, &owner));
        }
        Ok(())
    }

    /// Every entry of the index names a session that nobody ended, of that user.
    async fn index(&mut self, vault: &ConfigVault) -> Result<()> {
        let space = vault.space();
        let mut after = None;
        loop {
            let page = self.store.backend.page(&space, None, after, PAGE).await;
            let Some(page) = self.tolerate(page, "index", || hex(&space))? else { return Ok(()) };
            for listed in &page {
                if wrong(vault, listed).is_some()
                    && let Some(again) = self.entry(&space, &listed.user, &listed.id).await?
                    && let Some(code) = wrong(vault, &again)
                {
                    self.note("index", code, format!("{}/{}", place(&space, &listed.id), hex(&listed.user)));
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some((last.user, last.id)),
                _ => return Ok(()),
            }
        }
    }

    async fn users(&mut self, vault: &ConfigVault) -> Result<()> {
        let space = vault.space();
        let mut after = None;
        loop {
            let page = self.store.backend.page_users(&space, after, PAGE).await;
            let Some(page) = self.tolerate(page, "user", || hex(&space))? else { return Ok(()) };
            for (user, record) in &page {
                self.users += 1;
                let opened = self.user(vault, user, record).await;
                self.tolerate(opened, "user", || user_place(&space, user))?;
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    /// Opens a user's record, which is that user's.
    async fn user(&self, vault: &ConfigVault, user: &BlindUser, record: &UserRecord) -> Result<()> {
        let mut opened = vault.open_user(user, &record.sealed)?;
        self.store.unlock_owner(vault, &mut opened.owner).await?;
        let person = opened.owner.person()?;
        match vault.user(&person.realm, &person.identifier) == *user {
            true => Ok(()),
            false => Err(fail!(Corrupt, "another user's record")),
        }
    }

    /// Every user's secret opens.
    async fn secrets(&mut self, vault: &ConfigVault) -> Result<()> {
        let Some(secrets) = &self.store.secrets else { return Ok(()) };
        let space = vault.secret_space();
        let mut after = None;
        loop {
            let page = secrets.backend().page_users(&space, after, PAGE).await;
            let Some(page) = self.tolerate(page, "secret", || hex(&space))? else { return Ok(()) };
            for (user, record) in &page {
                self.user_secrets += 1;
                let opened = vault.keys_of(user, &record.sealed, Instant::now());
                self.tolerate(opened, "secret", || user_place(&space, user))?;
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => after = Some(*last),
                _ => return Ok(()),
            }
        }
    }

    /// The next ids of a space; `None` after the last, and where they can't be listed.
    async fn ids(&mut self, space: &Space, after: Option<&StorageId>) -> Result<Option<Vec<StorageId>>> {
        let ids = self.store.backend.ids(space, after, PAGE).await;
        Ok(self.tolerate(ids, "session", || hex(space))?.filter(|ids| !ids.is_empty()))
    }

    /// The index's entry of that session under that user, with its head, as of one instant.
    async fn entry(&mut self, space: &Space, user: &BlindUser, id: &StorageId) -> Result<Option<Listed>> {
        let after = before(id).map(|before| (*user, before));
        let page = self.store.backend.page(space, Some(user), after, 1).await;
        let page = self.tolerate(page, "index", || place(space, id))?.unwrap_or_default();
        Ok(page.into_iter().find(|listed| listed.id == *id))
    }

    /// Notes what is wrong with the data and goes on; anything else ends the check.
    fn tolerate<T>(&mut self, result: Result<T>, kind: &str, place: impl FnOnce() -> String) -> Result<Option<T>> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.code().category() == Category::Data => {
                self.note(kind, error.code(), place());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn note(&mut self, kind: &str, code: Code, place: String) {
        self.count += 1;
        if self.problems.len() < LISTED {
            if matches!(code, Code::Corrupt | Code::KeyMismatch) {
                let event = || Event::of(What::TamperingSeen).code(code).reason(kind);
                self.store.audit.happened(event);
            }
            self.problems.push(json!({"kind": kind, "code": code.name(), "where": place}));
        }
    }

    fn report(self) -> String {
        let mut report = json!({
            "ok": self.count == 0,
            "sessions": self.sessions,
            "fields": self.fields,
            "users": self.users,
            "configs": self.configs,
            "problemCount": self.count,
            "problems": self.problems,
        });
        if self.store.secrets.is_some() {
            report["secrets"] = self.user_secrets.into();
        }
        report.to_string()
    }
}

/// What is wrong with an entry of the index. A head that can't be opened is told of with its row.
fn wrong(vault: &ConfigVault, listed: &Listed) -> Option<Code> {
    let Some(sealed) = &listed.head else { return Some(Code::NotFound) };
    let head = vault.open_head(&listed.id, sealed).ok()?;
    let is_right = head.state == HeadState::Alive && head.owner.user(vault) == listed.user;
    (!is_right).then_some(Code::Corrupt)
}

/// The id before it; `None` for the first.
fn before(id: &StorageId) -> Option<StorageId> {
    let last = id.iter().rposition(|byte| *byte > 0)?;
    let mut before = *id;
    before[last] -= 1;
    before[last + 1..].fill(u8::MAX);
    Some(before)
}

fn place(space: &Space, id: &StorageId) -> String {
    format!("{}/{}", hex(space), hex(id))
}

fn user_place(space: &Space, user: &BlindUser) -> String {
    format!("{}/{}", hex(space), hex(user))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
