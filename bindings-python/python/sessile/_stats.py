"""What there is to know of tokens and of their issuers' keys."""

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
class Stats:
    """What `Store.stats` gives: no token and no key is in it."""

    token_cache: TokenCache
    """The cache of verified tokens."""
    issuers: tuple[IssuerStats, ...]
    """The store's issuers, sorted by name."""


def to_stats(text: bytes) -> Stats:
    """A `Stats` from the core's document."""
    found = loads(text)
    return Stats(to_record(TokenCache, found["tokenCache"]), tuple(_issuer(issuer) for issuer in found["issuers"]))


def _issuer(found: dict[str, Any]) -> IssuerStats:
    refused = [to_record(RefusedKey, key) for key in found["refusedKeys"]]
    return to_record(IssuerStats, {**found, "refusedKeys": refused})
