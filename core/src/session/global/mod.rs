//! A user's Global session: opened by proof, read and changed in the backend, field by field.
//!
//! Every operation checks the proof, meets the head (from this process's cache or from the backend) and is one read or
//! one guarded change. A guard that failed answers with what stands there, and the decision is made again on that.
//!
//! Here are the verbs; [`target`] says which session is meant, [`meeting`] decides what a head means for an execution,
//! [`rules`] what a config allows, [`change`] writes, [`begin`] makes a new life, [`commit`] writes a sub-process's own
//! version, [`kept`] says how long a head stays.

pub(crate) mod begin;
pub(crate) mod change;
mod commit;
pub(crate) mod kept;
mod meeting;
mod rules;
pub(crate) mod target;

use std::sync::Arc;

use super::field::{Edit, Field, FieldVersion, expiry};
use super::info::Info;
use super::seen::Seen;
use super::version::{Map, Selection, empty};
use crate::audit::Whose;
use crate::backend::Cells;
use crate::error::{Error, Result, fail};
use crate::execution::{Access, Node};
use crate::json::{FieldName, Json};
use crate::store::Inner;
use crate::vault::{Life, SessionId};

use change::Plan;
use meeting::Met;
use target::{Opened, Proof, Target};

/// See the module.
pub(crate) struct Global {
    store: Arc<Inner>,
    way: Way,
}

/// How the session is found.
enum Way {
    Proven {
        access: Arc<Access>,
        /// The execution or sub-process it belongs to; ended with it.
        node: Option<Arc<Node>>,
        tag: Option<Box<str>>,
    },
    /// The store's own user names it.
    Id(SessionId),
}

impl Global {
    pub(crate) fn new(store: Arc<Inner>, access: Arc<Access>, node: Option<Arc<Node>>, tag: Option<&str>) -> Global {
        Global { store, way: Way::Proven { access, node, tag: tag.map(Box::from) } }
    }

    /// The session with that id, whoever it belongs to.
    pub(crate) fn by_id(store: Arc<Inner>, id: SessionId) -> Global {
        Global { store, way: Way::Id(id) }
    }

    pub(crate) fn store(&self) -> &Inner {
        &self.store
    }

    /// Whom an event about this session is about.
    pub(crate) fn whose(&self) -> Whose {
        match &self.way {
            Way::Proven { access, tag, .. } => {
                let whose =
                    access.met(tag.as_deref()).map(|target| Whose::session(&target.tag, target.user(), target.id));
                whose.unwrap_or_default().at(access.request())
            }
            Way::Id(id) => Whose::id(id),
        }
    }

    /// The error of a call, of which watchers are told if it is one to them.
    pub(crate) fn refusal(&self, error: Error) -> Error {
        self.store.audit.refusal(error, || self.whose())
    }

    /// Checks trigger, token and config. The tag that the session goes by.
    pub(crate) async fn tag(&self) -> Result<Arc<str>> {
        Ok(self.open().await?.target.tag.clone())
    }

    pub(crate) async fn read(&self, what: Selection) -> Result<Vec<(FieldName, Field)>> {
        let found = self.read_with_head(what).await?;
        Ok(found.map(|(_, fields)| fields).unwrap_or_default())
    }

    /// The head, too; `None` where a standing session has not begun.
    pub(crate) async fn read_with_head(&self, what: Selection) -> Result<Option<(Arc<Seen>, Vec<(FieldName, Field)>)>> {
        let opened = self.open().await?;
        let cells = cells_of(&opened, &what);
        let (met, record) = self.look(&opened, &cells, false).await?;
        let now = self.store.clock.now();
        match met {
            Met::Vacant { .. } => Ok(None),
            Met::Alive(seen) => {
                let found = self.fields(&opened, &seen, &record, &what, &cells, now)?;
                self.touch(&opened, &seen, now);
                Ok(Some((seen, found)))
            }
        }
    }

    /// All fields as a map, and the life they belong to.
    pub(crate) async fn snapshot(&self) -> Result<(Map, Option<Life>)> {
        let mut map = empty();
        let Some((seen, fields)) = self.read_with_head(Selection::All).await? else { return Ok((map, None)) };
        for (name, field) in fields {
            map.insert_mut(name, field);
        }
        Ok((map, Some(seen.head.life)))
    }

    /// The life that this execution holds, if it met one.
    pub(crate) async fn life(&self) -> Option<Life> {
        let opened = self.open().await.ok()?;
        let pinned = opened.target.pinned.lock();
        pinned.map(|pin| pin.life)
    }

    pub(crate) async fn write(&self, fields: Vec<(FieldName, Json)>, ttl: Option<u64>) -> Result<()> {
        let expires = expiry(ttl, self.store.clock.now())?;
        self.change(Cells::None, &mut |_, _, _| {
            let put = fields.iter().map(|(name, value)| (name.clone(), value.clone(), expires)).collect();
            Ok(Plan { put, ..Plan::default() })
        })
        .await?;
        Ok(())
    }

