"""`sessile` for asyncio: the same names, awaitable.

An operation that is ready at once (all Local ones, and most of the others) is given without suspending; what has to wait
for a disk or a lock does so on threads of the core, never on the event loop's. Cancelling an awaiting task drops the
result; the operation itself is carried out. Several loops in several threads may use one store.

Plain calls, because there is nothing to wait for: ``store.execution``, ``store.parse_step``, ``store.global_``,
``store.drain_events``, ``store.has_events``, ``store.stats``, ``run.local``, ``run.scoped``, ``run.global_``,
``run.subprocess``, ``run.subprocess_by_id``, ``run.end`` (which may be awaited, too), ``Keyring``'s, ``lint``,
``selector_options``.
What the verbs mean, take and raise is written at their twins in `sessile`.

>>> import asyncio
>>> async def pipeline():
...     async with Store.open("memory:") as store, store.execution() as run:
...         await run.local.put({"cart": ["tea"]})
...         return await run.step({"operation": "GET", "fields": ["cart"]}, '{"id": 7}')
>>> asyncio.run(pipeline())
'{"id": 7,"cart":["tea"]}'
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar, overload

from . import _native
from ._aio_configs import Configs
from ._aio_sessions import Sessions
from ._check import CheckReport, Problem, to_report
from ._configs import Config, Imported, SelectorOption, selector_options
from ._copy import Copied, to_copied
from ._execution import Message, parsed
from ._health import Health, HealthFailure, to_health
from ._info import Committed, Info, to_committed, to_info
from ._issuer import Issuer
from ._json import dumps, loads, object_text, text_or_dumps
from ._keyring import DataKey, Keyring, KeyringDescription, SigningKey
from ._keys import (
    AwaitedKeyringCallback,
    DataKeyUsage,
    KeyringProblem,
    KeyUsage,
    Rewrapped,
    SigningKeyUsage,
    awaited_keyring,
    to_rewrapped,
    to_usage,
)
from ._lint import Finding, lint
from ._loop import later
from ._message import incoming, is_object, outgoing
from ._options import Durability, NativeOptions, Tls, options, with_keyring
from ._records import Page, page_text
from ._session import array_text, field_expiry, names_of
from ._sessions import Dashboard, SessionEntry, Started, User, Verification
from ._stats import BackendStats, Connections, IssuerStats, RefusedKey, Stats, TokenCache, to_stats
from ._store import OnEvent, proof, told, trigger_text
from ._types import DELETE, Clock, Path, Step, Text, Ttl, VerifiedToken, to_millis

__all__ = [
    "DELETE",
    "BackendStats",
    "CheckReport",
    "Clock",
    "Committed",
    "Config",
    "Configs",
    "Connections",
    "Copied",
    "Dashboard",
    "DataKey",
    "DataKeyUsage",
    "Execution",
    "Finding",
    "Health",
    "HealthFailure",
    "Imported",
    "Info",
    "Issuer",
    "IssuerStats",
    "KeyUsage",
    "Keyring",
    "KeyringDescription",
    "KeyringProblem",
    "Page",
    "Problem",
    "RefusedKey",
    "Rewrapped",
    "SelectorOption",
    "Session",
    "SessionEntry",
    "Sessions",
    "SigningKey",
    "SigningKeyUsage",
    "Started",
    "Stats",
    "Step",
    "Store",
    "Subprocess",
    "Tls",
    "TokenCache",
    "Tokens",
    "User",
    "Verification",
    "VerifiedToken",
    "lint",
    "selector_options",
]

E = TypeVar("E", bound="Execution")


class Session:
    """A session and its verbs; see `sessile.Session`. It is no mapping: those verbs can't be awaited."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Session) -> None:
        self._native = native

    async def get(self, name: str, default: Any = None) -> Any:
        """One field's value; ``default`` if it is absent."""
        text = await later(self._native.get, name)
        return default if text is None else loads(text)

    async def get_raw(self, name: str) -> bytes | None:
        """One field's JSON text, untouched; None if it is absent."""
        return await later(self._native.get_raw, name)

    async def get_many(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of the fields that are there, in the order asked for."""
        found: dict[str, Any] = loads(await later(self._native.get_many, names_of(names)))
        return found

    async def get_versioned(self, name: str) -> tuple[Any, str] | None:
        """One field's value and its version, for `put_if`; None if it is absent."""
        found = await later(self._native.get_versioned, name)
        return None if found is None else (loads(found[0]), found[1])

    async def all(self) -> dict[str, Any]:
        """All fields, sorted by name."""
        fields: dict[str, Any] = loads(await later(self._native.all))
        return fields

    async def all_raw(self) -> bytes:
        """All fields as one JSON object, each value's text untouched."""
        return await later(self._native.all_raw)

    async def keys(self) -> list[str]:
        """The names of all fields, sorted. Costs what `all` costs."""
        return await later(self._native.keys)

    async def contains(self, name: str) -> bool:
        """Whether the field is there."""
        return await later(self._native.contains, name)

    async def put(self, fields: Mapping[str, Any] | Text, ttl: Ttl | None = None) -> None:
        """Puts fields, all or nothing: a mapping of names to values, or the JSON text of an object."""
        await later(self._native.put, object_text(fields, "put"), ttl)

    async def put_raw(self, name: str, text: Text, ttl: Ttl | None = None) -> None:
        """Puts one field, whose value is JSON text, kept as it is."""
        await later(self._native.put_one, name, text, ttl)

    async def delete(self, *names: str) -> int:
        """Deletes fields; absent ones are no error. How many were there."""
        return await later(self._native.delete, names)

    async def clear(self) -> int:
        """Deletes all fields. How many were there."""
        return await later(self._native.clear)

    async def increment(self, name: str, by: int | float = 1) -> int | float:
        """Adds to a number (absent: 0); the sum."""
        total: int | float = loads(await later(self._native.increment, name, dumps(by)))
        return total

    async def append(self, name: str, values: Iterable[Any]) -> int:
        """Appends to an array (absent: empty); its new length."""
        return await later(self._native.append, name, array_text(values))

    async def put_if_absent(self, name: str, value: Any, ttl: Ttl | None = None) -> bool:
        """Puts a field that is not there yet; whether it was put."""
        return await later(self._native.put_if_absent, name, dumps(value), ttl)

    async def take(self, name: str, default: Any = None) -> Any:
        """Gets and deletes a field, at once; ``default`` if it is absent."""
        update = self._native.update(name)
        while (text := await later(update.current)) is not None:
            if await later(update.try_commit, None):
                return loads(text)
        return default

    async def put_if(self, name: str, value: Any, version: str | None, ttl: Ttl | None = None) -> str:
        """Puts a field if its version is ``version`` (None: if it is absent), else `ConflictError`. The new version."""
        return await later(self._native.put_if, name, dumps(value), version, ttl)

    async def update(self, name: str, change: Callable[[Any], Any], default: Any = None) -> Any:
        """Reads a field, has ``change`` (plain or async) make a new value of it, and puts that if nobody changed the
        field meanwhile, else begins again. The value put; None where ``change`` gave `sessile.DELETE`."""
        update = self._native.update(name)
        absent = dumps(default)
        while True:
            text = await later(update.current)
            value = change(loads(absent if text is None else text))
            if inspect.isawaitable(value):
                value = await value
            if await later(update.try_commit, None if value is DELETE else dumps(value)):
                return None if value is DELETE else value

    async def get_path(self, name: str, pointer: str, default: Any = None) -> Any:
        """The value at a JSON Pointer inside a field."""
        text = await later(self._native.get_path, name, pointer)
        return default if text is None else loads(text)

    async def put_path(self, name: str, pointer: str, value: Any) -> None:
        """Sets the value at a JSON Pointer inside a field; ``/-`` appends to an array."""
        await later(self._native.put_path, name, pointer, dumps(value))

    async def delete_path(self, name: str, pointer: str) -> bool:
        """Removes the value at a JSON Pointer inside a field; whether it was there."""
        return await later(self._native.delete_path, name, pointer)

    async def set_ttl(self, name: str, ttl: Ttl | None) -> bool:
        """Sets a field's ttl, in whole seconds from now (None: it stays); whether the field is there."""
        return await later(self._native.set_ttl, name, ttl)

    async def expires_at(self, name: str) -> datetime | None:
        """When the field goes; None: it stays. `NotFoundError` if it is absent."""
        return field_expiry(name, await later(self._native.expires_at, name))

    async def info(self) -> Info | None:
        """Version and times; None for a Global session that nobody began."""
        return to_info(await later(self._native.info))

    async def end(self) -> None:
        """Ends the session: Local is emptied; a Global one is over for everybody who holds it."""
        await later(self._native.end)

    async def commit(self, exclusive: bool = False) -> Committed:
        """For ``global_(scoped=True)``: writes its changes to the user's session."""
        return to_committed(await later(self._native.commit, exclusive))


class _Done:
    """What is over when the call returns, awaited or not."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


class Execution:
    """One run of one pipeline; see `sessile.Execution`. Leaving the ``async with`` block ends it."""

    __slots__ = ("_local", "_native", "_scoped")

    def __init__(self, native: _native.Execution) -> None:
        self._native = native
        self._local: Session | None = None
        self._scoped: Session | None = None

    @property
    def id(self) -> str:
        """The execution's id, the same for all its sub-processes."""
        return self._native.id

    @property
    def subprocess_id(self) -> str:
        """The id of this sub-process: its path from the root; ``""`` for the execution itself."""
        return self._native.subprocess_id

    @property
    def name(self) -> str:
        """The name given to this sub-process; ``""`` for the execution itself."""
        return self._native.name

    @overload
    async def step(self, step: Step | Mapping[str, Any] | Text, message: Message) -> Message: ...

    @overload
    async def step(self, step: Step | Mapping[str, Any] | Text, message: None = None) -> dict[str, Any] | None: ...

    async def step(self, step: Step | Mapping[str, Any] | Text, message: Any = None) -> Any:
        """Runs a session step: message in, message out. A dict that is a message must stay as it is meanwhile."""
        native = parsed(self._native, step)
        text = await later(self._native.step, native, outgoing(native, message), is_object(message))
        return incoming(message, text)

    @property
    def local(self) -> Session:
        """The Local session that all of the execution shares."""
        if self._local is None:
            self._local = Session(self._native.local())
        return self._local

    @property
    def scoped(self) -> Session:
        """This sub-process's own version of the Local session."""
        if self._scoped is None:
            self._scoped = Session(self._native.scoped())
        return self._scoped

    def global_(self, tag: str | None = None, scoped: bool = False) -> Session:
        """The user's Global session of config ``tag`` (None: the token's own session, else ``global``)."""
        return Session(self._native.global_(tag, scoped))

    def subprocess(self, name: str) -> Subprocess:
        """Starts a sub-process below this one."""
        return Subprocess(self._native.subprocess(name))

    def subprocess_by_id(self, id: str) -> Subprocess:
        """The open sub-process with that ``subprocess_id``. `NotFoundError`."""
        return Subprocess(self._native.subprocess_by_id(id))

    async def commit(self, exclusive: bool = False) -> Committed:
        """Applies this sub-process's Local changes to its parent's version."""
        return to_committed(await later(self._native.commit, exclusive))

    def end(self) -> Awaitable[None]:
        """Ends it and all sub-processes below, when called: awaiting it is not needed."""
        self._native.end()
        return _Done()

    async def checkpoint(self) -> bytes:
        """The Local state, sealed: for ``Store.resume``."""
        return await later(self._native.checkpoint)

    async def renew(self, token: Text) -> None:
        """Puts a fresh token of the same user in place."""
        await later(self._native.renew, token)

    async def __aenter__(self: E) -> E:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._native.end()

    def __repr__(self) -> str:
        path = f" {self.subprocess_id} {self.name!r}" if self.subprocess_id else ""
        return f"<sessile.aio.{type(self).__name__} {self.id}{path}>"


class Subprocess(Execution):
    """A part of an execution run on its own. Leaving the ``async with`` block discards what it did not `commit`."""

    __slots__ = ()


class _Opening:
    """A store being opened: awaited, or entered by ``async with``."""

    __slots__ = ("_keyring_callback", "_on_event", "_options", "_store")

    def __init__(
        self, options: NativeOptions, keyring_callback: AwaitedKeyringCallback | None, on_event: OnEvent | None
    ) -> None:
        self._options = options
        self._keyring_callback = keyring_callback
        self._on_event = on_event

    async def _open(self) -> Store:
        options, callback = self._options, self._keyring_callback
        if callback is not None:
            options = with_keyring(options, await awaited_keyring(callback))
        return Store(told(await later(_native.Store.open, *options), self._on_event), callback)

    def __await__(self) -> Generator[Any, None, Store]:
        return self._open().__await__()

    async def __aenter__(self) -> Store:
        self._store = await self._open()
        return self._store

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._store.close()


class Store:
    """An open store; see `sessile.Store`. Any loop in any thread may use it."""

    __slots__ = ("_keyring_callback", "_native", "configs", "sessions", "tokens")

    configs: Configs
    """Its session configurations."""
    sessions: Sessions
    """The sessions of its users under a configuration."""
    tokens: Tokens
    """Login tokens of the store's own issuer."""

    def __init__(self, native: _native.Store, keyring_callback: AwaitedKeyringCallback | None = None) -> None:
        self._native = native
        self._keyring_callback = keyring_callback
        self.configs = Configs(native.configs())
        self.sessions = Sessions(native.sessions())
        self.tokens = Tokens(native)

    @staticmethod
    def open(
        url: str,
        *,
        keyring: Path | None = None,
        keyring_bytes: Text | None = None,
        keyring_env: str | None = None,
        keyring_callback: AwaitedKeyringCallback | None = None,
        workspace: str | None = None,
        product: str | None = None,
        env: str | None = None,
        issuers: Sequence[Issuer | Mapping[str, Any]] | None = None,
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
    ) -> _Opening:
        """Opens (or makes) a store: ``await Store.open(…)``, or ``async with Store.open(…) as store``, which closes it.

        Arguments and errors are those of ``sessile.Store.open``; ``keyring_callback`` may be an async function."""
        return _Opening(
            options(
                url, keyring, keyring_bytes, keyring_env, keyring_callback, workspace, product, env, issuers,
                issuer_secrets, backend_password, password_env, tls, secrets, schema, limits, durability, read_only,
                allow_network_filesystem, allow_eviction, lazy, audit or on_event is not None, clock,
            ),
            keyring_callback,
            on_event,
        )

    def execution(
        self,
        trigger: Mapping[str, Any] | Text | None = None,
        token: Text | None = None,
        request_id: str | None = None,
    ) -> Execution:
        """Starts an execution. Never fails for its token: the first Global operation verifies it."""
        return Execution(self._native.execution(trigger_text(trigger), token, request_id))

    def parse_step(self, step: Mapping[str, Any] | Text) -> Step:
        """Reads a step, to be run many times, within this store's limits. As `Step.parse`, at once."""
        return Step._of(self._native.parse(text_or_dumps(step)))

    async def resume(
        self,
        checkpoint: bytes,
        trigger: Mapping[str, Any] | Text | None = None,
        token: Text | None = None,
        request_id: str | None = None,
    ) -> Execution:
        """Takes up an execution from a checkpoint of at most 24 hours."""
        return Execution(await later(self._native.resume, checkpoint, trigger_text(trigger), token, request_id))

    async def verify(self, token: Text) -> VerifiedToken:
        """Verifies a token, with or without ``Bearer`` or ``<tag>:``."""
        return VerifiedToken(await later(self._native.verify, token))

    def global_(self, token: VerifiedToken, tag: str | None = None) -> Session:
        """The user's Global session of config ``tag`` (None: ``global``), from proof alone."""
        return Session(self._native.global_(proof(token), tag))

    async def sweep(self, budget: int = 1000) -> int:
        """Drops up to ``budget`` sessions that are over and users who are gone, to give space back. How many."""
        return await later(self._native.sweep, budget)

    @property
    def has_events(self) -> bool:
        """Whether `drain_events` has something to give."""
        return self._native.has_events

    def drain_events(self, max: int = 1000) -> list[dict[str, Any]]:
        """The oldest audit events that nobody fetched yet, ``max`` at most. Nothing waits."""
        events: list[dict[str, Any]] = loads(self._native.drain_events(max))
        return events

    async def flush(self) -> None:
        """Waits until everything that was acknowledged before is on the disk."""
        await later(self._native.flush)

    async def backup(self, path: Path) -> None:
        """Copies the store to a new file, as of one instant, while others go on."""
        await later(self._native.backup, path)

    async def check(self) -> CheckReport:
        """Looks everything over while the store is in use, and says what is wrong."""
        return to_report(await later(self._native.check))

    async def revoke_issuer(self, issuer: str, not_before: datetime | int | float | None = None) -> None:
        """Revokes every token that ``issuer`` gave out until ``not_before`` (None: now)."""
        await later(self._native.revoke_issuer, issuer, None if not_before is None else to_millis(not_before))

    async def revoke_token(self, token: Text) -> None:
        """Revokes one token, which must verify and have a ``jti``."""
        await later(self._native.revoke_token, token)

    async def revoke_token_id(self, issuer: str, jti: str) -> None:
        """Revokes one token by its issuer and ``jti``."""
        await later(self._native.revoke_token_id, issuer, jti)

    async def accept_logout_token(self, token: Text) -> int:
        """Takes a logout token, once: revokes its user's sessions. How many were alive."""
        return await later(self._native.accept_logout_token, token)

    async def health(self) -> Health:
        """Asks the store for something small; one that does not answer is no exception."""
        return to_health(await later(self._native.health))

    def stats(self) -> Stats:
        """What there is to know of tokens, of their issuers' keys and of the server."""
        return to_stats(self._native.stats())

    async def reload_keys(self, keyring_bytes: Text | None = None) -> None:
        """Reads the keyring again, now, or takes ``keyring_bytes`` in its place."""
        if keyring_bytes is None and self._keyring_callback is not None:
            keyring_bytes = await awaited_keyring(self._keyring_callback)
        await later(self._native.reload_keys, keyring_bytes)

    async def rewrap(self, *, limit: int | None = None, cursor: str | None = None) -> Rewrapped:
        """Seals with the primary key what is sealed with older ones, ``limit`` records from ``cursor`` on."""
        return to_rewrapped(await later(self._native.rewrap, page_text(limit, cursor)))

    async def copy_to(self, other: Store, *, limit: int | None = None, cursor: str | None = None) -> Copied:
        """Brings what is stored to a store on another backend, ``limit`` records from ``cursor`` on."""
        return to_copied(await later(self._native.copy_to, other._native, page_text(limit, cursor)))

    async def key_usage(self) -> KeyUsage:
        """How much is sealed with each key. It reads all of it."""
        return to_usage(await later(self._native.key_usage))

    async def drop_key(self, key: str) -> None:
        """Takes a data key out of the keyring file, if nothing here is sealed with it."""
        await later(self._native.drop_key, key)

    async def close(self) -> None:
        """Closes the store: later calls are `ClosedError`. Closing twice is fine."""
        await later(self._native.close)

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class Tokens:
    """Login tokens of the store's own issuer; see `sessile.Tokens`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Store) -> None:
        self._native = native

    async def issue(self, claims: Mapping[str, Any] | Text, ttl: Ttl) -> str:
        """Signs a login token (EdDSA)."""
        return await later(self._native.issue, text_or_dumps(claims), ttl)

    async def jwks(self) -> dict[str, Any]:
        """The public keys, as a JWK set."""
        keys: dict[str, Any] = loads((await later(self._native.jwks)).encode())
        return keys
