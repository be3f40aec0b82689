"""How far a copy to another store came."""

from __future__ import annotations

from dataclasses import dataclass

from ._json import loads
from ._records import to_record


@dataclass(frozen=True, slots=True)
class Copied:
    """How far a copy came."""

    done: bool
    """Whether it came to the end."""
    cursor: str | None
    """Where the next call goes on; None: it is done."""
    copied: int
    """How many records were written there."""
    unchanged: int
    """How many stood there already."""
    skipped: int
    """How many stay as they are there: changed there later, or nobody can tell."""


def to_copied(text: bytes) -> Copied:
    """A `Copied` from the core's document."""
    return to_record(Copied, loads(text))
