"""The small things that calls give and take: times, paths, clocks, steps, proofs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum
from os import PathLike
from typing import Any, Final, Literal, TypeAlias

from . import _native
from ._json import loads, text_or_dumps
from .errors import ArgumentTypeError, InvalidArgumentError

Text: TypeAlias = str | bytes | bytearray
"""JSON text, or a token."""
Ttl: TypeAlias = int | timedelta
"""A period in whole seconds, 1 or more."""
Path: TypeAlias = str | PathLike[str]
"""Where a file is."""

# Names of their own: within a class that has a `_native` the module's is not seen.
_NativeClock: TypeAlias = _native.Clock
_NativeStep: TypeAlias = _native.Step

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Delete(Enum):
    """The type of `DELETE`."""

    DELETE = "DELETE"


DELETE: Final = Delete.DELETE
"""What the function of ``update`` returns to have the field deleted."""


def to_datetime(millis: int) -> datetime:
    """An aware datetime, UTC. ``LIMIT_EXCEEDED`` for a time that datetime can't hold."""
    try:
        return _EPOCH + millis * _MILLISECOND
    except OverflowError:
        raise InvalidArgumentError("a time outside the years 1 to 9999 is no datetime", "LIMIT_EXCEEDED") from None


def to_optional_datetime(millis: int | None) -> datetime | None:
    """The same, where there may be no time."""
    return None if millis is None else to_datetime(millis)


def to_millis(time: datetime | int | float) -> int:
    """Milliseconds since 1970, from an aware datetime or seconds since 1970."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise InvalidArgumentError("a datetime needs a time zone, for example timezone.utc", "INVALID_ARGUMENT")
        return (time - _EPOCH) // _MILLISECOND
    if isinstance(time, (int, float)) and not isinstance(time, bool):
        if not abs(time) < 2**53:
            raise InvalidArgumentError("a time is a number of seconds, its magnitude below 2^53", "INVALID_ARGUMENT")
        return round(time * 1000)
    raise ArgumentTypeError(f"a time is a datetime or seconds since 1970, not {type(time).__name__}", "INVALID_ARGUMENT")


class Clock:
    """A clock for tests: stands still until it is moved. Handed to ``Store.open(clock=…)``.

    >>> clock = Clock.manual(datetime(2026, 1, 1, tzinfo=timezone.utc))
    >>> clock.advance(timedelta(hours=1))
    >>> clock.now().isoformat()
    '2026-01-01T01:00:00+00:00'
    """

    __slots__ = ("_native",)
    _native: _NativeClock

    def __init__(self) -> None:
        raise ArgumentTypeError("Clock.manual(time) makes a clock", "INVALID_ARGUMENT")

    @staticmethod
    def manual(time: datetime | int | float) -> Clock:
        """A clock that stands at ``time``: an aware datetime, or seconds since 1970 UTC."""
        clock = object.__new__(Clock)
        clock._native = _native.Clock(to_millis(time))
        return clock

    def now(self) -> datetime:
        """The time it stands at."""
        return to_datetime(self._native.now())

    def set(self, time: datetime | int | float) -> None:
        """Puts it at ``time``."""
        self._native.set(to_millis(time))

    def advance(self, period: timedelta | int | float) -> None:
        """Moves it by a timedelta or by seconds (negative: back)."""
        seconds = period.total_seconds() if isinstance(period, timedelta) else period
        self._native.advance(to_millis(seconds))


class Step:
    """A session step, parsed once, run many times.

    >>> step = Step.parse({"operation": "Put Data", "fields": "cart, total"})
    >>> step.operation, step.fields
    ('PUT', ('cart', 'total'))
    """

    __slots__ = ("_native",)
    _native: _NativeStep

    def __init__(self) -> None:
        raise ArgumentTypeError("Step.parse(step) makes a step", "INVALID_ARGUMENT")

    @staticmethod
    def parse(step: Mapping[str, Any] | Text) -> Step:
        """Reads a step from a dict or from JSON text, within the default limits (``Store.parse_step``: the store's).

        ``INVALID_STEP`` names the member that is wrong and, for an unknown one, the nearest known; ``INVALID_JSON``.
        """
        return Step._of(_native.Step(text_or_dumps(step)))

    @staticmethod
    def _of(native: _NativeStep) -> Step:
        step = object.__new__(Step)
        step._native = native
        return step

    @property
    def operation(self) -> Literal["GET", "PUT", "DELETE"]:
        """What the step does."""
        return self._native.operation

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields, in order, each once."""
        return self._native.fields

    def to_dict(self) -> dict[str, Any]:
        """The step in its full wire form."""
        step: dict[str, Any] = loads(self.to_json().encode())
        return step

    def to_json(self) -> str:
        """The step in its full wire form, as JSON text."""
        return self._native.to_json()

    def __reduce__(self) -> tuple[Any, ...]:
        return Step.parse, (self.to_json(),)

    def __repr__(self) -> str:
        return f"Step({self.to_json()})"


class VerifiedToken:
    """The proof of who the user is; only ``Store.verify`` makes one."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.VerifiedToken) -> None:
        self._native = native

    @property
    def realm(self) -> str:
        """The issuer's realm: with the subject, the user's identity."""
        return self._native.realm

    @property
    def subject(self) -> str:
        """The subject: the user within the realm."""
        return self._native.subject

    @property
    def issuer(self) -> str:
        """Who issued the token, its ``iss``."""
        return self._native.issuer

    @property
    def id(self) -> str | None:
        """The token's own id, its ``jti``, for ``Store.revoke_token_id``; None if it has none."""
        return self._native.id

    @property
    def issued_at(self) -> datetime:
        """When the token was issued."""
        return to_datetime(self._native.issued_at)

    @property
    def expires_at(self) -> datetime:
        """When the token ends."""
        return to_datetime(self._native.expires_at)

    @property
    def acr(self) -> str | None:
        """How the user was authenticated; None if the issuer does not say."""
        return self._native.acr

    @property
    def authenticated_at(self) -> datetime | None:
        """When the user was authenticated, ``auth_time``; None if the issuer does not say."""
        return to_optional_datetime(self._native.authenticated_at)

    def __repr__(self) -> str:
        return f"VerifiedToken(realm={self.realm!r}, expires_at={self.expires_at.isoformat()})"
