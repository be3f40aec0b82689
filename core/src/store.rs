//! A store: opens and wires everything.

use std::fmt;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::audit::{Audit, Event, What, Whose};
use crate::backend::{self, Access as ServerAccess, Backend, Location, Settings};
use crate::check;
use crate::clock::{Clock, Time};
use crate::config::{Catalog, Configs};
use crate::error::{Result, fail};
use crate::execution::{Access, Execution, not_allowed};
use crate::fork::{self, Registered};
use crate::identity::{Confirmation, Issuers, Revocations, Signer, VerifiedToken, Verifier};
use crate::keys::{self, Keys};
use crate::lifecycle::{self, Sessions};
use crate::limits::Limits;
use crate::options::{KeyringSource, Options};
use crate::secrets::UserSecrets;
use crate::session::global::Global;
use crate::session::{Heads, HighWater, Session};
use crate::task::{self, Pool, Task};
use crate::vault::{Namespace, Ring, Vault};

/// An open store: a backend at a URL, a keyring, trusted issuers, limits, a clock. Clones are the same store; the last
/// one dropped closes it.
///
/// ```
/// use sessile::{Options, Store};
///
/// let store = Store::open(Options::new("memory:")).wait()?;
/// let token = store.tokens().issue(r#"{"sub": "u1"}"#, 600).wait()?;
///
/// let run = store.execution(Some(r#"{"type": "rest", "security": "jwt"}"#), Some(&token))?;
/// run.global(None).put(r#"{"cart": [1, 2]}"#, None).wait()?;
/// let cart = run.global(None).get("cart").wait()?;
/// assert_eq!(cart.unwrap().as_str(), "[1, 2]");
/// # Ok::<(), sessile::Error>(())
/// ```
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

/// What every handle of a store shares.
pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) audit: Audit,
    pub(crate) pool: Pool,
    pub(crate) backend: Backend,
    pub(crate) secrets: Option<UserSecrets>,
    pub(crate) vault: Vault,
    pub(crate) keys: Keys,
    pub(crate) verifier: Verifier,
    pub(crate) signer: Arc<Signer>,
    pub(crate) heads: Heads,
    pub(crate) high_water: HighWater,
    pub(crate) catalog: Catalog,
    pub(crate) revocations: Revocations,
    /// Read-change-write verbs of this process queue here by field, so that one process is one contender.
    pub(crate) turns: Vec<async_lock::Mutex<()>>,
    /// When what is over was swept last, besides other work.
    swept: Mutex<Option<Instant>>,
    closed: AtomicBool,
    /// Whether the keyring is still to be compared with what the store keeps: a lazily opened one whose server could not
    /// be reached.
    unchecked: AtomicBool,
    /// The process whose store it is: that which opened it, or a child that was forked with the hooks.
    pid: AtomicU32,
    /// Last, for it is let go of last: until then a fork waits for what is being closed.
    _registered: Registered,
}

const TURNS: usize = 64;

impl Inner {
    /// Whether a change should be followed by a sweep: where that is a round trip, once a second.
    pub(crate) fn is_sweep_due(&self) -> bool {
        const PAUSE: Duration = Duration::from_secs(1);
        if !self.backend.is_remote() {
            return true;
        }
        // Held for a moment only, by another one who sweeps.
        let Some(mut swept) = self.swept.try_lock() else { return false };
        let is_due = swept.is_none_or(|at| at.elapsed() >= PAUSE);
        if is_due {
            *swept = Some(Instant::now());
        }
        is_due
    }

    /// What was acknowledged before is on the disk, here and where the users' secrets are.
    pub(crate) async fn flush(&self) -> Result<()> {
        self.backend.flush().await?;
        match &self.secrets {
            Some(secrets) => secrets.backend().flush().await,
            None => Ok(()),
        }
    }

    /// Compares the keyring with what the store keeps, if that could not be done as it was opened.
    pub(crate) async fn catch_up(&self) -> Result<()> {
        if self.unchecked.load(Ordering::Acquire) {
            self.check_keys(&self.vault.ring().in_force()).await?;
            self.unchecked.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// `CLOSED` once the store was closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(fail!(Closed, "the store was closed"));
        }
        Ok(())
    }

