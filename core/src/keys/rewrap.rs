//! What was sealed with older keys is sealed anew with the primary one, while everybody goes on working.
//!
//! Each cell is opened, sealed again with its stamp, and put in the place of the very bytes it was made of: whoever wrote
//! in between wins. So it can be stopped anywhere, taken up again, and run by several at once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::walk::{self, Kind, Part, Position, is_of_one_cell, row_of, user_of};
use crate::backend::{BlindUser, Cells, Place, Replacement, Span, StorageId, UserRecord};
use crate::error::{Error, Result, fail};
use crate::page::{self, Page};
use crate::store::{Inner, Store};
use crate::task::Task;
use crate::vault::{Entropy, key_id};

/// How often a row is looked at again whose cells were written meanwhile.
const TRIES: usize = 5;

/// How much is replaced at once, in bytes: a backend holds up its writers for as long.
const BATCH: usize = 256 << 10;

impl Store {
    /// Seals with the primary key what is sealed with older ones: sessions, users, configurations, revocations and users'
    /// secrets of this workspace, product and env. `options`: `{"limit": 1–1000, "cursor": …}`, both optional (100 records, from the start).
    ///
    /// `{"done": false, "cursor": "…", "rewrapped": 7, "skipped": 0}`: call again with the cursor until it is done (then it
    /// is null). *Rewrapped* counts cells; *skipped* those that can't be opened. What it has done is on the disk.
    /// `CONFLICT` with `waitSeconds` while the primary is too new to seal.
    pub fn rewrap(&self, options: Option<&str>) -> Task<String> {
        let page = Page::parse(options).map_err(|error| error.at("rewrap"));
        let inner = self.0.clone();
        Task::new(&self.0.pool, async move || {
            let page = page?;
            let after = page.cursor_bytes::<{ Position::LENGTH }>()?.map(Position::from_bytes);
            inner.ready().await?;
            rewrap(&inner, after, page.limit).await
        })
    }
}

async fn rewrap(store: &Arc<Inner>, after: Option<Position>, limit: usize) -> Result<String> {
    let in_force = store.vault.ring().in_force();
    let primary = in_force.keyring.primary().id;
    if in_force.sealing.id != primary {
        return Err(too_new(primary, in_force.sealing_in(std::time::Instant::now())));
    }
    let parts = walk::parts(store).await?.parts;
    let mut work = Work { store, primary, rewrapped: 0, skipped: 0 };
    let mut left = limit;
    let mut position = after;
    for part in &parts {
        let Ok(mut from) = part.after(after) else { continue };
        while left > 0 {
            let rows = match &part.kind {
                Kind::Users(_) | Kind::Secrets(_) => work.users(part, from, left).await?,
                _ => work.sessions(part, from, left).await?,
            };
            left -= rows.len();
            let Some(last) = rows.last() else { break };
            from = Some(*last);
            position = Some(part.position(*last));
        }
        if left == 0 {
            // Where it stopped there may be nothing more: the next call finds out.
            let cursor = position.map(Position::to_bytes).unwrap_or_default();
            return Ok(work.print(Some(&cursor)));
        }
    }
    Ok(work.print(None))
}

fn too_new(primary: u32, left: Duration) -> Error {
    let seconds = left.as_millis().div_ceil(1000) as u64;
    fail!(
        Conflict,
        "data key {primary} became primary a moment ago: rewrap in {seconds} s, when every process seals with it"
    )
    .with("reason", "age")
    .with("waitSeconds", seconds)
}

/// One call's work.
struct Work<'a> {
    store: &'a Inner,
    primary: u32,
    rewrapped: u64,
    skipped: u64,
}

/// What a row needs: the cells to replace, and how many can't be.
#[derive(Default)]
struct Needs {
    replacements: Vec<Replacement>,
    skipped: u64,
}