    pub(crate) async fn remove(&self, what: Selection) -> Result<u64> {
        let done = self
            .change(Cells::None, &mut |_, met, _| {
                Ok(match (met, &what) {
                    (Met::Vacant { .. }, _) => Plan::default(),
                    (_, Selection::All) => Plan { clear: true, ..Plan::default() },
                    (_, Selection::Names(names)) => Plan { delete: names.clone(), ..Plan::default() },
                })
            })
            .await?;
        Ok(done.deleted)
    }

    /// Reads one field and writes what `edit` makes of it, if nobody changed that field in between; else again. The
    /// callers of one process queue, so that a process is one contender.
    pub(crate) async fn modify<R: Send>(
        &self,
        name: FieldName,
        mut edit: impl FnMut(Option<&Field>) -> Result<(Edit, R)> + Send,
    ) -> Result<(R, Option<FieldVersion>)> {
        let mut result = None;
        let mut keeping_result = |field: Option<&Field>| {
            let (edit, given) = edit(field)?;
            result = Some(given);
            Ok(edit)
        };
        let version = self.edit(name, &mut keeping_result).await?;
        match result {
            Some(result) => Ok((result, version)),
            None => Err(fail!(Internal, "a change was made without a plan")),
        }
    }

    /// [`modify`](Global::modify), once for all results; the version that the field has after it.
    async fn edit(
        &self,
        name: FieldName,
        edit: &mut (dyn FnMut(Option<&Field>) -> Result<Edit> + Send),
    ) -> Result<Option<FieldVersion>> {
        let cell = self.open().await?.cell(&name);
        let _turn = self.store.turns[usize::from(cell[0]) % self.store.turns.len()].lock().await;
        let (only, cells) = (Selection::Names(vec![name.clone()]), Cells::Some(vec![cell]));
        let mut version = None;
        let done = self
            .change(cells.clone(), &mut |opened, met, record| {
                let now = self.store.clock.now();
                let field = match met {
                    Met::Vacant { .. } => None,
                    Met::Alive(seen) => {
                        self.fields(opened, seen, record, &only, &cells, now)?.pop().map(|(_, field)| field)
                    }
                };
                version = field.as_ref().map(|field| field.version);
                let stamps = vec![(cell, version.map(FieldVersion::to_be_bytes))];
                let kept = field.as_ref().and_then(|field| field.expires);
                Ok(match edit(field.as_ref())? {
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
        Ok(done.put.first().copied().or(version))
    }

    pub(crate) async fn info(&self) -> Result<Option<Info>> {
        let opened = self.open().await?;
        let (met, record) = self.look(&opened, &Cells::None, false).await?;
        if let Met::Alive(_) = met {
            let Target { space, id, .. } = &*opened.target;
            self.store.high_water.meet_version(space, id, record.version, record.span)?;
        }
        Ok(match met {
            Met::Vacant { .. } => None,
            Met::Alive(seen) => Some(Info {
                version: record.version,
                created_at: seen.head.began,
                updated_at: record.updated.unwrap_or(seen.head.began),
                expires_at: seen.head.ends,
                last_seen_at: record.updated.map_or(seen.touched, |updated| updated.max(seen.touched)),
            }),
        })
    }

    /// The head of a session that lives, and is not used by being looked at. `NOT_FOUND` where none has begun.
    pub(crate) async fn seen(&self) -> Result<Arc<Seen>> {
        let opened = self.open().await?;
        match self.look(&opened, &Cells::None, false).await? {
            (Met::Alive(seen), _) => Ok(seen),
            (Met::Vacant { .. }, _) => Err(opened.missing(self.store.clock.now())),
        }
    }

    /// Ends this life for everybody who holds it. Nothing stored: nothing to do.
    pub(crate) async fn end(&self) -> Result<()> {
        let mut end = |_: &_, met: &_, _: &_| Ok(Plan { end: matches!(met, Met::Alive(_)), ..Plan::default() });
        self.change(Cells::None, &mut end).await?;
        Ok(())
    }

    async fn open(&self) -> Result<Opened> {
        match &self.way {
            Way::Proven { access, node, tag } => {
                if let Some(node) = node {
                    node.check_open()?;
                }
                self.store.ready().await?;
                access.open(&self.store, tag.as_deref()).await
            }
            Way::Id(id) => {
                self.store.ready().await?;
                let config = self.store.catalog.find(&self.store, &id.tag).await?;
                let target = Arc::new(Target::named(&self.store, &config, id.storage, None));
                Ok(Opened { target, config, proof: Proof::Id })
            }
        }
    }
}

/// Where the fields selected lie.
fn cells_of(opened: &Opened, what: &Selection) -> Cells {
    match what {
        Selection::All => Cells::All,
        Selection::Names(names) => Cells::Some(names.iter().map(|name| opened.cell(name)).collect()),
    }
}
