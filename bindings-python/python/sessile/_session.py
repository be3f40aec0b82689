"""A session and its verbs: Local, Scoped and Global alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import _native
from ._json import dumps, loads, object_text
from ._lazy import lazy
from ._types import DELETE, Text, Ttl, to_optional_datetime
from .errors import ArgumentTypeError, not_found

if TYPE_CHECKING:
    from . import _info
else:
    _info = lazy("._info")


def array_text(values: Iterable[Any]) -> bytes:
    """The JSON array text of values to be appended."""
    if isinstance(values, (list, tuple)):
        return dumps(values)
    if isinstance(values, (str, bytes, bytearray, Mapping)) or not isinstance(values, Iterable):
        raise ArgumentTypeError(f"append takes a list of values, not {type(values).__name__}", "INVALID_ARGUMENT")
    return dumps(list(values))


def names_of(names: Iterable[str]) -> tuple[str, ...]:
    """Several names; a single str is no list of letters."""
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise ArgumentTypeError(f"several names are a list of str, not {type(names).__name__}", "INVALID_ARGUMENT")
    return tuple(names)


class Session:
    """A session: named JSON fields. Any thread may use it.

    Every verb means the same on Local, Scoped and Global. The value a verb gives is the caller's own: changing it
    changes nothing in the session. Values are what orjson reads and writes; NaN and infinities become ``null``.

    Errors of every verb: `ClosedError` once the execution has ended, `InvalidArgumentError` for a name (1 to 256 bytes)
    or value that can't be (``LIMIT_EXCEEDED`` above 1 MiB a value, 4 MiB or 1,024 fields a session). A Global session
    also has `IdentityError` (``GLOBAL_NOT_ALLOWED``, ``TOKEN_*``), `SessionEndedError`, `DataError` and `BackendError`.

    A session is also a mapping: ``session["name"]``, ``session["name"] = value``, ``del session["name"]``,
    ``"name" in session``, ``len(session)``, iteration over the names.

    >>> import sessile
    >>> session = sessile.Store.open("memory:").execution().local
    >>> session.put({"total": 3, "cart": ["tea"]})
    >>> session.increment("total", 2), session.append("cart", ["honey"])
    (5, 2)
    >>> session.get("missing", default="none")
    'none'
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Session) -> None:
        self._native = native

    def get(self, name: str, default: Any = None) -> Any:
        """One field's value; ``default`` if it is absent.

        ``LIMIT_EXCEEDED`` for a number that Python's would not hold (an integer beyond 64 bits): use `get_raw`.
        """
        text = self._native.get(name)
        return default if text is None else loads(text)

    def get_raw(self, name: str) -> bytes | None:
        """One field's JSON text, untouched; None if it is absent."""
        return self._native.get_raw(name)

    def get_many(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of the fields that are there, in the order asked for."""
        found: dict[str, Any] = loads(self._native.get_many(names_of(names)))
        return found

    def get_versioned(self, name: str) -> tuple[Any, str] | None:
        """One field's value and its version, for `put_if`; None if it is absent. Versions are compared for equality."""
        found = self._native.get_versioned(name)
        return None if found is None else (loads(found[0]), found[1])

    def all(self) -> dict[str, Any]:
        """All fields, sorted by name."""
        fields: dict[str, Any] = loads(self._native.all())
        return fields

    def all_raw(self) -> bytes:
        """All fields as one JSON object, each value's text untouched."""
        return self._native.all_raw()

    def keys(self) -> list[str]:
        """The names of all fields, sorted. Costs what `all` costs: names are sealed with the values."""
        return self._native.keys()

    def contains(self, name: str) -> bool:
        """Whether the field is there."""
        return self._native.contains(name)

    def put(self, fields: Mapping[str, Any] | Text, ttl: Ttl | None = None) -> None:
        """Puts fields, all or nothing. ``fields``: a mapping of names to values, or the JSON text of an object.

        ``ttl``: seconds or a timedelta, whole seconds, 1 or more; without one the fields stay, whatever they had.
        """
        self._native.put(object_text(fields, "put"), ttl)

    def put_raw(self, name: str, text: Text, ttl: Ttl | None = None) -> None:
        """Puts one field, whose value is JSON text, kept as it is. ``INVALID_JSON`` with the byte offset."""
        self._native.put_one(name, text, ttl)

    def delete(self, *names: str) -> int:
        """Deletes fields; absent ones are no error. How many were there."""
        return self._native.delete(names)

    def clear(self) -> int:
        """Deletes all fields. How many were there."""
        return self._native.clear()

    def increment(self, name: str, by: int | float = 1) -> int | float:
        """Adds to a number (absent: 0); the sum. Integers are exact within 64 bits, beyond is ``LIMIT_EXCEEDED``; a
        field that is no number is ``INVALID_ARGUMENT``. A ttl stays. Concurrent increments are all counted."""
        total: int | float = loads(self._native.increment(name, dumps(by)))
        return total

    def append(self, name: str, values: Iterable[Any]) -> int:
        """Appends to an array (absent: empty); its new length. ``INVALID_ARGUMENT`` if the field is no array."""
        return self._native.append(name, array_text(values))

    def put_if_absent(self, name: str, value: Any, ttl: Ttl | None = None) -> bool:
        """Puts a field that is not there yet; whether it was put."""
        return self._native.put_if_absent(name, dumps(value), ttl)

    def take(self, name: str, default: Any = None) -> Any:
        """Gets and deletes a field, at once; ``default`` if it is absent."""
        # Not one call of the core: a number that Python can't hold must be refused before the field is gone.
        update = self._native.update(name)
        while (text := update.current()) is not None:
            if update.try_commit(None):
                return loads(text)
        return default

    def put_if(self, name: str, value: Any, version: str | None, ttl: Ttl | None = None) -> str:
        """Puts a field if its version is ``version`` (None: if it is absent), else `ConflictError`. The new version."""
        return self._native.put_if(name, dumps(value), version, ttl)

    def update(self, name: str, change: Callable[[Any], Any], default: Any = None) -> Any:
        """Reads a field, has ``change`` make a new value of it, and puts that if nobody changed the field meanwhile,
        else begins again: ``change`` may run several times. The value put.

        ``change`` gets the value, or ``default`` (a JSON value) where there is none; returning `sessile.DELETE`
        deletes the field and gives None. `ConflictError` if it did not succeed within the deadline (2 s).
        """
        update = self._native.update(name)
        absent = dumps(default)
        while True:
            text = update.current()
            value = change(loads(absent if text is None else text))
            if value is DELETE:
                if update.try_commit(None):
                    return None
            elif update.try_commit(dumps(value)):
                return value

    def get_path(self, name: str, pointer: str, default: Any = None) -> Any:
        """The value at a JSON Pointer (``"/address/city"``, ``""``: the field itself) inside a field."""
        text = self._native.get_path(name, pointer)
        return default if text is None else loads(text)

    def put_path(self, name: str, pointer: str, value: Any) -> None:
        """Sets the value at a JSON Pointer inside a field; ``/-`` appends to an array. A missing parent is
        `NotFoundError`."""
        self._native.put_path(name, pointer, dumps(value))

    def delete_path(self, name: str, pointer: str) -> bool:
        """Removes the value at a JSON Pointer inside a field; whether it was there."""
        return self._native.delete_path(name, pointer)

    def set_ttl(self, name: str, ttl: Ttl | None) -> bool:
        """Sets a field's ttl, in whole seconds from now (None: it stays); whether the field is there."""
        return self._native.set_ttl(name, ttl)

    def expires_at(self, name: str) -> datetime | None:
        """When the field goes; None: it stays. `NotFoundError` if it is absent."""
        return field_expiry(name, self._native.expires_at(name))

    def info(self) -> _info.Info | None:
        """Version and times; None for a Global session that nobody began."""
        return _info.to_info(self._native.info())

    def end(self) -> None:
        """Ends the session: Local is emptied; a Global one is over for everybody who holds it."""
        self._native.end()

    def commit(self, exclusive: bool = False) -> _info.Committed:
        """For ``global_(scoped=True)``: writes its changes to the user's session. Elsewhere ``INVALID_ARGUMENT``.

        ``exclusive``: `ConflictError`, naming them, if fields that it changes were changed since the snapshot.
        """
        return _info.to_committed(self._native.commit(exclusive))

    def __getitem__(self, name: str) -> Any:
        text = self._native.get(name)
        if text is None:
            raise not_found(name)
        return loads(text)

    def __setitem__(self, name: str, value: Any) -> None:
        self._native.put_one(name, dumps(value), None)

    def __delitem__(self, name: str) -> None:
        if not self._native.delete((name,)):
            raise not_found(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._native.contains(name)

    def __len__(self) -> int:
        return len(self._native.keys())

    def __iter__(self) -> Iterator[str]:
        return iter(self._native.keys())

    def __bool__(self) -> bool:
        # Otherwise ``if session:`` would read the backend.
        return True


def field_expiry(name: str, found: tuple[int | None] | None) -> datetime | None:
    """When a field goes, from what the native module gives."""
    if found is None:
        raise not_found(name)
    return to_optional_datetime(found[0])
