"""Whether a store can be reached."""

from __future__ import annotations

from dataclasses import dataclass

from ._json import loads
from ._records import to_record


@dataclass(frozen=True, slots=True)
class HealthFailure:
    """Why a store did not answer."""

    code: str
    """An error's name: ``UNAVAILABLE``, ``TIMEOUT``, …"""
    reason: str | None
    """What is behind it, for programs: ``connection``, ``authentication``, …; docs/redis.md and docs/postgresql.md."""
    message: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class Health:
    """What `Store.health` gives."""

    ok: bool
    """Whether it answered."""
    micros: int
    """How long that took, in microseconds."""
    error: HealthFailure | None
    """Why it did not."""


def to_health(text: bytes) -> Health:
    """A `Health` from the core's document."""
    found = loads(text)
    error = found.get("error")
    return Health(found["ok"], found["micros"], None if error is None else to_record(HealthFailure, error))