    /// A call on an open store of this process.
    pub(crate) fn task<R: Send + 'static, F>(
        self: &Arc<Inner>,
        work: impl FnOnce(Arc<Inner>) -> F + Send + 'static,
    ) -> Task<R>
    where
        F: Future<Output = Result<R>> + Send + 'static,
    {
        let store = self.clone();
        Task::new(&self.pool, async move || {
            let done = match store.ready().await {
                Ok(()) => work(store.clone()).await,
                Err(error) => Err(error),
            };
            done.map_err(|error| store.audit.refusal(error, Whose::default))
        })
    }

    /// What the verification of a token gave, told to watchers.
    fn verified(&self, token: VerifiedToken, verdict: Result<()>) -> Result<VerifiedToken> {
        let whose = || Whose::proven(&self.vault, &token);
        if verdict.is_ok() {
            self.audit.happened(|| Event::of(What::TokenVerified).whose(whose()));
        }
        self.audit.told(verdict, whose)?;
        Ok(token)
    }

    /// Both: what every call that touches the backend asks first.
    pub(crate) fn check_usable(&self) -> Result<()> {
        self.check_open()?;
        self.check_own()
    }

    /// `FORKED` in a child of the process that opened the store. Asked before any lock is taken: in a child it may be
    /// held by a thread that is not there. `memory:` is no exception: what a child puts into its copy, nobody would see.
    pub(crate) fn check_own(&self) -> Result<()> {
        if self.pid.load(Ordering::Relaxed) == process::id() { Ok(()) } else { Err(backend::forked()) }
    }

    /// Before a fork, when no call is under way: no thread and no connection is left.
    pub(crate) fn suspend(&self) {
        self.pool.pause();
        self.backend.suspend();
        if let Some(secrets) = &self.secrets {
            secrets.backend().suspend();
        }
    }

    /// In a child, of a store that was suspended: it is the child's from now on. Whether it can be.
    pub(crate) fn adopt(&self) -> bool {
        let adopted = self.backend.adopt() && self.secrets.as_ref().is_none_or(|secrets| secrets.backend().adopt());
        if adopted {
            self.pid.store(process::id(), Ordering::Relaxed);
            self.audit.adopt();
        }
        adopted
    }
}

/// The users' secrets lie apart from the records, and last as long.
fn check_apart(secrets: &Location<'_>, records: &Location<'_>) -> Result<()> {
    let why = match (secrets, records) {
        (Location::Memory, Location::Memory) => return Ok(()),
        (Location::Memory, _) => {
            "in memory they would be lost with the process, and the records with them: pass a file"
        }
        _ if secrets.is_same_file(records) => "they take a file of their own, kept out of backups",
        _ => return Ok(()),
    };
    Err(fail!(InvalidArgument, "secrets: the users' secrets: {why}").with("argument", "secrets"))
}

impl Store {
    /// Opens (or makes) the store.
    ///
    /// `INVALID_ARGUMENT` for the options; `KEY_REQUIRED`, `KEYRING_INVALID`, `KEY_UNAVAILABLE` and `KEY_MISMATCH` for
    /// the keyring; `UNSUPPORTED`, `FORMAT_TOO_NEW`, `IO`, `BUSY` for the file; `UNAVAILABLE`, `TIMEOUT`, `READ_ONLY`,
    /// `UNSUPPORTED` for the server.
    pub fn open(options: Options) -> Task<Store> {
        let pool = Pool::default();
        fork::count_own();
        // Here and now: a keyring's callback runs on the caller's thread.
        let may_be_random = matches!(Location::parse(&options.members.url), Ok(Location::Memory));
        let mut options = options;
        let source = std::mem::replace(&mut options.keyring, KeyringSource::None);
        let keys = Keys::open(source, may_be_random, options.members.read_only);
        Task::new(&pool.clone(), async move || Store::open_with(options, keys, pool).await)
    }

