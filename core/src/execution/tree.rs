//! The tree of an execution: the root with the shared map, below it the open sub-processes, each with its own version.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::access::Access;
use super::{CommitOptions, Committed};
use crate::audit::Whose;
use crate::clock::{Clock, Time};
use crate::error::{Error, Result, fail};
use crate::limits;
use crate::session::scoped_global::ScopedGlobal;
use crate::session::version::{Map, Setting, Version};
use crate::store::Inner;

/// What all nodes of one execution share.
pub(crate) struct Shared {
    pub(crate) store: Arc<Inner>,
    pub(crate) id: String,
    pub(crate) access: Arc<Access>,
    /// The last field version given; one execution never gives the same twice.
    pub(crate) versions: AtomicU64,
}

impl Shared {
    /// The error of a call, of which watchers are told if it is one to them.
    pub(crate) fn refusal(&self, error: Error) -> Error {
        self.store.audit.refusal(error, || Whose::default().at(self.access.request()))
    }
}

/// The execution itself (no parent) or a sub-process.
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    parent: Option<Arc<Node>>,
    /// The number under its parent; 0 for the root.
    number: u64,
    pub(crate) name: String,
    depth: usize,
    ended: AtomicBool,
    local: Mutex<Version>,
    children: Mutex<Children>,
    globals: Mutex<Vec<Arc<ScopedGlobal>>>,
}

#[derive(Default)]
struct Children {
    last: u64,
    open: BTreeMap<u64, Weak<Node>>,
}

impl Node {
    /// The root of an execution.
    pub(crate) fn root(shared: Shared, local: Version) -> Arc<Node> {
        Node::make(Arc::new(shared), None, 0, String::new(), local)
    }

    fn make(shared: Arc<Shared>, parent: Option<Arc<Node>>, number: u64, name: String, local: Version) -> Arc<Node> {
        let depth = parent.as_ref().map_or(0, |parent| parent.depth + 1);
        Arc::new(Node {
            shared,
            parent,
            number,
            name,
            depth,
            ended: AtomicBool::new(false),
            local: Mutex::new(local),
            children: Mutex::default(),
            globals: Mutex::default(),
        })
    }

    /// A sub-process: its version is a snapshot of this node's, in O(1).
    pub(crate) fn fork(self: &Arc<Node>, name: &str) -> Result<Arc<Node>> {
        let store = &self.shared.store;
        limits::check("nesting of sub-processes", self.depth + 1, store.limits.nesting, "levels")?;
        let mut children = self.children.lock();
        let snapshot = self.with_version(|version, now| Ok(version.snapshot(now)))?;
        children.last += 1;
        let number = children.last;
        let child = Node::make(self.shared.clone(), Some(self.clone()), number, name.to_owned(), snapshot);
        children.open.insert(number, Arc::downgrade(&child));
        Ok(child)
    }

    /// A sub-process taken up from a checkpoint, under the number it had.
    pub(crate) fn restore_child(self: &Arc<Node>, number: u64, name: String, version: Version) -> Arc<Node> {
        let child = Node::make(self.shared.clone(), Some(self.clone()), number, name, version);
        self.children.lock().open.insert(number, Arc::downgrade(&child));
        child
    }

    /// Takes up how many sub-processes there have been, so that no number is given twice.
    pub(crate) fn restore_forks(&self, forks: u64) {
        self.children.lock().last = forks;
    }

    /// Shows `visit` this node and all open ones below it, each after its parent, with its version and how many
    /// sub-processes it has had. What lies above is held still meanwhile: a commit is seen whole or not at all.
    ///
    /// Locks are taken as [`fork`](Node::fork) and [`commit`](Node::commit) take them: a node's children, its version,
    /// then those of the nodes below.
    pub(crate) fn survey(self: &Arc<Node>, visit: &mut impl FnMut(&Node, &Version, u64)) -> Result<()> {
        // Dropped after the locks: the last one to hold a sub-process takes it off its parent.
        let mut below = Vec::new();
        let children = self.children.lock();
        let version = self.local.lock();
        self.check_open()?;
        visit(self, &version, children.last);
        below.extend(children.open.values().filter_map(Weak::upgrade));
        for child in &below {
            match child.survey(visit) {
                // It ended in between.
                Err(_) if child.ended.load(Ordering::Acquire) => {}
                result => result?,
            }
        }
        // What ended with this node was left out.
        self.check_open()
    }

    pub(crate) fn parent(&self) -> Option<&Arc<Node>> {
        self.parent.as_ref()
    }

    /// The root: the node of the shared map.
    pub(crate) fn shared_map(self: &Arc<Node>) -> &Arc<Node> {
        let mut node = self;
        while let Some(parent) = &node.parent {
            node = parent;
        }
        node
    }

    /// The path of numbers from the root: `""`, `1`, `1.3`.
    pub(crate) fn path(&self) -> String {
        match &self.parent {
            None => String::new(),
            Some(parent) if parent.parent.is_none() => self.number.to_string(),
            Some(parent) => format!("{}.{}", parent.path(), self.number),
        }
    }

