//! A sub-process's own version of a Global session: a snapshot at its first use, private changes, one guarded change to
//! commit them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::global::Global;
use super::version::{Setting, Version, size_of};
use crate::error::Result;
use crate::execution::{CommitOptions, Committed, Node};
use crate::vault::Life;

/// The private version that a node holds for one config.
pub(crate) struct ScopedGlobal {
    tag: &'static str,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    version: Version,
    /// The life that the snapshot was taken of; `None`: nobody had begun one.
    life: Option<Life>,
}

impl ScopedGlobal {
    pub(crate) fn tag(&self) -> &str {
        self.tag
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.lock().is_some()
    }
}

/// Reads or changes the private version of `node`.
pub(crate) async fn with<R>(
    node: &Arc<Node>,
    global: &Global,
    run: impl FnOnce(&mut Version, &Setting) -> Result<R>,
) -> Result<R> {
    let scoped = load(node, global).await?;
    let now = node.shared.store.clock.now();
    let mut loaded = scoped.loaded.lock();
    node.check_open()?;
    match loaded.as_mut() {
        Some(loaded) => node.with_setting(now, |setting| run(&mut loaded.version, setting)),
        None => Err(crate::error::fail!(Closed, "the sub-process has ended")),
    }
}

/// Writes the private changes into the session and takes a new snapshot of it.
pub(crate) async fn commit(node: &Arc<Node>, global: &Global, options: CommitOptions) -> Result<Committed> {
    let scoped = load(node, global).await?;
    let now = node.shared.store.clock.now();
    let changes = scoped.loaded.lock().as_ref().and_then(|loaded| {
        let (puts, deletes) = loaded.version.outcome(now);
        loaded.version.fork().map(|fork| (loaded.life, fork.clone(), puts, deletes))
    });
    let Some((life, fork, puts, deletes)) = changes else { return Ok(Committed::default()) };
    let committed = global.commit(life, &fork, puts, deletes, options.exclusive).await?;
    let fresh = snapshot(node, global).await?;
    *scoped.loaded.lock() = Some(fresh);
    Ok(committed)
}

/// The private version, made at its first use: of the nearest private version above, else of the session.
async fn load(node: &Arc<Node>, global: &Global) -> Result<Arc<ScopedGlobal>> {
    node.check_open()?;
    let tag = global.tag()?;
    let scoped = node.scoped_global(tag, || ScopedGlobal { tag, loaded: Mutex::new(None) });
    if scoped.is_loaded() {
        return Ok(scoped);
    }
    let fresh = match node.scoped_global_above(tag).and_then(|above| inherit(node, &above)) {
        Some(inherited) => inherited,
        None => snapshot(node, global).await?,
    };
    // Two threads may have met here: the first one's snapshot stands.
    scoped.loaded.lock().get_or_insert(fresh);
    Ok(scoped)
}

fn inherit(node: &Node, above: &ScopedGlobal) -> Option<Loaded> {
    let now = node.shared.store.clock.now();
    let above = above.loaded.lock();
    let above = above.as_ref()?;
    // Conflicts are about the session, so the base stays the session's own state.
    let base = above.version.fork()?.base.clone();
    let version = Version::forked(above.version.fields().clone(), above.version.size(), base, now);
    Some(Loaded { version, life: above.life })
}

async fn snapshot(node: &Node, global: &Global) -> Result<Loaded> {
    let (fields, life) = global.snapshot().await?;
    let size = size_of(&fields);
    let version = Version::forked(fields.clone(), size, fields, node.shared.store.clock.now());
    Ok(Loaded { version, life })
}
