//! A store: opens and wires everything.

use std::fmt;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::{Audit, Event, What, Whose};
use crate::backend::{self, Backend, Location};
use crate::clock::Clock;
use crate::config::{Catalog, Configs};
use crate::error::{Result, fail};
use crate::execution::{Access, Execution, not_allowed};
use crate::identity::{Issuers, OwnKey, Signer, VerifiedToken, Verifier};
use crate::lifecycle::{self, Sessions};
use crate::limits::Limits;
use crate::options::{KeyringSource, Options};
use crate::secrets::Secrets;
use crate::session::global::Global;
use crate::session::{Heads, Session};
use crate::task::{self, Pool, Task};
use crate::vault::{KeyState, Keyring, Namespace, Vault};

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
pub struct Store(Arc<Inner>);

/// What every handle of a store shares.
pub(crate) struct Inner {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) audit: Audit,
    pub(crate) pool: Pool,
    pub(crate) backend: Backend,
    pub(crate) secrets: Option<Secrets>,
    pub(crate) vault: Vault,
    pub(crate) verifier: Verifier,
    pub(crate) signer: Arc<Signer>,
    pub(crate) heads: Heads,
    pub(crate) catalog: Catalog,
    /// Read-change-write verbs of this process queue here by field, so that one process is one contender.
    pub(crate) turns: Vec<async_lock::Mutex<()>>,
    closed: AtomicBool,
    /// The process that opened it.
    pid: u32,
}

const TURNS: usize = 64;

impl Inner {
    /// `CLOSED` once the store was closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(fail!(Closed, "the store was closed"));
        }
        Ok(())
    }

    /// Both: what every call that touches the backend asks first.
    pub(crate) fn check_usable(&self) -> Result<()> {
        self.check_open()?;
        self.check_own()
    }

    /// `FORKED` in a child of the process that opened the store. Asked before any lock is taken: in a child it may be
    /// held by a thread that is not there. `memory:` is no exception: what a child puts into its copy, nobody would see.
    pub(crate) fn check_own(&self) -> Result<()> {
        if self.pid == process::id() { Ok(()) } else { Err(backend::forked()) }
    }
}

impl Store {
    /// Opens (or makes) the store.
    ///
    /// `INVALID_ARGUMENT` for the options; `KEY_REQUIRED`, `KEYRING_INVALID`, `KEY_UNAVAILABLE` and `KEY_MISMATCH` for
    /// the keyring; `UNSUPPORTED`, `FORMAT_TOO_NEW`, `IO`, `BUSY` for the file.
    pub fn open(options: Options) -> Task<Store> {
        let pool = Pool::default();
        Task::new(&pool.clone(), async move { Store::open_with(options, pool).await })
    }

