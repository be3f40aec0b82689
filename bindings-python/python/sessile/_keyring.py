"""Keyrings: made, and their files changed. Whoever has one can open everything that it sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from . import _native
from ._json import loads
from ._records import to_time
from ._types import Path

KeyState: TypeAlias = Literal["pending", "primary", "retired", "revoked"]


@dataclass(frozen=True, slots=True)
class DataKey:
    """A key that seals records, without its bytes."""

    id: int
    """Its name; the calls of `Keyring` take it as text: ``"2"``."""
    state: KeyState
    """Where it is in its life."""
    created: datetime
    """When it was made."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs the store's own tokens, without its bytes."""

    kid: str
    """Its name."""
    state: KeyState
    """Where it is in its life."""
    created: datetime
    """When it was made."""


@dataclass(frozen=True, slots=True)
class KeyringDescription:
    """What is in a keyring file."""

    data: tuple[DataKey, ...]
    """The keys that seal records; one is primary."""
    signing: tuple[SigningKey, ...]
    """The keys that sign tokens; one is primary."""


class Keyring:
    """Makes keyrings, and changes their files. A keyring holds the keys that everything is sealed with: lose it, and all
    is lost.

    A change is made as a whole or not at all; stores that are open follow it within seconds. All changes give
    `KeyringError` for a file that is no keyring, `NotFoundError` for a key that is not in it, `ConflictError` for a step
    that the key's state forbids, `BackendError`.
    """

    @staticmethod
    def generate(path: Path) -> None:
        """Makes a new keyring file, readable by its owner only. ``ALREADY_EXISTS`` if something is there."""
        _native.generate_keyring(path)

    @staticmethod
    def generate_json() -> str:
        """A new keyring as JSON text, to be kept elsewhere: ``Store.open(keyring_bytes=…)`` or ``keyring_env``."""
        return _native.generate_keyring_json()

    @staticmethod
    def add(path: Path, kind: Literal["data", "signing"]) -> str:
        """Adds a pending key: it opens (or verifies), and does not seal yet. Its name, for the calls below: a data
        key's id (``"2"``), a signing key's kid."""
        return _native.add_key(path, kind)

    @staticmethod
    def promote(path: Path, key: str) -> None:
        """The key is primary from now on, and the one that was is retired. A pending one must be 60 seconds old, so that
        every process has it before anything is sealed with it: `ConflictError`, ``waitSeconds`` in its details."""
        _native.promote_key(path, key)

    @staticmethod
    def retire(path: Path, key: str) -> None:
        """The key opens what it sealed, and nothing more: one that was pending and is not wanted, or was revoked too
        soon. The primary is retired by promoting another."""
        _native.retire_key(path, key)

    @staticmethod
    def revoke(path: Path, key: str) -> None:
        """The key opens nothing any more: what is still sealed with it is ``KEY_REVOKED``. To be undone by `retire`."""
        _native.revoke_key(path, key)

    @staticmethod
    def drop(path: Path, key: str) -> None:
        """Takes a revoked key out of the file: nobody can ever open what it sealed. Of the data keys the newest stays.
        ``Store.drop_key`` makes sure that nothing is lost."""
        _native.drop_key(path, key)

    @staticmethod
    def describe(path: Path) -> KeyringDescription:
        """What is in the file, without a key."""
        found = loads(_native.describe_keyring(path))
        return KeyringDescription(
            tuple(DataKey(key["id"], key["state"], to_time(key["created"])) for key in found["data"]),
            tuple(SigningKey(key["kid"], key["state"], to_time(key["created"])) for key in found["signing"]),
        )
