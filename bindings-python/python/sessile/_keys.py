"""The keys of an open store: what is sealed with which, and sealed anew."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ._json import loads
from ._keyring import KeyState
from ._records import to_record
from ._types import Text
from .errors import ArgumentTypeError

KeyringCallback: TypeAlias = Callable[[], Text]
"""Gives a keyring's JSON text, from wherever it is kept."""
AwaitedKeyringCallback: TypeAlias = Callable[[], Text | Awaitable[Text]]
"""The same, plain or async."""


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How far a rewrap came."""

    done: bool
    """Whether it came to the end."""
    cursor: str | None
    """Where the next call goes on; None: it is done."""
    rewrapped: int
    """How many cells were sealed anew."""
    skipped: int
    """How many can't be opened."""


@dataclass(frozen=True, slots=True)
class DataKeyUsage:
    """How much is sealed with a data key."""

    id: int
    """The key's name."""
    state: KeyState | Literal["missing"]
    """``"missing"``: something is sealed with it, and the keyring does not have it."""
    heads: int
    """How many sessions' heads."""
    fields: int
    """How many fields."""
    users: int
    """How many users' records."""
    configs: int
    """How many configurations."""
    revocations: int
    """How many revocations of tokens and issuers."""


@dataclass(frozen=True, slots=True)
class SigningKeyUsage:
    """A signing key."""

    kid: str
    """Its name."""
    state: KeyState
    """Where it is in its life."""


@dataclass(frozen=True, slots=True)
class KeyringProblem:
    """Why the keyring that was offered last is not in force."""

    code: str
    """The name of an error."""
    message: str
    """The same for people."""


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """What `Store.key_usage` found."""

    keys: tuple[DataKeyUsage, ...]
    """Every data key of the keyring, and every other that something is sealed with."""
    unreadable: int
    """How many cells name no key, and how many configurations can't be opened."""
    seals_with: int
    """The data key that seals now."""
    signs_with: str
    """The signing key that signs now."""
    signing: tuple[SigningKeyUsage, ...]
    """The signing keys of the keyring."""
    problem: KeyringProblem | None
    """None: the keyring that was offered last is in force."""


def to_rewrapped(text: bytes) -> Rewrapped:
    """A `Rewrapped` from the core's document."""
    return to_record(Rewrapped, loads(text))


def to_usage(text: bytes) -> KeyUsage:
    """A `KeyUsage` from the core's document."""
    found = loads(text)
    problem = found["problem"]
    parts = {
        "keys": [to_record(DataKeyUsage, key) for key in found["keys"]],
        "signing": [to_record(SigningKeyUsage, key) for key in found["signing"]],
        "problem": None if problem is None else to_record(KeyringProblem, problem),
    }
    return to_record(KeyUsage, {**found, **parts})


def check_callback(callback: object) -> None:
    """`ArgumentTypeError` for what can't be called."""
    if not callable(callback):
        wrong = f"keyring_callback is a function, not {type(callback).__name__}"
        raise ArgumentTypeError(wrong, "INVALID_ARGUMENT")


def given_keyring(given: object) -> Text:
    """What a keyring's callback gave, if it is text."""
    if isinstance(given, (str, bytes, bytearray)):
        return given
    wrong = f"keyring_callback gives str, bytes or bytearray, not {type(given).__name__}"
    raise ArgumentTypeError(wrong, "INVALID_ARGUMENT")


async def awaited_keyring(callback: AwaitedKeyringCallback) -> Text:
    """What a keyring's callback gives, plain or async."""
    given = callback()
    return given_keyring(await given if inspect.isawaitable(given) else given)
