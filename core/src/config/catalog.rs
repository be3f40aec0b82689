//! The configurations of a namespace as they are stored: found by tag, kept for a second, changed by compare-and-set.
//!
//! A definition lies in the backend where a session's head would, in a space of its own, sealed under keys of the
//! namespace. So one change makes it and lists it, two creators of one tag meet in its guard, and no backend knows that
//! there are configurations.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::member::shortened;
use super::{Config, GLOBAL, State, global, tag};
use crate::backend::{Cells, Change, Effects, Guard, HeadGuard, Outcome, SealedHead};
use crate::error::{Error, Result, fail};
use crate::store::Inner;
use crate::vault::CatalogVault;

/// How long a process goes by a definition that it read.
pub(crate) const KEPT: Duration = Duration::from_secs(1);

/// What this process knows of the namespace's configurations.
#[derive(Default)]
pub(crate) struct Catalog(Mutex<HashMap<Arc<str>, Known>>);

struct Known {
    sealed: SealedHead,
    found: Found,
    read: Instant,
    /// When the answer was there.
    answered: Instant,
}

/// A configuration as this process knows it, at most a second old.
#[derive(Clone)]
pub(crate) struct Found {
    config: Arc<Config>,
    state: State,
    /// Why it could not be read again: it may be older than a second, which does for reading only.
    trouble: Option<Error>,
}

impl Found {
    /// For a change of a session.
    pub(crate) fn for_writing(&self) -> Result<&Arc<Config>> {
        match &self.trouble {
            Some(error) => Err(error.clone()),
            None => Ok(&self.config),
        }
    }

    /// For a session that begins: not under a configuration that is being deleted.
    pub(crate) fn for_beginning(&self) -> Result<&Arc<Config>> {
        if self.state == State::Deleting {
            return Err(fail!(NotFound, "the configuration {:?} is being deleted: no session begins", self.config.tag)
                .with("tag", &*self.config.tag));
        }
        self.for_writing()
    }
}

impl Deref for Found {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

/// A definition as it stands in the backend: its bytes, for the guard of a change, and what they say. A deleted one
/// leaves bytes that say nothing, until they are swept.
pub(crate) struct Standing {
    pub(crate) guard: HeadGuard,
    pub(crate) stored: Option<(Arc<Config>, State)>,
}

impl Catalog {
    /// The configuration with that tag; `NOT_FOUND`. One backend read, at most once a second.
    pub(crate) async fn find(&self, store: &Inner, tag: &str) -> Result<Found> {
        if tag == GLOBAL {
            return Ok(Found { config: global(), state: State::Active, trouble: None });
        }
        let (sealed, older) = match self.0.lock().get(tag) {
            Some(known) if known.read.elapsed() < KEPT => return Ok(known.found.clone()),
            Some(known) => (Some(known.sealed.clone()), Some(known.found.clone())),
            None => (None, None),
        };
        let read = Instant::now();
        let head = read_head(store, tag).await;
        let answered = Instant::now();
        match (head, older) {
            (Ok(head), Some(older)) if head.is_some() && head == sealed => {
                if let Some(known) = self.0.lock().get_mut(tag).filter(|known| Some(&known.sealed) == sealed.as_ref()) {
                    known.read = read;
                }
                Ok(older)
            }
            (Ok(head), _) => self.keep(store, tag, head, (read, answered)),
            (Err(error), Some(older)) => Ok(Found { trouble: Some(error), ..older }),
            (Err(error), None) => Err(error),
        }
    }

    /// Takes up what was read between two instants. `STALE` for an older version than was seen before that.
    fn keep(
        &self,
        store: &Inner,
        tag: &str,
        head: Option<SealedHead>,
        (read, answered): (Instant, Instant),
    ) -> Result<Found> {
        let opened = head.as_deref().map(|sealed| open(store, tag, sealed)).transpose()?.flatten();
        let mut known = self.0.lock();
        // What was written or read since this read began is not undone by it.
        if let Some(newer) = known.get(tag).filter(|known| known.read > read) {
            return Ok(newer.found.clone());
        }
        let (Some((config, state)), Some(sealed)) = (opened, head) else {
            known.remove(tag);
            return Err(not_found(tag));
        };
        let newer = known.get(tag).filter(|known| {
            let there = &known.found.config;
            there.id == config.id && there.version > config.version && known.answered < read
        });
        if newer.is_some() {
            return Err(fail!(Stale, "an older definition of {tag:?} was put back: this process saw a newer one")
                .with("what", "config")
                .with("tag", tag));
        }
        let found = Found { config: config.clone(), state, trouble: None };
        known.insert(config.tag.clone(), Known { sealed, found: found.clone(), read, answered });
        Ok(found)
    }

