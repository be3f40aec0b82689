"""Python values and JSON text: orjson, and what it can't do said in this package's errors."""

from __future__ import annotations

import json
from typing import Any

import orjson

from .errors import ArgumentTypeError, InvalidArgumentError

_INT64 = range(-(2**63), 2**64)


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
        return orjson.dumps(value)
    except TypeError as error:
        raise _unfit(value, error) from None


def text_or_dumps(value: object) -> str | bytes | bytearray:
    """Text is JSON text already; anything else is made into it."""
    return value if isinstance(value, (str, bytes, bytearray)) else dumps(value)


def _unfit(value: object, error: TypeError) -> InvalidArgumentError:
    if _holds_huge_integer(value, 0):
        return InvalidArgumentError(
            "an integer beyond 64 bits: put_raw takes it as JSON text, and so does a step whose message is text",
            "LIMIT_EXCEEDED",
            {"use": "put_raw"},
        )
    return ArgumentTypeError(f"not a JSON value: {error}", "INVALID_ARGUMENT", {})


def _holds_huge_integer(value: object, depth: int) -> bool:
    if isinstance(value, int):
        return value not in _INT64
    if depth > 256:  # orjson has given up by then, perhaps on a value that holds itself
        return False
    if isinstance(value, dict):
        return any(_holds_huge_integer(member, depth + 1) for member in value.values())
    if isinstance(value, (list, tuple)):
        return any(_holds_huge_integer(element, depth + 1) for element in value)
    return False
