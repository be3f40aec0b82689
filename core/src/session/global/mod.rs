//! A user's Global session: opened by proof, read and changed in the backend, field by field.
//!
//! Every operation checks the proof, meets the head (from this process's cache or from the backend) and is one read or
//! one guarded change. A guard that failed answers with what stands there, and the decision is made again on that.
//!
//! Here are the verbs; [`meeting`] decides what a head means for an execution, [`change`] writes, [`commit`] writes a
//! sub-process's own version.

mod change;
mod commit;
mod meeting;

use std::sync::Arc;

use super::field::{Edit, Field, FieldVersion, expiry};
use super::info::Info;
use super::version::{Map, Selection, empty};
use crate::backend::{CellId, Cells, Record};
use crate::error::{Result, fail};
use crate::execution::{Access, Node, Standing};
use crate::identity::VerifiedToken;
use crate::json::{FieldName, Json};
use crate::store::Inner;
use crate::vault::Life;

use change::Plan;
use meeting::{Met, open_fields};

/// See the module.
pub(crate) struct Global {
    store: Arc<Inner>,
    access: Arc<Access>,
    /// The execution or sub-process it belongs to; ended with it.
    node: Option<Arc<Node>>,
    tag: Option<Box<str>>,
}

/// The standing session and the token it was opened with, for one operation.
struct Opened {
    standing: Arc<Standing>,
    token: VerifiedToken,
}

impl Global {
    pub(crate) fn new(store: Arc<Inner>, access: Arc<Access>, node: Option<Arc<Node>>, tag: Option<&str>) -> Global {
        Global { store, access, node, tag: tag.map(Box::from) }
    }

    pub(crate) fn store(&self) -> &Inner {
        &self.store
    }

    /// Checks trigger, token and config. The tag that the session goes by.
    pub(crate) fn tag(&self) -> Result<Arc<str>> {
        Ok(self.open()?.standing.config.tag.clone())
    }

    pub(crate) async fn read(&self, what: Selection) -> Result<Vec<(FieldName, Field)>> {
        let opened = self.open()?;
        let record = self.look(&opened, &cells_of(&opened, &what), false).await?;
        let now = self.store.clock.now();
        match self.meet(&opened, &record, now)? {
            Met::Vacant(_) => Ok(Vec::new()),
            Met::Alive(seen) => {
                let found = open_fields(&opened, &seen, &record.cells, &what, now)?;
                self.touch(&opened, seen, now);
                Ok(found)
            }
        }
    }

    /// All fields as a map, and the life they belong to.
    pub(crate) async fn snapshot(&self) -> Result<(Map, Option<Life>)> {
        let fields = self.read(Selection::All).await?;
        let mut map = empty();
        for (name, field) in fields {
            map.insert_mut(name, field);
        }
        Ok((map, self.life()))
    }

    /// The life that this execution holds, if it met one.
    pub(crate) fn life(&self) -> Option<Life> {
        let opened = self.open().ok()?;
        let pinned = opened.standing.pinned.lock();
        pinned.map(|pin| pin.life)
    }

    pub(crate) async fn write(&self, fields: Vec<(FieldName, Json)>, ttl: Option<u64>) -> Result<()> {
        let expires = expiry(ttl, self.store.clock.now())?;
        self.change(Cells::None, |_, _, _| {
            let put = fields.iter().map(|(name, value)| (name.clone(), value.clone(), expires)).collect();
            Ok(Plan { put, ..Plan::default() })
        })
        .await?;
        Ok(())
    }

    pub(crate) async fn remove(&self, what: Selection) -> Result<u64> {
        let done = self
            .change(Cells::None, |_, met, _| {
                Ok(match (met, &what) {
                    (Met::Vacant(_), _) => Plan::default(),
                    (_, Selection::All) => Plan { clear: true, ..Plan::default() },
                    (_, Selection::Names(names)) => Plan { delete: names.clone(), ..Plan::default() },
                })
            })
            .await?;
        Ok(done.deleted)
    }

