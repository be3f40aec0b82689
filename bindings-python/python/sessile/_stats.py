"""What there is to know of tokens, of their issuers' keys and of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._json import loads
from ._records import to_record


@dataclass(frozen=True, slots=True)
class TokenCache:
    """How the cache of verified tokens fared."""

    hits: int
    """How many tokens it knew."""
    misses: int
    """How many it did not."""
    tokens: int
    """How many it knows now."""


@dataclass(frozen=True, slots=True)
class RefusedKey:
    """A key of an issuer's set that is not used."""

    index: int
    """Where it stands in the set, from 0."""
    kid: str | None
    """Its name, if it has one."""
    reason: str
    """Why it is refused, for people."""


@dataclass(frozen=True, slots=True)
class IssuerStats:
    """An issuer's keys."""

    issuer: str
    """The issuer."""
    keys: tuple[str | None, ...]
    """The names of the keys in force; None for one without."""
    refused_keys: tuple[RefusedKey, ...]
    """The others."""
    trouble: str | None
    """Why they could not be loaded lately; the last good ones are in force meanwhile."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections to a PostgreSQL."""

    open: int
    """How many there are."""
    idle: int
    """How many of them nobody uses."""
    waiting: int
    """How many calls wait for one."""


@dataclass(frozen=True, slots=True)
class BackendStats:
    """What this process asked of the store's server. All but ``kind`` is None where there is none."""

    kind: str
    """``memory``, ``sqlite``, ``redis`` or ``postgresql``."""
    calls: int | None
    """How often it was asked."""
    failed: int | None
    """How often in vain."""
    mean_micros: int | None
    """How long an answer took in the mean, in microseconds; None before the first."""
    connects: int | None
    """How many connections were ever made, which says how often they broke."""
    connections: Connections | None
    """Those that there are (``postgresql``, once it was reached)."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What `Store.stats` gives: no token, no key and no password is in it."""

    token_cache: TokenCache
    """The cache of verified tokens."""
    issuers: tuple[IssuerStats, ...]
    """The store's issuers, sorted by name."""
    backend: BackendStats
    """What its calls came to."""


def to_stats(text: bytes) -> Stats:
    """A `Stats` from the core's document."""
    found = loads(text)
    issuers = tuple(_issuer(issuer) for issuer in found["issuers"])
    return Stats(to_record(TokenCache, found["tokenCache"]), issuers, _backend(found["backend"]))


def _issuer(found: dict[str, Any]) -> IssuerStats:
    refused = [to_record(RefusedKey, key) for key in found["refusedKeys"]]
    return to_record(IssuerStats, {**found, "refusedKeys": refused})


def _backend(found: dict[str, Any]) -> BackendStats:
    connections = found.get("connections")
    made = None if connections is None else to_record(Connections, connections)
    return to_record(BackendStats, {**found, "connections": made})