    async fn open_with(mut options: Options, opened: Result<(Keys, Ring)>, pool: Pool) -> Result<Store> {
        let password = options.take_backend_password()?;
        let Options { members, issuer_secrets: secrets, clock, .. } = options;
        let limits = members.limits;
        let audit = Audit::new(clock.clone(), members.audit.then_some(limits.audit_events));
        let location = Location::parse(&members.url)?;
        let user_secrets =
            members.secrets.as_deref().map(Location::parse).transpose().map_err(|error| error.at("secrets"))?;
        if let Some(secrets) = &user_secrets {
            check_apart(secrets, &location)?;
        }
        let namespace = Namespace::new(&members.workspace, &members.product, &members.env)?;
        let (keys, ring) = opened?;
        let issuer = namespace.issuer();
        let signer = keys::signer(&issuer, &ring, &limits)?;
        let issuers = Issuers::read(members.issuers.iter().map(|entry| &**entry), &secrets, &issuer)?;
        let verifier = Verifier::new(issuers, signer.clone(), &limits);
        let vault = Vault::new(Arc::new(ring), namespace);
        task::may_block().await;
        let settings = Settings {
            durability: members.durability,
            deadline: limits.deadline(),
            read_only: members.read_only,
            allow_network_filesystem: members.allow_network_filesystem,
        };
        let access = ServerAccess {
            connect: limits.connect(),
            password,
            tls: members.tls,
            allow_eviction: members.allow_eviction,
            schema: members.schema,
            connections: limits.connections,
        };
        // Nobody can fetch the events of a store that did not open, but they can be traced.
        let refused = |error| audit.refusal(error, Whose::default);
        let open = |location| Backend::open(location, settings, access.clone(), &pool).map_err(refused);
        let in_force = vault.ring().in_force();
        let mut unchecked = false;
        let mut check =
            async |backend: &Backend| match keys::check_keys(&vault, &in_force, backend, members.read_only).await {
                Err(error) if members.lazy && error.retryable() => {
                    unchecked = true;
                    Ok(())
                }
                checked => checked.map_err(refused),
            };
        let backend = open(location)?;
        check(&backend).await?;
        let user_secrets = match user_secrets {
            Some(location) => {
                let backend = open(location)?;
                check(&backend).await?;
                Some(UserSecrets::new(backend))
            }
            None => None,
        };
        Ok(Store(Arc::new_cyclic(|store| Inner {
            clock,
            audit,
            keys,
            pool,
            high_water: HighWater::of(&backend),
            backend,
            secrets: user_secrets,
            vault,
            verifier,
            signer,
            heads: Heads::default(),
            catalog: Catalog::default(),
            revocations: Revocations::default(),
            turns: (0..TURNS).map(|_| async_lock::Mutex::new(())).collect(),
            swept: Mutex::default(),
            closed: AtomicBool::new(false),
            unchecked: AtomicBool::new(unchecked),
            pid: AtomicU32::new(process::id()),
            limits,
            _registered: Registered::new(store.clone()),
        })))
    }

    /// Starts an execution. `trigger` is JSON text (`{"type":"rest","security":"jwt"}`), absent = none.
    /// Never fails for its token: the first Global operation verifies it.
    pub fn execution(&self, trigger: Option<&str>, token: Option<&str>) -> Result<Execution> {
        Execution::start(self.0.clone(), trigger, token)
    }

    /// Takes up an execution from a checkpoint of at most 24 hours. If the checkpoint belongs to a user, `token` must
    /// be that user's. `CORRUPT`, `KEY_*`, `INVALID_ARGUMENT` (too old), `GLOBAL_NOT_ALLOWED`, `TOKEN_*`.
    pub fn resume(&self, checkpoint: &[u8], trigger: Option<&str>, token: Option<&str>) -> Task<Execution> {
        Task::begun(|| Execution::resume(self.0.clone(), checkpoint, trigger, token))
    }

    /// Verifies a token, with or without `Bearer ` or `<tag>:`. `TOKEN_*`.
    pub fn verify(&self, token: &str) -> Task<VerifiedToken> {
        Task::begun(|| self.verify_at_once(token))
    }