    /// Reads one field and writes what `edit` makes of it, if nobody changed that field in between; else again. The
    /// callers of one process queue, so that a process is one contender.
    pub(crate) async fn modify<R>(
        &self,
        name: FieldName,
        mut edit: impl FnMut(Option<&Field>) -> Result<(Edit, R)>,
    ) -> Result<(R, Option<FieldVersion>)> {
        let opened = self.open()?;
        let cell = opened.standing.vault.cell_id(&opened.standing.id, name.as_str());
        let _turn = self.store.turns[usize::from(cell[0]) % self.store.turns.len()].lock().await;
        let only = Selection::Names(vec![name.clone()]);
        let mut result = None;
        let mut version = None;
        let done = self
            .change(Cells::Some(vec![cell]), |opened, met, record| {
                let now = self.store.clock.now();
                let field = match met {
                    Met::Vacant(_) => None,
                    Met::Alive(seen) => {
                        open_fields(opened, seen, &record.cells, &only, now)?.pop().map(|(_, field)| field)
                    }
                };
                version = field.as_ref().map(|field| field.version);
                let stamps = vec![(cell, version.map(FieldVersion::to_be_bytes))];
                let kept = field.as_ref().and_then(|field| field.expires);
                let (edit, given) = edit(field.as_ref())?;
                result = Some(given);
                Ok(match edit {
                    Edit::Keep => Plan::default(),
                    Edit::Put(value) => Plan { put: vec![(name.clone(), value, kept)], stamps, ..Plan::default() },
                    Edit::PutUntil(value, expires) => {
                        Plan { put: vec![(name.clone(), value, expires)], stamps, ..Plan::default() }
                    }
                    Edit::Delete => Plan { delete: vec![name.clone()], stamps, ..Plan::default() },
                })
            })
            .await?;
        if done.deleted > 0 {
            version = None;
        }
        match result {
            Some(result) => Ok((result, done.put.first().copied().or(version))),
            None => Err(fail!(Internal, "a change was made without a plan")),
        }
    }

    pub(crate) async fn info(&self) -> Result<Option<Info>> {
        let opened = self.open()?;
        let record = self.look(&opened, &Cells::None, false).await?;
        Ok(match self.meet(&opened, &record, self.store.clock.now())? {
            Met::Vacant(_) => None,
            Met::Alive(seen) => Some(Info {
                version: record.version,
                created_at: seen.head.began,
                updated_at: record.updated.unwrap_or(seen.head.began),
                expires_at: seen.head.ends,
                last_seen_at: record.updated.map_or(seen.touched, |updated| updated.max(seen.touched)),
            }),
        })
    }

    /// Ends this life for everybody who holds it. Nothing stored: nothing to do.
    pub(crate) async fn end(&self) -> Result<()> {
        self.change(Cells::None, |_, met, _| Ok(Plan { end: matches!(met, Met::Alive(_)), ..Plan::default() })).await?;
        Ok(())
    }

    fn open(&self) -> Result<Opened> {
        match &self.node {
            Some(node) => node.check_open()?,
            None => self.store.check_open()?,
        }
        self.store.check_own()?;
        let (standing, token) = self.access.open(&self.store, self.tag.as_deref())?;
        Ok(Opened { standing, token })
    }

    async fn look(&self, opened: &Opened, cells: &Cells, user: bool) -> Result<Record> {
        let standing = &opened.standing;
        self.store.backend.read(&standing.space, &standing.id, cells, user.then_some(&standing.user)).await
    }
}

impl Opened {
    fn cell(&self, name: &FieldName) -> CellId {
        self.standing.vault.cell_id(&self.standing.id, name.as_str())
    }
}

fn cells_of(opened: &Opened, what: &Selection) -> Cells {
    match what {
        Selection::All => Cells::All,
        Selection::Names(names) => Cells::Some(names.iter().map(|name| opened.cell(name)).collect()),
    }
}
