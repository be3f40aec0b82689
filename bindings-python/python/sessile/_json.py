"""Python values and JSON text: orjson, and what it can't do said in this package's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._lazy import lazy
from .errors import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    import json

    import orjson
else:
    json, orjson = lazy("json"), lazy("orjson")

# What orjson says, which has one class for all.
_HUGE = "Integer exceeds 64-bit range"
_SURROGATES = "str is not valid UTF-8: surrogates not allowed"


def loads(text: bytes) -> Any:
    """Reads JSON text that the core gave, hence valid, its numbers checked."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # An escaped lone surrogate: JSON text may hold one, UTF-8 may not. A str can, as in the standard library.
        return json.loads(text)


def dumps(value: object) -> bytes:
    """JSON text of a value. ``LIMIT_EXCEEDED`` for an integer beyond 64 bits, else `ArgumentTypeError`."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError as error:
        reason = str(error)
    if reason == _SURROGATES:
        try:
            return orjson.dumps(_escaped(value), default=_plain)
        except (TypeError, RecursionError) as error:
            reason = str(error)
    if reason == _HUGE:
        raise InvalidArgumentError(
            "an integer beyond 64 bits: put_raw takes it as JSON text, and so does a step whose message is text",
            "LIMIT_EXCEEDED",
            {"use": "put_raw"},
        )
    raise ArgumentTypeError(f"not a JSON value: {reason}", "INVALID_ARGUMENT", {})


def text_or_dumps(value: object) -> str | bytes | bytearray:
    """Text is JSON text already; anything else is made into it."""
    return value if isinstance(value, (str, bytes, bytearray)) else dumps(value)


def object_text(value: object, taker: str) -> str | bytes | bytearray:
    """The JSON text of an object, from a mapping or from text; `ArgumentTypeError` for anything else."""
    if isinstance(value, (dict, Mapping)):
        return dumps(value)
    if isinstance(value, (str, bytes, bytearray)):
        return value
    wrong = f"{taker} takes a mapping or JSON text, not {type(value).__name__}"
    raise ArgumentTypeError(wrong, "INVALID_ARGUMENT")


def _plain(value: object) -> object:
    """A mapping of any kind as a dict, which orjson can write."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _escaped(value: object) -> object:
    """The value with its lone surrogates escaped: JSON text can hold them so, and so they come back."""
    if isinstance(value, str):
        return value if value.isascii() else orjson.Fragment(json.dumps(value))
    if isinstance(value, dict):
        return {name: _escaped(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(element) for element in value]
    return value