    /// A token that is known, or whose keys are, needs no wait.
    fn verify_at_once(&self, token: &str) -> Task<VerifiedToken> {
        if let Err(error) = self.0.check_open() {
            return Task::ready(Err(error));
        }
        let (unproven, now) = (Confirmation::default(), self.0.clock.now());
        let token = match self.0.verify_now(token, &unproven, now) {
            Ok(known) => Ok(known),
            Err(missed) if missed.may_wait() => Err(token.to_owned()),
            Err(missed) => return Task::ready(Err(self.0.audit.refusal(missed.error, Whose::default))),
        };
        if let Ok(known) = &token
            && let Some(verdict) = self.0.revocations.check_now(known)
        {
            return Task::ready(self.0.verified(known.clone(), known.check_alive(now).and(verdict)));
        }
        self.0.task(async move |store| {
            let token = match token {
                Ok(known) => known,
                Err(given) => store.verify_whenever(&given, &unproven).await?,
            };
            let verdict = match token.check_alive(store.clock.now()) {
                Ok(()) => store.revocations.check(&store, &token).await,
                expired => expired,
            };
            store.verified(token, verdict)
        })
    }

    /// The user's Global session of config `tag` (absent: `global`), from proof alone, outside any execution. The proof
    /// must be this store's: `GLOBAL_NOT_ALLOWED`, for another one trusts other issuers.
    pub fn global(&self, token: &VerifiedToken, tag: Option<&str>) -> Result<Session> {
        self.0.check_open()?;
        if !self.0.verifier.made(token) {
            let refused = not_allowed("other_store", "the token was verified by another store: verify it here");
            return self.0.audit.told(Err(refused), Whose::default);
        }
        let access = Arc::new(Access::proven(token.clone()));
        Ok(Session::global(Global::new(self.0.clone(), access, None, tag)))
    }

    /// Login tokens of the store's own issuer.
    pub fn tokens(&self) -> Tokens {
        Tokens(self.0.clone())
    }

    /// The store's session configurations.
    pub fn configs(&self) -> Configs {
        Configs::new(self.0.clone())
    }

