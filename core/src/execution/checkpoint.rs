//! A checkpoint: the Local state of an execution, sealed, to go on in another process or after a crash.
//!
//! The plain text is JSON: the shared map, every open sub-process's version with the snapshot it started from (for
//! conflicts), the execution's id, the time, and a MAC of the identity. Never the trigger, the token or Global data.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Access, Node, Shared, Trigger, not_allowed};
use crate::clock::Time;
use crate::error::{Error, Result, fail};
use crate::json::{FieldName, Json};
use crate::session::field::Field;
use crate::session::version::{Changes, Fork, Map, Version, empty};
use crate::store::Inner;

/// A checkpoint can be taken up for that long.
const LIFE: u64 = 24 * 3600 * 1000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Checkpoint<'a> {
    format: u32,
    id: String,
    at: i64,
    identity: Option<[u8; 16]>,
    /// The last field version given.
    versions: u64,
    /// The execution itself, then the open sub-processes, each after its parent. A list, not a tree: sub-processes may
    /// nest deeper than the reader of JSON does.
    #[serde(borrow)]
    nodes: Vec<Saved<'a>>,
}

/// A node: the execution itself, or an open sub-process.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Saved<'a> {
    /// The path of its parent; the execution itself has none.
    parent: Option<String>,
    number: u64,
    name: String,
    /// How many sub-processes it has had.
    forks: u64,
    revision: u64,
    created: i64,
    updated: i64,
    #[serde(borrow)]
    fields: Vec<SavedField<'a>>,
    #[serde(borrow)]
    fork: Option<SavedFork<'a>>,
}

/// Name, value, version, end (0: none).
#[derive(Serialize, Deserialize)]
struct SavedField<'a>(#[serde(borrow)] Cow<'a, str>, #[serde(borrow)] &'a RawValue, u64, i64);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SavedFork<'a> {
    #[serde(borrow)]
    base: Vec<SavedField<'a>>,
    cleared: bool,
    changed: Vec<String>,
}

/// Seals the state of the execution with that root, whose identity has that MAC.
pub(super) fn make(root: &Arc<Node>, identity: Option<[u8; 16]>) -> Result<Vec<u8>> {
    let shared = &root.shared;
    root.check_open()?;
    let mut frozen = Vec::new();
    root.survey(&mut |node, version, forks| frozen.push(Frozen::of(node, version, forks)))?;
    let checkpoint = Checkpoint {
        format: 1,
        id: shared.id.clone(),
        at: shared.store.clock.now().millis(),
        identity,
        versions: shared.versions.load(Ordering::Relaxed),
        nodes: frozen.iter().map(Frozen::save).collect::<Result<_>>()?,
    };
    let plain = zeroize::Zeroizing::new(serde_json::to_vec(&checkpoint).map_err(|_| unreadable())?);
    shared.store.vault.seal_checkpoint(&plain)
}

/// Opens a checkpoint and rebuilds the execution: its root, and all its open sub-processes, which only the caller holds.
/// The token is verified first if an identity was recorded.
pub(super) async fn take_up(
    store: Arc<Inner>,
    bytes: &[u8],
    trigger: Trigger,
    token: Option<String>,
) -> Result<(Arc<Node>, Vec<Arc<Node>>)> {
    let plain = store.vault.open_checkpoint(bytes)?;
    let saved: Checkpoint = serde_json::from_slice(&plain).map_err(|_| unreadable())?;
    if saved.format != 1 {
        return Err(fail!(FormatTooNew, "the checkpoint has format {}, this version reads 1", saved.format));
    }
    let now = store.clock.now();
    // Both ways: one made under a clock that was ahead must not outlive its day.
    if now.millis().abs_diff(saved.at) >= LIFE {
        return Err(fail!(InvalidArgument, "the checkpoint was made more than 24 hours from now")
            .with("argument", "checkpoint"));
    }
    let access = Arc::new(Access::resumed(trigger, token.as_deref(), saved.identity));
    if saved.identity.is_some() {
        if token.is_none() {
            return Err(not_allowed(
                "token",
                "the checkpoint belongs to a user: a token of that user is needed to go on",
            ));
        }
        access.token(&store).await?;
    }
    let shared = Shared { store, id: saved.id, access, versions: AtomicU64::new(beyond(saved.versions)?) };
    let mut nodes = saved.nodes.into_iter();
    let first = nodes.next().filter(|node| node.parent.is_none()).ok_or_else(unreadable)?;
    let root = Node::root(shared, first.version());
    root.restore_forks(first.forks);
    let mut restored = Vec::new();
    for node in nodes {
        let parent = node.parent.as_ref().and_then(|path| root.find(path)).ok_or_else(unreadable)?;
        let version = node.version();
        let child = parent.restore_child(node.number, node.name, version);
        child.restore_forks(node.forks);
        restored.push(child);
    }
    Ok((root, restored))
}

