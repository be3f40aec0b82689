//! One run of one pipeline, its trigger and token, and the tree of its sub-processes.

mod access;
mod checkpoint;
mod committed;
mod tree;
mod trigger;

use std::cell::LazyCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::audit::Whose;
use crate::error::{Result, fail};
use crate::json::{FieldName, Fields};
use crate::session::Session;
use crate::session::global::Global;
use crate::session::version::Version;
use crate::step::{Operation, Output, SessionType, Step, message};
use crate::store::Inner;
use crate::task::Task;

pub(crate) use access::Access;
pub use committed::{CommitOptions, Committed};
pub(crate) use tree::{Node, Shared};
pub(crate) use trigger::{Trigger, not_allowed};

/// One run of one pipeline, or a sub-process of it. Clones are the same one; any thread may use it.
///
/// Local data is gone when the execution ends: by [`end`](Execution::end), or when its last clone is dropped.
///
/// ```
/// use sessile::{Options, Step, Store};
///
/// let store = Store::open(Options::new("memory:")).wait()?;
/// let run = store.execution(None, None)?;
/// let put = Step::parse(r#"{"operation": "PUT", "fields": "cart"}"#)?;
/// let get = Step::parse(r#"{"operation": "GET", "fields": "cart"}"#)?;
/// run.step(&put, Some(r#"{"cart": [1, 2]}"#)).wait()?;
/// let message = run.step(&get, Some(r#"{"id": 7}"#)).wait()?;
/// assert_eq!(message.text(), Some(r#"{"id": 7,"cart":[1, 2]}"#));
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Execution {
    node: Arc<Node>,
    /// The sub-processes of a checkpoint: nobody else holds them until they are asked for.
    _restored: Arc<[Arc<Node>]>,
}

impl Execution {
    pub(crate) fn start(store: Arc<Inner>, trigger: Option<&str>, token: Option<&str>) -> Result<Execution> {
        store.check_open()?;
        let access = Arc::new(Access::new(Trigger::parse(trigger)?, token));
        let local = Version::root(store.clock.now());
        let id = new_id()?;
        Ok(Execution::of(Node::root(Shared { store, id, access, versions: AtomicU64::new(0) }, local)))
    }

    fn of(node: Arc<Node>) -> Execution {
        Execution { node, _restored: Arc::default() }
    }

    /// The execution's id (32 hex digits), the same for all its sub-processes.
    pub fn id(&self) -> &str {
        &self.node.shared.id
    }

    /// The host's own name for what it is doing (a request's or a trace's id), 256 bytes at most, which the execution's audit
    /// events then bear; `None`: none. `INVALID_ARGUMENT`.
    pub fn set_request_id(&self, id: Option<&str>) -> Result<()> {
        if let Some(id) = id.filter(|id| id.is_empty() || id.len() > 256) {
            return Err(fail!(InvalidArgument, "a request id has 1 to 256 bytes, {} given", id.len())
                .with("argument", "requestId"));
        }
        self.node.shared.access.set_request(id);
        Ok(())
    }

    /// The id of this sub-process: its path from the root, `""` for the execution itself, then `1`, `1.3`.
    pub fn subprocess_id(&self) -> String {
        self.node.path()
    }

    /// The name given to this sub-process; `""` for the execution itself.
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Runs a step: GET adds the fields that the session holds to the message, PUT stores the message's members of
    /// those names, DELETE removes those fields. `None` as message counts as `{}`.
    ///
    /// `MESSAGE_NOT_OBJECT`, `INVALID_JSON`, `LIMIT_EXCEEDED` for the message; for a Global step also
    /// `GLOBAL_NOT_ALLOWED`, `TOKEN_*` and whatever the backend says. The error's message is led by the step's name.
    pub fn step(&self, step: &Step, message: Option<&str>) -> Task<Output> {
        match self.try_step(step, message.unwrap_or("")) {
            Ok(task) => task,
            Err(error) => Task::ready(self.told(Err(error.at(step.place())))),
        }
    }

