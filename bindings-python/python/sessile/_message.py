"""A step's message on its way over the border: JSON text stays text, of a dict only the named members go.

Text in (``str``, ``bytes``, ``bytearray``: always JSON text) gives the same type out. A dict is object mode: PUT and
DELETE give that same dict, GET a shallow copy. ``None`` counts as ``{}``. Anything else is no message.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from . import _native
from ._json import dumps, loads

Message = TypeVar("Message")

_NO_OBJECT = b"[]"


def is_object(message: object) -> bool:
    """Whether the message is in object mode: then what comes back is read as Python values."""
    return not isinstance(message, (str, bytes, bytearray))


def outgoing(step: _native.Step, message: object) -> str | bytes | bytearray | None:
    """The text that the core is given."""
    if isinstance(message, dict):
        # A GET only sets members: it needs none of those that are there.
        fields = () if step.operation == "GET" else step.fields
        return dumps({name: message[name] for name in fields if name in message})
    if message is None or isinstance(message, (str, bytes, bytearray)):
        return message
    # Whether a step minds is the core's to say; that it is no object is all that it needs to know.
    return _NO_OBJECT


def incoming(step: _native.Step, message: Any, text: bytes | None) -> Any:
    """The output message: ``text`` is what the core gave, None for the message as it came in."""
    if isinstance(message, str):
        return message if text is None else str(text, "utf-8")
    if isinstance(message, bytes):
        return message if text is None else text
    if isinstance(message, bytearray):
        return message if text is None else bytearray(text)
    if text is None:
        return message
    if message is None:
        return loads(text)
    output = message.copy() if type(message) is dict else copy.copy(message)
    # One by one: a subclass's update may do more than set (a Counter's adds).
    for name, value in loads(text).items():
        output[name] = value
    return output