/// Where versions go on: not at the next, which the execution that was lost may have given after the checkpoint.
fn beyond(versions: u64) -> Result<u64> {
    let mut random = [0; 8];
    crate::vault::fill_random(&mut random[2..])?;
    Ok(versions.wrapping_add(u64::from_be_bytes(random)))
}

/// A node as it stood.
struct Frozen {
    parent: Option<String>,
    number: u64,
    name: String,
    forks: u64,
    revision: u64,
    created: Time,
    updated: Time,
    fields: Map,
    fork: Option<Fork>,
}

impl Frozen {
    fn of(node: &Node, version: &Version, forks: u64) -> Frozen {
        Frozen {
            parent: node.parent().map(|parent| parent.path()),
            number: node.number(),
            name: node.name.clone(),
            forks,
            revision: version.revision(),
            created: version.created(),
            updated: version.updated(),
            fields: version.fields().clone(),
            fork: version.fork().cloned(),
        }
    }

    fn save(&self) -> Result<Saved<'_>> {
        let fork = match &self.fork {
            None => None,
            Some(fork) => Some(SavedFork {
                base: save_fields(&fork.base)?,
                cleared: fork.changes.cleared,
                changed: fork.changes.names.iter().map(|name| name.as_str().to_owned()).collect(),
            }),
        };
        Ok(Saved {
            parent: self.parent.clone(),
            number: self.number,
            name: self.name.clone(),
            forks: self.forks,
            revision: self.revision,
            created: self.created.millis(),
            updated: self.updated.millis(),
            fields: save_fields(&self.fields)?,
            fork,
        })
    }
}

fn save_fields(fields: &Map) -> Result<Vec<SavedField<'_>>> {
    fields
        .iter()
        .map(|(name, field)| {
            let value: &RawValue = serde_json::from_str(field.value.as_str()).map_err(|_| unreadable())?;
            // Local versions count from 1 and fit; the two halves of the type are for Global ones.
            let version = u64::try_from(field.version).map_err(|_| unreadable())?;
            Ok(SavedField(Cow::Borrowed(name.as_str()), value, version, ends(field.expires)))
        })
        .collect()
}

/// A field's end, 0 = none; the instant 0 itself becomes 1: it must not become an end that never comes.
fn ends(expires: Option<Time>) -> i64 {
    match expires.map(Time::millis) {
        None => 0,
        Some(0) => 1,
        Some(millis) => millis,
    }
}

impl Saved<'_> {
    fn version(&self) -> Version {
        let fork = match &self.fork {
            None => None,
            Some(fork) => {
                let names: HashSet<FieldName> = fork.changed.iter().map(|name| FieldName::stored(name)).collect();
                Some(Fork { base: load_fields(&fork.base), changes: Changes { cleared: fork.cleared, names } })
            }
        };
        let (created, updated) = (Time::from_millis(self.created), Time::from_millis(self.updated));
        Version::restored(load_fields(&self.fields), fork, self.revision, created, updated)
    }
}

fn load_fields(saved: &[SavedField<'_>]) -> Map {
    let mut fields = empty();
    for SavedField(name, value, version, ends) in saved {
        let value = Json::checked(value.get());
        let expires = (*ends != 0).then(|| Time::from_millis(*ends));
        fields.insert_mut(FieldName::stored(name), Field { value, version: u128::from(*version), expires });
    }
    fields
}

fn unreadable() -> Error {
    fail!(Corrupt, "the checkpoint was opened but does not read as one")
}