    fn try_step(&self, step: &Step, message: &str) -> Result<Task<Output>> {
        self.node.check_open()?;
        #[cfg(feature = "test-panic")]
        assert!(step.name() != Some("sessile:test-panic"), "a panic that was asked for");
        let limits = &self.node.shared.store.limits;
        let names = step.names();
        if let (Operation::Get, SessionType::Local) = (step.verb(), step.session_type()) {
            return Ok(Task::ready(Ok(Output::Message(self.get_local(step, message)?))));
        }
        let session = self.session_of(step);
        Ok(match step.verb() {
            Operation::Put => {
                let fields = message::take(names, message, limits)?;
                let place = step.clone();
                session.write(fields, None, move |result| at(&place, result.map(|()| Output::Unchanged)))
            }
            Operation::Delete => {
                let place = step.clone();
                session.remove(names.to_vec(), move |result| at(&place, result.map(|_| Output::Unchanged)))
            }
            Operation::Get => {
                // Before the backend is asked: a message that is no object is the caller's error, whatever is stored.
                message::splice(message, names, &Fields::default(), limits)?;
                let (place, message, store) = (step.clone(), message.to_owned(), self.node.shared.store.clone());
                session.read(names.to_vec(), move |found| {
                    let spliced =
                        found.and_then(|found| message::splice(&message, place.names(), &found, &store.limits));
                    at(&place, spliced.map(Output::Message))
                })
            }
        })
    }

    /// What a GET of a Local session makes of the message, on a snapshot: nothing waits for a large message to be read.
    fn get_local(&self, step: &Step, message: &str) -> Result<String> {
        let node = if step.scoped() { &self.node } else { self.node.shared_map() };
        let fields = node.fields()?;
        let store = &self.node.shared.store;
        let now = LazyCell::new(|| store.clock.now());
        let find =
            |name: &FieldName| fields.get(name).filter(|field| field.lives_at(|| *now)).map(|field| &field.value);
        message::splice_found(message, step.names(), find, &store.limits)
    }

    fn session_of(&self, step: &Step) -> Session {
        match (step.session_type(), step.scoped()) {
            (SessionType::Local, false) => self.local(),
            (SessionType::Local, true) => self.scoped(),
            (SessionType::Global, false) => self.global(step.tag()),
            (SessionType::Global, true) => self.scoped_global(step.tag()),
        }
    }

    /// The shared Local session.
    pub fn local(&self) -> Session {
        Session::local(self.node.shared_map().clone())
    }

    /// This sub-process's own version of the Local session (at the root: the shared one).
    pub fn scoped(&self) -> Session {
        Session::local(self.node.clone())
    }

    /// The user's Global session of config `tag` (absent: the token's own, else `global`). Opens at its first verb:
    /// that verb gives `GLOBAL_NOT_ALLOWED` or `TOKEN_*`.
    pub fn global(&self, tag: Option<&str>) -> Session {
        Session::global(self.global_session(tag))
    }

    /// This sub-process's own version of that Global session: a snapshot at its first use, discarded at the end unless
    /// [`Session::commit`] writes its changes. At the root it is the session itself.
    pub fn scoped_global(&self, tag: Option<&str>) -> Session {
        if self.node.parent().is_none() {
            return self.global(tag);
        }
        Session::scoped_global(self.node.clone(), self.global_session(tag))
    }

    fn global_session(&self, tag: Option<&str>) -> Global {
        Global::new(self.node.shared.store.clone(), self.node.shared.access.clone(), Some(self.node.clone()), tag)
    }

    /// Starts a sub-process below this one: its own version is a snapshot of this one's, in O(1).
    /// `LIMIT_EXCEEDED` beyond 64 levels.
    pub fn subprocess(&self, name: &str) -> Result<Execution> {
        Ok(Execution::of(self.told(self.node.fork(name))?))
    }