    async fn open_with(options: Options, pool: Pool) -> Result<Store> {
        let members = options.members;
        let limits = members.limits;
        let audit = Audit::new(options.clock.clone(), members.audit.then_some(limits.audit_events));
        let location = Location::parse(&members.url)?;
        let secrets =
            members.secrets.as_deref().map(Location::parse).transpose().map_err(|error| error.at("secrets"))?;
        if secrets.is_some_and(|secrets| secrets.is_same_file(&location)) {
            return Err(fail!(
                InvalidArgument,
                "secrets: the users' secrets take a file of their own, kept out of backups"
            )
            .with("argument", "secrets"));
        }
        let namespace = Namespace::new(&members.workspace, &members.product, &members.env)?;
        let keyring = match options.keyring {
            KeyringSource::File(path) => Keyring::from_file(&path)?,
            KeyringSource::Bytes(bytes) => Keyring::from_bytes(&bytes)?,
            KeyringSource::Env(variable) => Keyring::from_env(&variable)?,
            KeyringSource::None if location == Location::Memory => Keyring::random()?,
            KeyringSource::None => {
                return Err(fail!(
                    KeyRequired,
                    "this store needs a keyring: make one with Keyring.generate(path) and pass its path"
                ));
            }
        };
        let issuer = namespace.issuer();
        let signer = Arc::new(Signer::new(&issuer, own_keys(&keyring), &limits)?);
        let issuers = Issuers::read(members.issuers.iter().map(|entry| &**entry), &options.issuer_secrets, &issuer)?;
        let verifier = Verifier::new(issuers, signer.clone(), &limits);
        let vault = Vault::new(keyring, namespace);
        task::may_block().await;
        // Nobody can fetch the events of a store that did not open, but they can be traced.
        let refused = |error| audit.refusal(error, Whose::default);
        let backend = Backend::open(location, members.durability, limits.deadline()).map_err(refused)?;
        check_keys(&vault, &backend).await.map_err(refused)?;
        let secrets = match secrets {
            Some(location) => {
                let backend = Backend::open(location, members.durability, limits.deadline()).map_err(refused)?;
                check_keys(&vault, &backend).await.map_err(refused)?;
                Some(Secrets::new(backend))
            }
            None => None,
        };
        Ok(Store(Arc::new(Inner {
            clock: options.clock,
            audit,
            pool,
            backend,
            secrets,
            vault,
            verifier,
            signer,
            heads: Heads::default(),
            catalog: Catalog::default(),
            turns: (0..TURNS).map(|_| async_lock::Mutex::new(())).collect(),
            closed: AtomicBool::new(false),
            pid: process::id(),
            limits,
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
        let resumed = Execution::resume(self.0.clone(), checkpoint, trigger, token);
        Task::ready(self.0.audit.told(resumed, Whose::default))
    }

    /// Verifies a token, with or without `Bearer ` or `<tag>:`. `TOKEN_*`.
    pub fn verify(&self, token: &str) -> Task<VerifiedToken> {
        let verified = self.0.check_open().and_then(|()| self.0.verifier.verify(token, self.0.clock.now()));
        if let Ok(token) = &verified {
            self.0.audit.happened(|| Event::of(What::TokenVerified).whose(Whose::proven(&self.0.vault, token)));
        }
        Task::ready(self.0.audit.told(verified, Whose::default))
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
        let inner = self.0.clone();
        Task::new(&self.0.pool, async move {
            inner.check_usable()?;
            let rows = inner.backend.sweep(inner.clock.now(), budget as usize).await?;
            let left = (budget as usize).saturating_sub(usize::try_from(rows).unwrap_or(usize::MAX));
            Ok(rows + lifecycle::sweep_users(&inner, left).await?)
        })
    }

    /// Whether [`drain_events`](Store::drain_events) has something to give. Costs next to nothing, so it may be asked after
    /// every call.
    pub fn has_events(&self) -> bool {
        self.0.audit.has_events()
    }

    /// The oldest audit events that nobody fetched yet, `max` at most, each a JSON object; none unless the store was opened
    /// with `audit`. They can be fetched from a closed store too.
    ///
    /// ```
    /// use sessile::{Options, Store};
    ///
    /// let store = Store::open(Options::from_json(r#"{"url": "memory:", "audit": true}"#)?).wait()?;
    /// store.configs().create(r#"{"name": "Cart"}"#).wait()?;
    /// let events = store.drain_events(100);
    /// assert!(events[0].ends_with(r#""event":"config.created","tag":"cart"}"#), "{events:?}");
    /// assert!(!store.has_events());
    /// # Ok::<(), sessile::Error>(())
    /// ```
    pub fn drain_events(&self, max: usize) -> Vec<String> {
        self.0.audit.drain(max)
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Closes the store: later calls are `CLOSED`. Closing twice is fine. `FORKED` in a forked child, where there is
    /// nothing that it could close.
    pub fn close(&self) -> Task<()> {
        let inner = self.0.clone();
        Task::new(&self.0.pool, async move {
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

/// The signing keys that count: a revoked one neither signs nor verifies.
fn own_keys(keyring: &Keyring) -> impl Iterator<Item = OwnKey> {
    keyring.signing_keys().iter().filter(|key| key.state != KeyState::Revoked).map(|key| OwnKey {
        kid: key.kid.clone(),
        seed: key.seed.clone(),
        primary: key.state == KeyState::Primary,
    })
}

/// Compares the keyring with the check values that the store keeps: another key is an error here, not an
/// empty-looking store later. Keys it has not met are added.
async fn check_keys(vault: &Vault, backend: &Backend) -> Result<()> {
    let key = vault.meta_key();
    let mut stored = backend.read_meta(&key).await?;
    while let Some(new) = vault.check_meta(stored.as_deref())? {
        match backend.apply_meta(&key, stored.as_deref(), &new).await? {
            Ok(()) => return Ok(()),
            Err(other) => stored = other,
        }
    }
    Ok(())
}

/// Login tokens of the store's own issuer, `sessile:<workspace>/<product>/<env>`.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

impl Tokens {
    /// Signs a login token (EdDSA). `claims`: a JSON object with `sub` and whatever else but `iss aud exp iat nbf jti
    /// sid cnf act`; `ttl` in seconds, 1 to 86,400. `INVALID_ARGUMENT`, `INVALID_JSON`, `LIMIT_EXCEEDED`.
    pub fn issue(&self, claims: &str, ttl: u64) -> Task<String> {
        let issued = self.0.check_open().and_then(|()| self.0.signer.issue(claims, ttl, self.0.clock.now()));
        Task::ready(self.0.audit.told(issued, Whose::default))
    }

    /// The public keys, as a JWK set (JSON text).
    pub fn jwks(&self) -> Task<String> {
        Task::ready(self.0.check_open().map(|()| self.0.signer.jwks()))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens")
    }
}