impl Needs {
    /// Takes up a cell sealed anew; one that can't be opened is skipped.
    fn add(&mut self, place: Place, old: &[u8], new: Result<Box<[u8]>>) -> Result<()> {
        match new {
            Ok(new) => self.replacements.push(Replacement { place, old: old.into(), new }),
            Err(error) if is_of_one_cell(error.code()) => self.skipped += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Work<'_> {
    fn is_older(&self, cell: &[u8]) -> bool {
        key_id(cell) != Some(self.primary)
    }

    /// The rows of a part that were looked at.
    async fn sessions(&mut self, part: &Part, after: Option<StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        let rows = self.store.backend.ids(&part.space, after.as_ref(), limit).await?;
        let mut todo = rows.clone();
        for turn in 0..TRIES {
            let mut lost = Vec::new();
            let (mut batch, mut bytes) = (Vec::new(), 0);
            for id in todo {
                let needs = self.session(part, &id).await?;
                self.skipped += if turn == 0 { needs.skipped } else { 0 };
                bytes += needs.replacements.iter().map(|replacement| replacement.new.len()).sum::<usize>();
                batch.extend(needs.replacements);
                if bytes >= BATCH {
                    lost.extend(self.replace(part, &std::mem::take(&mut batch)).await?);
                    bytes = 0;
                }
            }
            lost.extend(self.replace(part, &batch).await?);
            lost.dedup();
            todo = lost;
            if todo.is_empty() {
                return Ok(rows);
            }
        }
        self.skipped += todo.len() as u64;
        Ok(rows)
    }

    async fn session(&self, part: &Part, id: &StorageId) -> Result<Needs> {
        let mut needs = Needs::default();
        let record = match self.store.backend.read(&part.space, id, &Cells::All, None).await {
            Ok(record) => record,
            Err(error) if is_of_one_cell(error.code()) => {
                needs.skipped += 1;
                return Ok(needs);
            }
            Err(error) => return Err(error),
        };
        let Some(head) = &record.head else {
            needs.skipped += record.cells.len() as u64;
            return Ok(needs);
        };
        let mut entropy = Entropy::draw()?;
        let Kind::Sessions(vault) = &part.kind else {
            if self.is_older(head) {
                let new = match part.kind {
                    Kind::Revocations => self.store.vault.revocations().reseal(id, head, &mut entropy),
                    _ => self.store.vault.catalog().reseal(id, head, &mut entropy),
                };
                needs.add(Place::Head(*id), head, new)?;
            }
            return Ok(needs);
        };
        if self.is_older(head) {
            needs.add(Place::Head(*id), head, vault.reseal_head(id, head, &mut entropy))?;
        }
        let older: Vec<_> = record.cells.iter().filter(|(_, sealed)| self.is_older(&sealed.0)).collect();
        if older.is_empty() {
            return Ok(needs);
        }
        let opened = match vault.open_head(id, head) {
            Ok(mut head) => self.store.unlock(vault, &mut head).await.map(|keys| (head.life, keys)),
            Err(error) => Err(error),
        };
        let (life, keys) = match opened {
            Ok(opened) => opened,
            Err(error) if is_of_one_cell(error.code()) => {
                needs.skipped += older.len() as u64;
                return Ok(needs);
            }
            Err(error) => return Err(error),
        };
        for (cell, sealed) in older {
            let new = vault.reseal_field(keys.as_deref(), id, &life, cell, sealed, &mut entropy);
            needs.add(Place::Field(*id, *cell), &sealed.0, new)?;
        }
        Ok(needs)
    }

    async fn users(&mut self, part: &Part, after: Option<StorageId>, limit: usize) -> Result<Vec<StorageId>> {
        let after = after.as_ref().map(user_of);
        let backend = part.backend(self.store)?;
        let mut records = backend.page_users(&part.space, after, limit).await?;
        let rows: Vec<StorageId> = records.iter().map(|(user, _)| row_of(user)).collect();
        for turn in 0..TRIES {
            let mut needs = Needs::default();
            let mut entropy = Entropy::draw()?;
            for (user, record) in &records {
                self.user(part, user, record, &mut needs, &mut entropy)?;
            }
            self.skipped += if turn == 0 { needs.skipped } else { 0 };
            let done = backend.replace(&part.space, &needs.replacements).await?;
            self.rewrapped += done.iter().filter(|done| **done).count() as u64;
            records = Vec::new();
            for (replacement, _) in needs.replacements.iter().zip(done).filter(|(_, done)| !done) {
                let Place::User(user) = replacement.place else { continue };
                let mut row = row_of(&user);
                row[0] = user[0];
                let there = backend.read(&part.space, &row, &Cells::None, Some(&user)).await?.user;
                records.extend(there.map(|record| (user, record)));
            }
            if records.is_empty() {
                return Ok(rows);
            }
        }
        self.skipped += records.len() as u64;
        Ok(rows)
    }

    fn user(
        &self,
        part: &Part,
        user: &BlindUser,
        record: &UserRecord,
        needs: &mut Needs,
        entropy: &mut Entropy,
    ) -> Result<()> {
        match &part.kind {
            Kind::Users(vault) if self.is_older(&record.sealed) => {
                needs.add(Place::User(*user), &record.sealed, vault.reseal_user(user, &record.sealed, entropy))
            }
            Kind::Secrets(vault) if self.is_older(&record.sealed) => {
                needs.add(Place::User(*user), &record.sealed, vault.reseal_secret(user, &record.sealed, entropy))
            }
            _ => Ok(()),
        }
    }

    /// The rows of those that somebody else had written meanwhile.
    async fn replace(&mut self, part: &Part, replacements: &[Replacement]) -> Result<Vec<StorageId>> {
        let began = self.store.high_water.tick();
        let done = self.store.backend.replace(&part.space, replacements).await?;
        let span = Span { began, ended: self.store.high_water.tick() };
        let mut lost = Vec::new();
        for (replacement, done) in replacements.iter().zip(done) {
            self.rewrapped += u64::from(done);
            match replacement.place {
                Place::Head(id) if done => {
                    let Replacement { old, new, .. } = replacement;
                    self.store.high_water.resealed(&part.space, &id, old, new, span);
                    self.store.heads.forget(&part.space, &id);
                }
                Place::Head(id) | Place::Field(id, _) if !done => lost.push(id),
                _ => {}
            }
        }
        Ok(lost)
    }

    fn print(&self, cursor: Option<&[u8]>) -> String {
        let cursor = cursor.map(page::cursor);
        json!({"done": cursor.is_none(), "cursor": cursor, "rewrapped": self.rewrapped, "skipped": self.skipped})
            .to_string()
    }
}