    /// What stands in the backend now.
    pub(crate) async fn look(store: &Inner, tag: &str) -> Result<Standing> {
        let Some(sealed) = read_head(store, tag).await? else {
            return Ok(Standing { guard: HeadGuard::Absent, stored: None });
        };
        let stored = open(store, tag, &sealed)?;
        Ok(Standing { guard: HeadGuard::Is(sealed), stored })
    }

    /// Writes a definition, or takes it away (`None`), if what stands there is what was looked at; whether it was.
    pub(super) async fn change(
        &self,
        store: &Inner,
        tag: &str,
        guard: HeadGuard,
        stored: Option<(&Arc<Config>, State)>,
    ) -> Result<bool> {
        let vault = store.vault.catalog();
        let place = vault.place(tag);
        let now = store.clock.now();
        let text = stored.map(|(config, state)| config.to_stored(state)).unwrap_or_default();
        let sealed = SealedHead::from(vault.seal(&place, &text)?);
        let mut effects = Effects::nothing(now, &store.limits);
        effects.head = Some(sealed.clone());
        effects.index = Some((CatalogVault::OWNER, stored.is_some()));
        effects.expires = if stored.is_some() { None } else { Some(now) };
        effects.durable = true;
        let guard = Guard { head: guard, ..Guard::default() };
        let change = Change { space: vault.space(), id: place, guard, effects, answer: Cells::None };
        let read = Instant::now();
        let outcome = store.backend.apply(&change).await?;
        let answered = Instant::now();
        let mut known = self.0.lock();
        match (outcome, stored) {
            (Outcome::Applied { .. }, Some((config, state))) => {
                let found = Found { config: config.clone(), state, trouble: None };
                known.insert(config.tag.clone(), Known { sealed, found, read, answered });
                Ok(true)
            }
            (Outcome::Applied { .. }, None) => {
                known.remove(tag);
                Ok(true)
            }
            _ => {
                known.remove(tag);
                Ok(false)
            }
        }
    }

    /// Every configuration of the namespace, the built-in one too, in the order of their tags.
    pub(crate) async fn all(store: &Inner) -> Result<Vec<Arc<Config>>> {
        let mut all = Catalog::each(store).await?.into_iter().collect::<Result<Vec<_>>>()?;
        all.sort_by(|a, b| a.tag.cmp(&b.tag));
        Ok(all)
    }

    /// Every configuration of the namespace, or why one can't be opened.
    pub(crate) async fn each(store: &Inner) -> Result<Vec<Result<Arc<Config>>>> {
        let vault = store.vault.catalog();
        let mut all = vec![Ok(global())];
        let mut after = None;
        loop {
            let page = store.backend.page(&vault.space(), Some(&CatalogVault::OWNER), after, PAGE).await?;
            for listed in &page {
                let Some(sealed) = &listed.head else { continue };
                let opened = vault.open(&listed.id, sealed).and_then(|text| read(&text));
                all.extend(opened.map(|stored| stored.map(|(config, _)| config)).transpose());
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some((last.user, last.id)),
                _ => return Ok(all),
            }
        }
    }
}

/// How many definitions are read at once.
const PAGE: usize = 256;

async fn read_head(store: &Inner, tag: &str) -> Result<Option<SealedHead>> {
    if !tag::is_tag(tag) {
        return Ok(None);
    }
    let vault = store.vault.catalog();
    Ok(store.backend.read(&vault.space(), &vault.place(tag), &Cells::None, None).await?.head)
}

fn open(store: &Inner, tag: &str, sealed: &[u8]) -> Result<Option<(Arc<Config>, State)>> {
    let vault = store.vault.catalog();
    read(&vault.open(&vault.place(tag), sealed)?)
}

/// `None`: the configuration was deleted.
fn read(text: &str) -> Result<Option<(Arc<Config>, State)>> {
    if text.is_empty() {
        return Ok(None);
    }
    let (config, state) = Config::from_stored(text)?;
    Ok(Some((Arc::new(config), state)))
}

/// Whatever was passed for a tag is in the error, but not all of it: it may have been anything.
pub(super) fn not_found(tag: &str) -> Error {
    let tag = shortened(tag);
    fail!(NotFound, "no session configuration has the tag {tag:?} in this workspace, product and env").with("tag", tag)
}
