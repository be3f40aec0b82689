//! A sub-process's own version of a Global session: a snapshot at its first use, private changes, one guarded change to
//! commit them.

use std::sync::Arc;

use async_lock::Mutex;

use super::global::Global;
use super::version::{Setting, Version, size_of};
use crate::error::{Result, fail};
use crate::execution::{CommitOptions, Committed, Node};
use crate::vault::Life;

/// The private version that a node holds for one config.
pub(crate) struct ScopedGlobal {
    tag: Arc<str>,
    /// `None` until its first use. Held across a whole commit: what is put meanwhile waits for the new snapshot instead
    /// of vanishing under it. Locks are taken from a node upwards, never downwards.
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    version: Version,
    /// The life that the snapshot was taken of; `None`: nobody had begun one.
    life: Option<Life>,
}

impl ScopedGlobal {
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }
}

/// Reads or changes the private version of `node`, which is made at its first use.
pub(crate) async fn with<R>(
    node: &Arc<Node>,
    global: &Global,
    run: impl FnOnce(&mut Version, &Setting) -> Result<R>,
) -> Result<R> {
    let scoped = of(node, global)?;
    let mut loaded = scoped.loaded.lock().await;
    let loaded = load(&mut loaded, node, global).await?;
    node.check_open()?;
    node.with_setting(node.shared.store.clock.now(), |setting| run(&mut loaded.version, setting))
}

/// Writes the private changes into the session and takes a new snapshot of it.
pub(crate) async fn commit(node: &Arc<Node>, global: &Global, options: CommitOptions) -> Result<Committed> {
    let scoped = of(node, global)?;
    let mut loaded = scoped.loaded.lock().await;
    let loaded = load(&mut loaded, node, global).await?;
    let now = node.shared.store.clock.now();
    let Some(fork) = loaded.version.fork() else { return Err(fail!(Internal, "a private version is no fork")) };
    let (puts, deletes) = loaded.version.outcome(now);
    let committed = global.commit(loaded.life, fork, puts, deletes, options.exclusive).await?;
    // The commit is done, whatever becomes of the snapshot: without one it goes on from its own content.
    *loaded = match snapshot(node, global).await {
        Ok(fresh) => fresh,
        Err(_) => Loaded { version: loaded.version.snapshot(now), life: global.life().or(loaded.life) },
    };
    Ok(committed)
}

/// The place of the private version. The proof is checked here, at every use.
fn of(node: &Arc<Node>, global: &Global) -> Result<Arc<ScopedGlobal>> {
    node.check_open()?;
    let tag = global.tag()?;
    Ok(node.scoped_global(&tag, || ScopedGlobal { tag: tag.clone(), loaded: Mutex::new(None) }))
}

/// The private version, made when it is not there: of the nearest one above, else of the session.
async fn load<'a>(loaded: &'a mut Option<Loaded>, node: &Arc<Node>, global: &Global) -> Result<&'a mut Loaded> {
    let fresh = match loaded.take() {
        Some(there) => there,
        None => match inherit(node, &global.tag()?).await {
            Some(inherited) => inherited,
            None => snapshot(node, global).await?,
        },
    };
    Ok(loaded.insert(fresh))
}

async fn inherit(node: &Arc<Node>, tag: &str) -> Option<Loaded> {
    for above in node.scoped_globals_above(tag) {
        let above = above.loaded.lock().await;
        let Some(above) = above.as_ref() else { continue };
        // Conflicts are about the session, so the base stays the session's own state.
        let base = above.version.fork()?.base.clone();
        let now = node.shared.store.clock.now();
        let version = Version::forked(above.version.fields().clone(), above.version.size(), base, now);
        return Some(Loaded { version, life: above.life });
    }
    None
}

async fn snapshot(node: &Node, global: &Global) -> Result<Loaded> {
    let (fields, life) = global.snapshot().await?;
    let size = size_of(&fields);
    let version = Version::forked(fields.clone(), size, fields, node.shared.store.clock.now());
    Ok(Loaded { version, life })
}
