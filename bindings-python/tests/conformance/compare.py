"""Results as the vectors write them, and when two are the same."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime, timezone
from typing import Any


def as_json(result: Any) -> Any:
    """A result as the core's JSON: records as objects with camelCase members, datetimes as RFC 3339 text, tuples as
    arrays. What is none of them stays."""
    if is_dataclass(result):
        return {_camel_case(field.name): as_json(getattr(result, field.name)) for field in fields(result)}
    if isinstance(result, datetime):
        return rfc3339(result)
    if isinstance(result, dict):
        return {name: as_json(member) for name, member in result.items()}
    if isinstance(result, (list, tuple)):
        return [as_json(element) for element in result]
    return result


def same(given: Any, wanted: Any) -> bool:
    """Equal as JSON: members in any order, integers exactly, a boolean is no number."""
    if isinstance(given, dict) and isinstance(wanted, dict):
        return given.keys() == wanted.keys() and all(same(given[name], wanted[name]) for name in wanted)
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(same, given, wanted))
    return _same_scalar(given, wanted)


def holds(given: Any, wanted: Any) -> bool:
    """The same, but that objects, at any level, may have more members than are wanted."""
    if isinstance(given, dict) and isinstance(wanted, dict):
        return given.keys() >= wanted.keys() and all(holds(given[name], wanted[name]) for name in wanted)
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(holds, given, wanted))
    return _same_scalar(given, wanted)


def to_time(text: str) -> datetime:
    """A datetime from RFC 3339 text."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def rfc3339(time: datetime) -> str:
    """RFC 3339 text, UTC, with milliseconds. Only an aware datetime has one."""
    assert time.utcoffset() is not None
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _same_scalar(given: Any, wanted: Any) -> bool:
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    return type(given) in (str, int, float, type(None)) and bool(given == wanted)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
