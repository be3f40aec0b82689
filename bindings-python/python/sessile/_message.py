"""A step's message on its way over the border: JSON text stays text, of a dict only the named members go.

Text in (``str``, ``bytes``, ``bytearray``: always JSON text) gives the same type out. A dict is object mode: PUT and
DELETE give that same dict, GET a shallow copy. ``None`` counts as ``{}``. Anything else is no message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from . import _native
from ._json import dumps, loads
from ._lazy import lazy

if TYPE_CHECKING:
    import copy
else:
    copy = lazy("copy")

Message = TypeVar("Message")

_NO_OBJECT = b"[]"


def is_object(message: object) -> bool:
    """Whether the message is in object mode: then what comes back is read as Python values."""
    return not isinstance(message, (str, bytes, bytearray))


def outgoing(step: _native.Step, message: object) -> str | bytes | bytearray | None:
    """The text that the core is given."""
    if isinstance(message, dict):
        # Only a PUT needs members of the message; the others are content with none.
        return dumps({name: message[name] for name in step.taken if name in message}) if step.taken else None
    if message is None or isinstance(message, (str, bytes, bytearray)):
        return message
    # Whether a step minds is the core's to say; that it is no object is all that it needs to know.
    return _NO_OBJECT


def incoming(message: Any, text: bytes | None) -> Any:
    """The output message: ``text`` is what the core gave, None for the message as it came in."""
    if text is None:
        return message
    if type(message) is dict:
        return message | loads(text)
    if message is None:
        return loads(text)
    if isinstance(message, str):
        return str(text, "utf-8")
    if isinstance(message, bytes):
        return text
    if isinstance(message, bytearray):
        return bytearray(text)
    output = copy.copy(message)
    # One by one: a subclass's update may do more than set (a Counter's adds).
    for name, value in loads(text).items():
        output[name] = value
    return output