    /// The last number of [`path`](Node::path).
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The open node at `path` below this one.
    pub(crate) fn find(self: &Arc<Node>, path: &str) -> Option<Arc<Node>> {
        let mut node = self.clone();
        if path.is_empty() {
            return Some(node);
        }
        for number in path.split('.') {
            let number: u64 = number.parse().ok().filter(|read: &u64| read.to_string() == number)?;
            let child = node.children.lock().open.get(&number)?.upgrade()?;
            node = child;
        }
        Some(node)
    }

    /// Reads or changes this node's version; `CLOSED` once it, the execution or the store has ended.
    pub(crate) fn with_version<R>(&self, run: impl FnOnce(&mut Version, Time) -> Result<R>) -> Result<R> {
        self.with_clock(|version, clock| run(version, clock.now()))
    }

    /// [`with_version`](Node::with_version) for what may not need to know the time.
    pub(crate) fn with_clock<R>(&self, run: impl FnOnce(&mut Version, &Clock) -> Result<R>) -> Result<R> {
        self.check_open()?;
        let mut version = self.local.lock();
        // Ending empties the version under its lock: whoever comes later must not write into it.
        self.check_open()?;
        run(&mut version, &self.shared.store.clock)
    }

    /// The fields of this node's version as they are now, in O(1). As [`with_version`](Node::with_version).
    pub(crate) fn fields(&self) -> Result<Map> {
        self.with_clock(|version, _| Ok(version.fields().clone()))
    }

    /// [`with_version`](Node::with_version) for a change.
    pub(crate) fn change<R>(&self, run: impl FnOnce(&mut Version, &Setting) -> Result<R>) -> Result<R> {
        self.with_version(|version, now| self.with_setting(now, |setting| run(version, setting)))
    }

    pub(crate) fn with_setting<R>(&self, now: Time, run: impl FnOnce(&Setting) -> R) -> R {
        let versions = &self.shared.versions;
        let next_version = || u128::from(versions.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
        run(&Setting { now, limits: &self.shared.store.limits, next_version: &next_version })
    }

    /// Applies this node's Local changes to its parent's version and takes a new snapshot of it.
    pub(crate) fn commit(&self, options: CommitOptions) -> Result<Committed> {
        let Some(parent) = &self.parent else {
            return Err(fail!(InvalidArgument, "only a sub-process can be committed, not the execution itself"));
        };
        parent
            .change(|above, setting| self.with_version(|own, _| above.commit(own, options.exclusive, setting)))
            .map_err(|error| error.at(self.place()))
    }

    /// The private version of the Global session of `tag`, made by `make` when there is none yet.
    pub(crate) fn scoped_global(&self, tag: &str, make: impl FnOnce() -> ScopedGlobal) -> Arc<ScopedGlobal> {
        let mut globals = self.globals.lock();
        if let Some(found) = globals.iter().find(|global| global.tag() == tag) {
            return found.clone();
        }
        let made = Arc::new(make());
        globals.push(made.clone());
        made
    }

    /// The private versions of the Global session of `tag` above this node, the nearest first.
    pub(crate) fn scoped_globals_above(&self, tag: &str) -> Vec<Arc<ScopedGlobal>> {
        let above = std::iter::successors(self.parent.as_ref(), |node| node.parent.as_ref());
        above.filter_map(|node| node.globals.lock().iter().find(|global| global.tag() == tag).cloned()).collect()
    }

    /// Ends this node and all below it; what was not committed is gone.
    pub(crate) fn end(&self) {
        let below = {
            let mut children = self.children.lock();
            self.ended.store(true, Ordering::Release);
            std::mem::take(&mut children.open)
        };
        for child in below.into_values().filter_map(|child| child.upgrade()) {
            child.end();
        }
        *self.local.lock() = Version::root(Time::from_millis(0));
        self.globals.lock().clear();
        if let Some(parent) = &self.parent {
            parent.children.lock().open.remove(&self.number);
        }
    }

    /// `CLOSED` once this node, the execution or the store has ended.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.ended.load(Ordering::Acquire) {
            return Err(self.closed());
        }
        self.shared.store.check_open()
    }

    fn closed(&self) -> Error {
        match self.parent {
            None => fail!(Closed, "the execution has ended"),
            Some(_) => fail!(Closed, "the {} has ended", self.place()),
        }
    }

    fn place(&self) -> String {
        if self.name.is_empty() {
            format!("sub-process {}", self.path())
        } else {
            format!("sub-process {:?}", self.name)
        }
    }
}

impl Drop for Node {
    /// A sub-process that nobody holds any more has ended.
    fn drop(&mut self) {
        if let Some(parent) = &self.parent
            && !*self.ended.get_mut()
        {
            parent.children.lock().open.remove(&self.number);
        }
    }
}