    /// The life of users' sessions.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.0.clone())
    }

    /// Gives space back: drops up to `budget` sessions that were over a day ago, and records of users who are gone
    /// for longer than their configuration's retention. How many. Nothing needs it to be right.
    pub fn sweep(&self, budget: u32) -> Task<u64> {
        self.0.task(async move |inner| {
            let rows = inner.backend.sweep(inner.clock.now(), budget as usize, None).await?;
            let left = (budget as usize).saturating_sub(usize::try_from(rows).unwrap_or(usize::MAX));
            Ok(rows + lifecycle::sweep_users(&inner, left).await?)
        })
    }

    /// Waits until everything that was acknowledged before is on the disk. For the moments that matter under
    /// `durability: interval`; under `commit`, and in memory, there is nothing to wait for. `IO`, `CLOSED`.
    pub fn flush(&self) -> Task<()> {
        self.0.task(async move |inner| inner.flush().await)
    }

    /// Copies the store to a new file at `path`, as of one instant, while others go on reading and writing. The copy is
    /// a store of its own, sealed under the same keyring; the keyring is not in it, and the users' secrets
    /// (`secrets`) are not: who is forgotten after it was made can't be read in it either. `ALREADY_EXISTS`: no file is ever
    /// replaced; `UNSUPPORTED` in memory; `IO`.
    pub fn backup(&self, path: &str) -> Task<()> {
        let (inner, path) = (self.0.clone(), PathBuf::from(path));
        Task::new(&self.0.pool, async move || {
            inner.ready().await?;
            inner.backend.backup(&path).await
        })
    }

    /// Looks everything over, online: the file as a whole, and every record of this workspace, product and env, opened
    /// with the keyring. Takes as long as there is data.
    ///
    /// `{"ok": true, "sessions": n, "fields": n, "users": n, "configs": n, "problemCount": n, "problems": [{"kind", "code",
    /// "where"}]}`, the first 100 problems. `kind`: `file` (`where` is SQLite's sentence), `keys`, `config`, `session`,
    /// `field`, `touch`, `user`, `index`, `secret`; `code`: an error's name, `NOT_FOUND` for what should be there and is
    /// not, `KEY_UNAVAILABLE` for what is lost with its user's secret; `where`: blind ids, in hex. A store that was opened
    /// with `secrets` looks over these too, and counts them (`secrets`). An error is a fault of ours, or of the backend: no finding.
    pub fn check(&self) -> Task<String> {
        self.0.task(async move |inner| check::check(&inner).await)
    }

    /// Revokes every token that `issuer` gave out until `not_before` (absent: now): login and session tokens and refresh
    /// tokens too where it is the store's own, `sessile:<workspace>/<product>/<env>`. It only ever moves forward. Counts
    /// at once here and within a second in every process, for running executions too: `TOKEN_REVOKED`.
    ///
    /// `NOT_FOUND` if no issuer has that name, `INVALID_ARGUMENT` for an instant that is yet to come.
    pub fn revoke_issuer(&self, issuer: &str, not_before: Option<Time>) -> Task<()> {
        let issuer = issuer.to_owned();
        self.0.task(async move |store| store.revocations.revoke_issuer(&store, &issuer, not_before).await)
    }

    /// Revokes one token, which must verify (it may be bound to a key, and it may have expired, which is enough). Known by
    /// its `jti`; `INVALID_ARGUMENT` if it has none. Counts like [`revoke_issuer`](Store::revoke_issuer), and is
    /// forgotten when the token has ended. `TOKEN_*`.
    pub fn revoke_token(&self, token: &str) -> Task<()> {
        let token = token.to_owned();
        self.0.task(async move |store| {
            let token = store.verify_unproven(&token).await?;
            match token.check_alive(store.clock.now()) {
                Ok(()) => store.revocations.revoke_token(&store, &token).await,
                Err(_) => Ok(()),
            }
        })
    }

    /// Revokes one token by its issuer and `jti`, for who does not have its text. `NOT_FOUND` if no issuer has that name.
    pub fn revoke_token_id(&self, issuer: &str, jti: &str) -> Task<()> {
        let (issuer, jti) = (issuer.to_owned(), jti.to_owned());
        self.0.task(async move |store| store.revocations.revoke_token_id(&store, &issuer, &jti).await)
    }

    /// Takes a logout token (OpenID Connect Back-Channel Logout 1.0) of one of the issuers. Its user's sessions are
    /// revoked under every configuration, the standing ones too, begun or not, and so are all tokens with its `sid`; how
    /// many sessions were alive. A logout token is taken once. `TOKEN_*`.
    pub fn accept_logout_token(&self, token: &str) -> Task<u64> {
        let token = token.to_owned();
        self.0.task(async move |store| lifecycle::accept_logout(&store, &token).await)
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Closes the store: later calls are `CLOSED`. Closing twice is fine. `FORKED` in a forked child, where there is
    /// nothing that it could close.
    pub fn close(&self) -> Task<()> {
        let inner = self.0.clone();
        Task::new(&self.0.pool, async move || {
            inner.check_own()?;
            // A second close does it again: the first may have been dropped half-way, or be still at it.
            inner.closed.store(true, Ordering::Release);
            let mut closed = inner.backend.close().await;
            if let Some(secrets) = &inner.secrets {
                closed = closed.and(secrets.close().await);
            }
            inner.pool.close();
            closed
        })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Login tokens of the store's own issuer, `sessile:<workspace>/<product>/<env>`.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

impl Tokens {
    /// Signs a login token (EdDSA). `claims`: a JSON object with `sub` and whatever else but `iss aud exp iat nbf jti
    /// sid cnf act`; `ttl` in seconds, 1 to 86,400. `INVALID_ARGUMENT`, `INVALID_JSON`, `LIMIT_EXCEEDED`.
    pub fn issue(&self, claims: &str, ttl: u64) -> Task<String> {
        Task::begun(|| {
            Task::ready(self.0.check_open().and_then(|()| {
                self.0.glance_at_keys();
                let issued = self.0.signer.issue(claims, ttl, self.0.clock.now());
                self.0.audit.told(issued, Whose::default)
            }))
        })
    }

    /// The public keys, as a JWK set (JSON text).
    pub fn jwks(&self) -> Task<String> {
        Task::begun(|| {
            Task::ready(self.0.check_open().map(|()| {
                self.0.glance_at_keys();
                self.0.signer.jwks()
            }))
        })
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}
