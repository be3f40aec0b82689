"""Session configurations: which kinds of sessions there are, each with its tag, schema, selector and expiry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from . import _native
from ._json import dumps, loads, object_text, text_or_dumps
from ._records import Page, page_text, to_page, to_record
from ._session import names_of
from ._types import Text


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration. The members of its definition, and what the core made of them.

    A period is ``{"value": 30, "period": "mins"}``. Without a schema ``schema``, ``form``, ``json_schema``,
    ``schema_class``, ``selector`` and ``selector_type`` are None.
    """

    tag: str
    """Names it within workspace, product and env."""
    name: str
    """Its name for people."""
    description: str | None
    """What it is for."""
    expiry: int | None
    """How many ``period`` a session lives; None: for ever."""
    period: str | None
    """The unit of ``expiry``: ``"days"``, ``"months"``, …"""
    idle: dict[str, Any] | None
    """The period of no use after which a session ends."""
    schema: dict[str, Any] | None
    """The schema of a session's data as it was given."""
    form: Literal["shorthand", "sample", "json-schema"] | None
    """How it was given."""
    json_schema: dict[str, Any] | None
    """The same as a JSON Schema."""
    schema_class: Literal["separable", "whole"] | None
    """``"separable"``: each field is checked by itself; ``"whole"``: a write has the whole session checked."""
    selector: str | None
    """The field of the data that names the user: ``"$Session{userId}"``."""
    selector_type: Literal["string", "integer", "number", "boolean"] | None
    """The type of that field."""
    token_expiry: int
    """How many ``token_period`` a session token is good for."""
    token_period: str
    """The unit of ``token_expiry``."""
    refresh_expiry: int
    """How many ``refresh_period`` a refresh token is good for."""
    refresh_period: str
    """The unit of ``refresh_expiry``."""
    max_sessions_per_user: int | None
    """How many sessions of one user may be alive at once; None: any number."""
    on_limit: Literal["evict_oldest", "reject"]
    """What happens to one more."""
    shred: bool
    """Whether each user's data is sealed under a secret of its own."""
    refresh_grace: int
    """The seconds in which a refresh token may be used again."""
    max_lifetime: dict[str, Any] | None
    """The period beyond which no session is extended."""
    retention: dict[str, Any] | None
    """The period for which a user is remembered after their last session; None: for ever."""
    acr: tuple[str, ...] | None
    """The authentication context classes that a login token must have."""
    max_auth_age: int | None
    """The seconds since the user's authentication that a login token may be old."""
    version: int
    """Counts the changes of the configuration."""
    created_at: datetime | None
    """When it was made; None for ``global``, which is built in."""
    updated_at: datetime | None
    """When it last changed; None for ``global``."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the tags, sorted."""

    created: tuple[str, ...]
    """Those that were not there."""
    updated: tuple[str, ...]
    """Those that were replaced."""
    unchanged: tuple[str, ...]
    """Those that were the same."""


@dataclass(frozen=True, slots=True)
class SelectorOption:
    """A field that a configuration may take as its selector."""

    selector: str
    """The spelling that a configuration shows: ``"$Session{profile}{age}"``."""
    path: str
    """The short one, which it accepts as well: ``"profile.age"``."""
    type: Literal["string", "integer", "number", "boolean"]
    """The type of the field."""


def selector_options(schema: Mapping[str, Any] | Text) -> list[SelectorOption]:
    """The fields that a configuration with this schema (a mapping or JSON text, in any of its three forms) may take as
    its selector, in the order of the schema. ``CONFIG_INVALID`` says what is wrong with the schema, and where.

    >>> [option.path for option in selector_options({"userId": "string", "profile": {"age": "integer"}})]
    ['userId', 'profile.age']
    """
    options = loads(_native.selector_options(text_or_dumps(schema)).encode())
    return [to_record(SelectorOption, option) for option in options]


class Configs:
    """The configurations of a store, within its workspace, product and env.

    A *definition* has ``name`` and, all optional, ``tag``, ``description``, ``expiry`` and ``period``, ``idle``,
    ``schema``, ``form``, ``selector``, ``tokenExpiry`` and ``tokenPeriod``, ``refreshExpiry`` and ``refreshPeriod``,
    ``maxSessionsPerUser``, ``onLimit``, ``shred``, ``refreshGrace``, ``maxLifetime``, ``retention``, ``acr``,
    ``maxAuthAge``; see `Config`. What is wrong with one is ``CONFIG_INVALID``, with ``member`` and ``given`` in its
    details and what is accepted in its message.
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Configs) -> None:
        self._native = native

    def create(self, definition: Mapping[str, Any] | Text) -> Config:
        """Makes a configuration from its definition, a mapping or JSON text. ``ALREADY_EXISTS`` if its tag is taken."""
        return to_config(self._native.create(object_text(definition, "create")))

    def get(self, tag: str) -> Config:
        """The configuration of that tag. `NotFoundError`."""
        return to_config(self._native.get(tag))

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Config]:
        """The configurations, sorted by tag: ``limit`` (1 to 1000, default 100) from ``cursor`` on."""
        return to_configs(self._native.list(page_text(limit, cursor)))

    def update(self, tag: str, changes: Mapping[str, Any] | Text) -> Config:
        """Changes the members given, a mapping or JSON text; None resets one to its default. ``tag``, ``selector`` and
        ``shred`` stay as they are. `NotFoundError`."""
        return to_config(self._native.update(tag, object_text(changes, "update")))

    def delete(self, tag: str, force: bool = False) -> None:
        """Deletes a configuration. `ConflictError` while sessions of it are alive, unless ``force``. `NotFoundError`.

        Takes a second and the deadline of an operation, until no process knows it any more."""
        self._native.delete(tag, force)

    def export(self, tags: Iterable[str] | None = None) -> dict[str, Any]:
        """The definitions of these tags (None: of all but ``global``), a document for `import_`. `NotFoundError`."""
        document: dict[str, Any] = loads(self._native.export(tags_text(tags)))
        return document

    def import_(self, document: Mapping[str, Any] | Text, replace: bool = False) -> Imported:
        """Takes over the definitions of a document that `export` gave, a mapping or JSON text; what it did.

        ``replace``: also where there is another one of that tag, which is `ConflictError` otherwise."""
        return to_record(Imported, loads(self._native.import_(object_text(document, "import_"), replace)))


def to_config(text: bytes) -> Config:
    """A `Config` from the core's document."""
    return to_record(Config, loads(text))


def to_configs(text: bytes) -> Page[Config]:
    """A page of them."""
    return to_page(lambda found: to_record(Config, found), "configs", text)


def tags_text(tags: Iterable[str] | None) -> bytes | None:
    """Several tags as JSON text."""
    return None if tags is None else dumps(names_of(tags))
