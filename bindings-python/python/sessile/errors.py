"""What can go wrong: one class a kind of error, each also the built-in exception that one would catch.

Every error has a ``code`` (a stable number), a ``name`` (``"NOT_FOUND"``), ``retryable`` (the same call may succeed
later) and ``details`` (for programs; stable member names, never a secret). Catch a class, or look at ``name``.

=========================  ==================  ============================================================
class                      is also             names
=========================  ==================  ============================================================
`InvalidArgumentError`     ValueError          INVALID_ARGUMENT INVALID_JSON INVALID_STEP MESSAGE_NOT_OBJECT
                                               LIMIT_EXCEEDED CONFIG_INVALID
`ArgumentTypeError`        TypeError           INVALID_ARGUMENT, for an argument of a wrong Python type
`ClosedError`              RuntimeError        CLOSED FORKED
`UnsupportedError`         NotImplementedError UNSUPPORTED
`NotFoundError`            KeyError            NOT_FOUND
`ConflictError`                                ALREADY_EXISTS CONFLICT STALE
`SessionEndedError`                            SESSION_EXPIRED SESSION_REVOKED
`SchemaError`              ValueError          SCHEMA_VIOLATION SELECTOR_MISMATCH
`StateError`                                   QUOTA_EXCEEDED READ_ONLY, and the base of the four above
`IdentityError`            PermissionError     GLOBAL_NOT_ALLOWED TOKEN_MALFORMED TOKEN_SIGNATURE TOKEN_EXPIRED
                                               TOKEN_NOT_YET TOKEN_CLAIMS TOKEN_UNTRUSTED TOKEN_REVOKED
                                               REFRESH_REUSED
`KeyringError`                                 KEY_REQUIRED KEYRING_INVALID KEY_UNAVAILABLE KEY_MISMATCH
                                               KEY_REVOKED
`DataError`                                    CORRUPT FORMAT_TOO_NEW, and the base of `KeyringError`
`BackendTimeoutError`      TimeoutError        TIMEOUT
`BackendError`             OSError             UNAVAILABLE BUSY IO, and the base of `BackendTimeoutError`
`InternalError`            RuntimeError        PANIC INTERNAL
=========================  ==================  ============================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import _native
from ._lazy import lazy

if TYPE_CHECKING:
    import orjson
else:
    orjson = lazy("orjson")

__all__ = [
    "ArgumentTypeError",
    "BackendError",
    "BackendTimeoutError",
    "ClosedError",
    "ConflictError",
    "DataError",
    "IdentityError",
    "InternalError",
    "InvalidArgumentError",
    "KeyringError",
    "NotFoundError",
    "SchemaError",
    "SessileError",
    "SessionEndedError",
    "StateError",
    "UnsupportedError",
]


class SessileError(Exception):
    """The base of all errors of this package."""

    code: int
    """The stable number."""
    name: str
    """The stable name, ``UPPER_SNAKE``."""
    retryable: bool
    """Whether the same call may succeed later, unchanged."""
    details: dict[str, Any]
    """Details for programs; ``{}`` when there are none."""

    def __init__(self, message: str, name: str = "INTERNAL", details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.code, self.retryable = _CODES[name]
        self.details = {} if details is None else details

    def __str__(self) -> str:
        # A KeyError would print the message's repr, an OSError may look for an errno.
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.name, self.details)


class InvalidArgumentError(SessileError, ValueError):
    """The call itself was wrong: an argument, a step, a message, or a limit exceeded."""


class ArgumentTypeError(InvalidArgumentError, TypeError):
    """An argument has a wrong Python type. A ``TypeError`` as everywhere in Python, and ``INVALID_ARGUMENT``."""


class ClosedError(SessileError, RuntimeError):
    """The store, execution or sub-process has ended, or belongs to the process before a fork."""


class UnsupportedError(SessileError, NotImplementedError):
    """This store or platform cannot do that."""


class StateError(SessileError):
    """The call was right, the stored state says no."""


class NotFoundError(StateError, KeyError):
    """The field or thing named does not exist."""


class ConflictError(StateError):
    """Somebody else changed or made it first."""


class SessionEndedError(StateError):
    """The session has expired, was ended or was revoked."""


class SchemaError(StateError, ValueError):
    """The data does not satisfy the configuration's schema, or names another user."""


