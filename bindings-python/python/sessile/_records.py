"""The core's documents as records: camelCase members become snake_case attributes, times aware datetimes, lists tuples;
and lists that come by the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

from ._json import dumps, loads
from .errors import InvalidArgumentError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. Iterating gives its items; the next page is asked for with ``cursor=page.next_cursor``."""

    items: tuple[T, ...]
    """What is on it."""
    next_cursor: str | None
    """Where the next page begins; None: this was the last."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


def page_text(limit: int | None, cursor: str | None) -> bytes | None:
    """Which page is asked for, as JSON text; None: the first, with as many items as the core chooses."""
    asked = {name: value for name, value in (("limit", limit), ("cursor", cursor)) if value is not None}
    return dumps(asked) if asked else None


def to_page(make: Callable[[dict[str, Any]], T], member: str, text: bytes) -> Page[T]:
    """A page from the core's document, whose items are in ``member``."""
    found = loads(text)
    return Page(tuple(make(item) for item in found[member]), found["nextCursor"])


def to_record(record: Callable[..., T], found: dict[str, Any]) -> T:
    """A dataclass from a JSON object; what the object does not have is None."""
    return record(**{attribute: _value(attribute, found.get(member)) for attribute, member in _members(record)})


@cache
def _members(record: Any) -> tuple[tuple[str, str], ...]:
    """A dataclass's attributes, each with the JSON member that it comes from: ``expires_at``, ``expiresAt``."""
    return tuple((field.name, _camel_case(field.name)) for field in fields(record))


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _value(attribute: str, value: Any) -> Any:
    if attribute.endswith("_at") and value is not None:
        return to_time(value)
    return tuple(value) if isinstance(value, list) else value


def to_time(text: str) -> datetime:
    """An aware datetime, UTC, from RFC 3339 text."""
    try:
        # Python 3.10 does not know the Z.
        return datetime.fromisoformat(text.removesuffix("Z") + "+00:00")
    except ValueError:
        raise InvalidArgumentError("a time outside the years 1 to 9999 is no datetime", "LIMIT_EXCEEDED") from None
