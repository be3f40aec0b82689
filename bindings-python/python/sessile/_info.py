"""What a session's verbs tell of it: its version and times, what a commit changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ._types import to_datetime, to_optional_datetime


@dataclass(frozen=True)
class Committed:
    """What a commit changed."""

    put: tuple[str, ...]
    """Names put, sorted."""
    deleted: tuple[str, ...]
    """Names deleted, sorted."""


def to_committed(changed: tuple[list[str], list[str]]) -> Committed:
    """A `Committed` from what the native module gives."""
    put, deleted = changed
    return Committed(tuple(put), tuple(deleted))


@dataclass(frozen=True)
class Info:
    """A session's version and times (aware datetimes, UTC)."""

    version: int
    """Changes since the session, the execution or the sub-process began."""
    created_at: datetime
    """When it began."""
    updated_at: datetime
    """When it last changed."""
    expires_at: datetime | None
    """When it ends; None for Local."""
    last_seen_at: datetime
    """When it was last used; noted at most once a minute."""


def to_info(found: tuple[int, int, int, int | None, int] | None) -> Info | None:
    """An `Info` from what the native module gives."""
    if found is None:
        return None
    version, created, updated, expires, seen = found
    return Info(
        version, to_datetime(created), to_datetime(updated), to_optional_datetime(expires), to_datetime(seen)
    )