    /// The open sub-process with that id, found again after [`resume`](crate::Store::resume). `NOT_FOUND`.
    pub fn subprocess_by_id(&self, id: &str) -> Result<Execution> {
        self.node.check_open()?;
        match self.node.shared_map().find(id) {
            Some(node) => Ok(Execution::of(node)),
            None => Err(fail!(NotFound, "no open sub-process has the id {id:?}").with("id", id)),
        }
    }

    /// Applies this sub-process's Local changes to its parent's version, atomically, the last writer wins per field;
    /// then goes on from a new snapshot. `CONFLICT` with [`exclusive`](CommitOptions::exclusive), naming the fields.
    pub fn commit(&self, options: CommitOptions) -> Task<Committed> {
        Task::ready(self.told(self.node.commit(options)))
    }

    /// Ends a sub-process and all below it, discarding what was not committed; for the execution itself: closes it.
    /// Ending twice is fine.
    pub fn end(&self) {
        self.node.end();
    }

    /// Puts a fresh token of the same identity in place. `TOKEN_*`; `GLOBAL_NOT_ALLOWED` for another identity.
    pub fn renew(&self, token: &str) -> Task<()> {
        let store = &self.node.shared.store;
        if let Err(error) = self.node.check_open().and_then(|()| store.check_own()) {
            return Task::ready(Err(error));
        }
        let (shared, token) = (self.node.shared.clone(), token.to_owned());
        Task::new(&store.pool, async move || {
            let renewed = shared.access.renew(&shared.store, &token).await;
            renewed.map_err(|error| shared.refusal(error))
        })
    }

    /// The Local state, sealed, to be taken up by [`resume`](crate::Store::resume) within 24 hours: the shared map and
    /// the open sub-processes' versions. Never the trigger, the token or Global data.
    pub fn checkpoint(&self) -> Task<Vec<u8>> {
        let root = self.node.shared_map();
        let shared = &root.shared;
        if let Err(error) = root.check_open() {
            return Task::ready(Err(error));
        }
        Task::begun(|| match shared.access.known_identity(&shared.store) {
            Some(identity) => Task::ready(self.told(checkpoint::make(root, identity))),
            None => {
                let root = root.clone();
                Task::new(&shared.store.pool.clone(), async move || {
                    let shared = &root.shared;
                    let identity = shared.access.identity(&shared.store).await;
                    let made = identity.and_then(|identity| checkpoint::make(&root, identity));
                    made.map_err(|error| shared.refusal(error))
                })
            }
        })
    }

    /// What a call gave; watchers are told of what was refused.
    fn told<T>(&self, result: Result<T>) -> Result<T> {
        let shared = &self.node.shared;
        shared.store.audit.told(result, || Whose::default().at(shared.access.request()))
    }

    pub(crate) fn resume(
        store: Arc<Inner>,
        bytes: &[u8],
        trigger: Option<&str>,
        token: Option<&str>,
    ) -> Task<Execution> {
        let trigger = match store.check_open().and_then(|()| Trigger::parse(trigger)) {
            Ok(trigger) => trigger,
            Err(error) => return Task::ready(Err(error)),
        };
        let (bytes, token) = (bytes.to_owned(), token.map(str::to_owned));
        Task::new(&store.pool.clone(), async move || {
            let taken = checkpoint::take_up(store.clone(), &bytes, trigger, token).await;
            let (node, restored) = taken.map_err(|error| store.audit.refusal(error, Whose::default))?;
            Ok(Execution { node, _restored: restored.into() })
        })
    }
}

fn at<T>(step: &Step, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.at(step.place()))
}

/// An execution's id: 16 random bytes.
fn new_id() -> Result<String> {
    let mut bytes = [0; 16];
    crate::vault::fill_random(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("id", &self.id())
            .field("subprocess", &self.subprocess_id())
            .finish_non_exhaustive()
    }
}