class IdentityError(SessileError, PermissionError):
    """The proof of identity is missing or not good."""


class DataError(SessileError):
    """Stored bytes are not what they must be: a human has to look."""


class KeyringError(DataError):
    """The keyring is missing, unusable, or lacks a key."""


class BackendError(SessileError, OSError):
    """The backend could not serve: a repeat may succeed."""


class BackendTimeoutError(BackendError, TimeoutError):
    """The deadline of the operation passed."""


class InternalError(SessileError, RuntimeError):
    """A fault of this library; please report it."""


_CODES: Final[dict[str, tuple[int, bool]]] = {name: (number, retryable) for number, name, _, retryable in _native.codes()}
_NAMES: Final[dict[int, str]] = {number: name for name, (number, _) in _CODES.items()}

CLASSES: Final[dict[str, type[SessileError]]] = {
    "INVALID_ARGUMENT": InvalidArgumentError,
    "INVALID_JSON": InvalidArgumentError,
    "INVALID_STEP": InvalidArgumentError,
    "MESSAGE_NOT_OBJECT": InvalidArgumentError,
    "LIMIT_EXCEEDED": InvalidArgumentError,
    "CONFIG_INVALID": InvalidArgumentError,
    "CLOSED": ClosedError,
    "FORKED": ClosedError,
    "UNSUPPORTED": UnsupportedError,
    "NOT_FOUND": NotFoundError,
    "ALREADY_EXISTS": ConflictError,
    "CONFLICT": ConflictError,
    "STALE": ConflictError,
    "SESSION_EXPIRED": SessionEndedError,
    "SESSION_REVOKED": SessionEndedError,
    "SCHEMA_VIOLATION": SchemaError,
    "SELECTOR_MISMATCH": SchemaError,
    "QUOTA_EXCEEDED": StateError,
    "READ_ONLY": StateError,
    "GLOBAL_NOT_ALLOWED": IdentityError,
    "TOKEN_MALFORMED": IdentityError,
    "TOKEN_SIGNATURE": IdentityError,
    "TOKEN_EXPIRED": IdentityError,
    "TOKEN_NOT_YET": IdentityError,
    "TOKEN_CLAIMS": IdentityError,
    "TOKEN_UNTRUSTED": IdentityError,
    "TOKEN_REVOKED": IdentityError,
    "REFRESH_REUSED": IdentityError,
    "KEY_REQUIRED": KeyringError,
    "KEYRING_INVALID": KeyringError,
    "KEY_UNAVAILABLE": KeyringError,
    "KEY_MISMATCH": KeyringError,
    "KEY_REVOKED": KeyringError,
    "CORRUPT": DataError,
    "FORMAT_TOO_NEW": DataError,
    "UNAVAILABLE": BackendError,
    "TIMEOUT": BackendTimeoutError,
    "BUSY": BackendError,
    "IO": BackendError,
    "PANIC": InternalError,
    "INTERNAL": InternalError,
}
"""The class of each name; a test holds it against the core's list of codes."""


def from_core(code: int, message: str, details: str) -> SessileError:
    """The exception of an error of the core. ``details`` is JSON text."""
    name = _NAMES[code]
    return CLASSES[name](message, name, orjson.loads(details))


def wrong_type(code: int, message: str, details: str) -> SessileError:
    """The exception of an argument of a wrong Python type."""
    return ArgumentTypeError(message, _NAMES[code], orjson.loads(details))


def not_found(name: str) -> NotFoundError:
    """The exception of ``session[name]`` where there is no such field."""
    return NotFoundError(f"the session has no field {name!r}", "NOT_FOUND", {"field": name})
