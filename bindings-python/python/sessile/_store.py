"""Stores: a backend at a URL, a keyring, trusted issuers, limits, a clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from . import _native
from ._execution import Execution
from ._json import loads, text_or_dumps
from ._lazy import lazy
from ._options import Durability, Tls, options, with_keyring
from ._session import Session
from ._types import Clock, Path, Step, Text, Ttl, VerifiedToken, to_millis
from .errors import ArgumentTypeError

if TYPE_CHECKING:
    from . import _check, _configs, _copy, _health, _issuer, _keys, _records, _sessions, _stats
else:
    _check, _configs, _copy = lazy("._check"), lazy("._configs"), lazy("._copy")
    _health, _issuer, _keys = lazy("._health"), lazy("._issuer"), lazy("._keys")
    _records, _sessions, _stats = lazy("._records"), lazy("._sessions"), lazy("._stats")

OnEvent: TypeAlias = Callable[[dict[str, Any]], object]


def told(native: _native.Store, on_event: OnEvent | None) -> _native.Store:
    """The store, of whose audit events that function is told."""
    if on_event is not None:
        if not callable(on_event):
            raise ArgumentTypeError(f"on_event is callable, not {type(on_event).__name__}", "INVALID_ARGUMENT")
        tell = on_event
        native.on_event(lambda text: tell(loads(text)))
    return native


def trigger_text(trigger: Mapping[str, Any] | Text | None) -> Text | None:
    """The trigger as JSON text."""
    return None if trigger is None else text_or_dumps(trigger)


class Store:
    """An open store. Any thread may use it; leaving the ``with`` block closes it."""

    __slots__ = ("_keyring_callback", "_native", "configs", "sessions", "tokens")

    configs: _configs.Configs
    """Its session configurations."""
    sessions: _sessions.Sessions
    """The sessions of its users under a configuration."""
    tokens: Tokens
    """Login tokens of the store's own issuer."""

    def __init__(self, native: _native.Store, keyring_callback: _keys.KeyringCallback | None = None) -> None:
        self._native = native
        self._keyring_callback = keyring_callback
        self.configs = _configs.Configs(native.configs())
        self.sessions = _sessions.Sessions(native.sessions())
        self.tokens = Tokens(native)

    @staticmethod
    def open(
        url: str,
        *,
        keyring: Path | None = None,
        keyring_bytes: Text | None = None,
        keyring_env: str | None = None,
        keyring_callback: _keys.KeyringCallback | None = None,
        workspace: str | None = None,
        product: str | None = None,
        env: str | None = None,
        issuers: Sequence[_issuer.Issuer | Mapping[str, Any]] | None = None,
        issuer_secrets: Mapping[str, bytes] | None = None,
        backend_password: str | None = None,
        password_env: str | None = None,
        tls: Tls | Mapping[str, Path] | None = None,
        secrets: str | None = None,
        schema: str | None = None,
        limits: Mapping[str, int] | None = None,
        durability: Durability | None = None,
        read_only: bool = False,
        allow_network_filesystem: bool = False,
        allow_eviction: bool = False,
        lazy: bool = False,
        audit: bool = False,
        on_event: OnEvent | None = None,
        clock: Clock | None = None,
    ) -> Store:
        """Opens (or makes) a store.

        * ``url``: ``memory:``, ``sqlite:PATH``, ``redis://HOST``, ``postgresql://USER@HOST/DATABASE``.
        * ``keyring`` (a path), ``keyring_bytes`` (its JSON text), ``keyring_env`` (a variable that holds it) or
          ``keyring_callback`` (a function that gives it, called here and by `reload_keys`; what it raises is raised): all
          but ``memory:`` need one. `Keyring.generate` makes it.
        * ``workspace``, ``product``, ``env``: the namespace, default ``default``, ``default``, ``dev``; nothing crosses it.
        * ``issuers``: whose tokens are trusted, each an `Issuer`: ``{"issuer": …, "audiences": […], "jwks": {…}}``;
          ``issuer_secrets``: the HMAC secret of each that says ``"symmetric": True``.
        * ``backend_password`` or ``password_env`` (the variable that holds it): the password of a server; ``tls``: its
          files, see `Tls`.
        * ``secrets``: the URL of a second store, kept out of backups, for the users' secrets of configurations with
          ``shred``.
        * ``schema``: where a PostgreSQL has its tables, ``sessile``.
        * ``limits``: ``fieldName``, ``fieldValue``, ``session``, ``fields``, ``stepFields``, ``message``, ``depth``,
          ``token``, ``schema``, ``nesting``, ``deadline``, ``connect``, ``connections``, ``auditEvents`` (bytes, counts,
          milliseconds).
        * ``durability``: ``"interval"`` (default: a power cut may lose the last moments) or ``"commit"``.
        * ``read_only``: nothing is written, made or locked; a change is ``READ_ONLY``, a missing file ``NOT_FOUND``.
        * ``allow_network_filesystem``: opens a file on one, where one machine alone does so.
        * ``allow_eviction``: takes a Redis that may forget sessions when it is full; else `UnsupportedError`.
        * ``lazy``: opens where the server cannot be reached; the first call that reaches it compares the keyring.
        * ``audit``: keeps audit events for `drain_events`.
        * ``on_event``: is called with each audit event instead, in their order and one at a time, on whichever of your
          threads is done with a call of this package (with `sessile.aio`: the event loop's). What it raises goes to
          ``sys.unraisablehook``.
        * ``clock``: a `Clock` instead of the system's, for tests.

        `InvalidArgumentError` for an option, `KeyringError` for the keyring, `UnsupportedError`, `DataError` and
        `BackendError` for the file or the server.
        """
        native = options(
            url, keyring, keyring_bytes, keyring_env, keyring_callback, workspace, product, env, issuers, issuer_secrets,
            backend_password, password_env, tls, secrets, schema, limits, durability, read_only,
            allow_network_filesystem, allow_eviction, lazy, audit or on_event is not None, clock,
        )
        if keyring_callback is not None:
            native = with_keyring(native, _keys.given_keyring(keyring_callback()))
        return Store(told(_native.Store.open(*native), on_event), keyring_callback)

    def execution(
        self,
        trigger: Mapping[str, Any] | Text | None = None,
        token: Text | None = None,
        request_id: str | None = None,
    ) -> Execution:
        """Starts an execution. ``trigger``: what started it, ``{"type": "rest", "security": "jwt"}``; ``token``: a JWT,
        with or without ``Bearer``. Never fails for its token: the first Global operation verifies it. ``request_id``:
        your own name for what it is for, 1 to 256 bytes, which its audit events then bear."""
        return Execution(self._native.execution(trigger_text(trigger), token, request_id))

    def parse_step(self, step: Mapping[str, Any] | Text) -> Step:
        """Reads a step, to be run many times, within this store's limits. As `Step.parse`."""
        return Step._of(self._native.parse(text_or_dumps(step)))

    def resume(
        self,
        checkpoint: bytes,
        trigger: Mapping[str, Any] | Text | None = None,
        token: Text | None = None,
        request_id: str | None = None,
    ) -> Execution:
        """Takes up an execution from a checkpoint of at most 24 hours. If the checkpoint belongs to a user, ``token``
        must be that user's. `DataError`, `KeyringError`, `InvalidArgumentError` (too old), `IdentityError`."""
        return Execution(self._native.resume(checkpoint, trigger_text(trigger), token, request_id))

    def verify(self, token: Text) -> VerifiedToken:
        """Verifies a token, with or without ``Bearer`` or ``<tag>:``. `IdentityError` with ``TOKEN_*``."""
        return VerifiedToken(self._native.verify(token))

    def global_(self, token: VerifiedToken, tag: str | None = None) -> Session:
        """The user's Global session of config ``tag`` (None: ``global``), from proof alone, outside any execution."""
        return Session(self._native.global_(proof(token), tag))

    def sweep(self, budget: int = 1000) -> int:
        """Gives space back: drops up to ``budget`` sessions that were over a day ago, and records of users who are gone
        for longer than their configuration's ``retention``. How many. Nothing needs it to be right."""
        return self._native.sweep(budget)

    @property
    def has_events(self) -> bool:
        """Whether `drain_events` has something to give. Costs next to nothing: it may be asked after every call."""
        return self._native.has_events

    def drain_events(self, max: int = 1000) -> list[dict[str, Any]]:
        """The oldest audit events that nobody fetched yet, ``max`` at most; none without ``audit=True``. ``at``
        (RFC 3339 text) and ``event`` are always there; docs/events.md has them all. Those of a closed store can still
        be fetched.

        >>> with Store.open("memory:", audit=True) as store:
        ...     _ = store.configs.create({"name": "Cart"})
        ...     [(event["event"], event["tag"]) for event in store.drain_events()]
        [('config.created', 'cart')]
        """
        events: list[dict[str, Any]] = loads(self._native.drain_events(max))
        return events

    def flush(self) -> None:
        """Waits until everything that was acknowledged before is on the disk. For the moments that matter under
        ``durability="interval"``; else there is nothing to wait for. `BackendError`."""
        self._native.flush()

    def backup(self, path: Path) -> None:
        """Copies the store to a new file at ``path``, as of one instant, while others go on reading and writing. The
        copy is sealed under the same keyring, which is not in it. ``ALREADY_EXISTS``: no file is ever replaced;
        `UnsupportedError` in memory; `BackendError`."""
        self._native.backup(path)

    def check(self) -> _check.CheckReport:
        """Looks everything over while the store is in use: the file as a whole, and every record of this workspace,
        product and env, opened with the keyring. Takes as long as there is data. What it finds is no exception.

        >>> with Store.open("memory:") as store:
        ...     store.check().ok
        True
        """
        return _check.to_report(self._native.check())

    def revoke_issuer(self, issuer: str, not_before: datetime | int | float | None = None) -> None:
        """Revokes every token that ``issuer`` gave out until ``not_before`` (an aware datetime, or seconds since 1970;
        None: now): login, session and refresh tokens where it is the store's own. It only ever moves forward. Counts at
        once here and within a second in every process, for running executions too: ``TOKEN_REVOKED``.

        `NotFoundError` if the store has no issuer of that name, `InvalidArgumentError` for what is yet to come."""
        self._native.revoke_issuer(issuer, None if not_before is None else to_millis(not_before))

    def revoke_token(self, token: Text) -> None:
        """Revokes one token, which must verify; it may be bound to a key, and it may have expired, which is enough. It
        is known by its ``jti``: `InvalidArgumentError` if it has none. Counts as `revoke_issuer`. `IdentityError`."""
        self._native.revoke_token(token)

    def revoke_token_id(self, issuer: str, jti: str) -> None:
        """Revokes one token by its issuer and ``jti``, for who does not have its text. `NotFoundError` if the store has
        no issuer of that name."""
        self._native.revoke_token_id(issuer, jti)

    def accept_logout_token(self, token: Text) -> int:
        """Takes a logout token (OpenID Connect Back-Channel Logout) of one of the issuers: its user's sessions are
        revoked under every configuration, begun or not, and all tokens with its ``sid``. How many sessions were alive. A
        logout token is taken once. `IdentityError`."""
        return self._native.accept_logout_token(token)

    def health(self) -> _health.Health:
        """Asks the store for something small. A store that does not answer is no exception: ``ok`` is false then, by the
        deadline like any call. `ClosedError` is about the handle.

        >>> with Store.open("memory:") as store:
        ...     store.health().ok
        True
        """
        return _health.to_health(self._native.health())

    def stats(self) -> _stats.Stats:
        """What there is to know of tokens, of their issuers' keys and of the server.

        >>> with Store.open("memory:") as store:
        ...     _ = store.verify(store.tokens.issue({"sub": "ada"}, ttl=60))
        ...     store.stats().token_cache
        TokenCache(hits=0, misses=1, tokens=1)
        """
        return _stats.to_stats(self._native.stats())

    def reload_keys(self, keyring_bytes: Text | None = None) -> None:
        """Reads the keyring again, now: its file, environment variable or callback, or ``keyring_bytes`` in place of those
        that were given. A file is also followed by itself, within seconds. New keys open at once, and seal once they are
        60 seconds old. `KeyringError` says why the new one is not in force; the one before is then."""
        if keyring_bytes is None and self._keyring_callback is not None:
            keyring_bytes = _keys.given_keyring(self._keyring_callback())
        self._native.reload_keys(keyring_bytes)

    def rewrap(self, *, limit: int | None = None, cursor: str | None = None) -> _keys.Rewrapped:
        """Seals with the primary key what is sealed with older ones, ``limit`` records (1 to 1000, default 100) from
        ``cursor`` on, while everybody goes on working. Call it with the cursor until it is done; it may be stopped and
        taken up again. `ConflictError`, ``waitSeconds`` in its details, while the primary is too new to seal.

        >>> with Store.open("memory:") as store:
        ...     store.rewrap()
        Rewrapped(done=True, cursor=None, rewrapped=0, skipped=0)
        """
        return _keys.to_rewrapped(self._native.rewrap(_records.page_text(limit, cursor)))

    def copy_to(self, other: Store, *, limit: int | None = None, cursor: str | None = None) -> _copy.Copied:
        """Brings what is stored in this workspace, product and env to ``other``, a store of the same on another backend,
        opened with the same keyring, ``limit`` records (1 to 1000, default 100) from ``cursor`` on. Call it with the cursor
        until it is done, while nobody writes; it may be stopped, taken up again, and made twice.

        Before anything is written: `KeyringError` if the other can't open what is brought, `ConflictError` if a tag means
        another configuration there, `InvalidArgumentError` for another namespace and for the store itself.

        >>> keyring = Keyring.generate_json()
        >>> with Store.open("memory:", keyring_bytes=keyring) as store, Store.open("memory:", keyring_bytes=keyring) as other:
        ...     store.copy_to(other)
        Copied(done=True, cursor=None, copied=0, unchanged=0, skipped=0)
        """
        return _copy.to_copied(self._native.copy_to(other._native, _records.page_text(limit, cursor)))

    def key_usage(self) -> _keys.KeyUsage:
        """How much is sealed with each key in this workspace, product and env. It reads all of it."""
        return _keys.to_usage(self._native.key_usage())

    def drop_key(self, key: str) -> None:
        """Takes a retired or revoked data key (``"1"``) out of the keyring file, if nothing of this workspace, product
        and env is sealed with it: else `ConflictError` with the counts. What others hold that share the file must be
        asked of them; checkpoints live 24 hours. `NotFoundError`; `UnsupportedError` for a keyring that is no file."""
        self._native.drop_key(key)

    def close(self) -> None:
        """Closes the store: later calls are `ClosedError`. Closing twice is fine."""
        self._native.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def proof(token: VerifiedToken) -> _native.VerifiedToken:
    """The native proof: from a `VerifiedToken`, never from a token's text."""
    if not isinstance(token, VerifiedToken):
        raise ArgumentTypeError(f"a VerifiedToken from Store.verify, not {type(token).__name__}", "INVALID_ARGUMENT")
    return token._native


class Tokens:
    """Login tokens of the store's own issuer, ``sessile:<workspace>/<product>/<env>``."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Store) -> None:
        self._native = native

    def issue(self, claims: Mapping[str, Any] | Text, ttl: Ttl) -> str:
        """Signs a login token (EdDSA). ``claims``: ``sub`` and whatever else but ``iss aud exp iat nbf jti sid cnf
        act``; ``ttl``: seconds or a timedelta, 1 s to 24 h. `InvalidArgumentError`."""
        return self._native.issue(text_or_dumps(claims), ttl)

    def jwks(self) -> dict[str, Any]:
        """The public keys, as a JWK set."""
        keys: dict[str, Any] = loads(self._native.jwks().encode())
        return keys
