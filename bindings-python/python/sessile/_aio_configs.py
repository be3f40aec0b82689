"""Session configurations, awaitable: the twin of `_configs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import _native
from ._configs import Config, Imported, tags_text, to_config, to_configs
from ._json import loads, object_text
from ._loop import later
from ._records import Page, page_text, to_record
from ._types import Text


class Configs:
    """The configurations of a store; see `sessile.Configs`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Configs) -> None:
        self._native = native

    async def create(self, definition: Mapping[str, Any] | Text) -> Config:
        """Makes a configuration from its definition, a mapping or JSON text."""
        return to_config(await later(self._native.create, object_text(definition, "create")))

    async def get(self, tag: str) -> Config:
        """The configuration of that tag. `NotFoundError`."""
        return to_config(await later(self._native.get, tag))

    async def list(self, *, limit: int | None = None, cursor: str | None = None) -> Page[Config]:
        """The configurations, sorted by tag: ``limit`` from ``cursor`` on."""
        return to_configs(await later(self._native.list, page_text(limit, cursor)))

    async def update(self, tag: str, changes: Mapping[str, Any] | Text) -> Config:
        """Changes the members given; None resets one to its default."""
        return to_config(await later(self._native.update, tag, object_text(changes, "update")))

    async def delete(self, tag: str, force: bool = False) -> None:
        """Deletes a configuration. `ConflictError` while sessions of it are alive, unless ``force``."""
        await later(self._native.delete, tag, force)

    async def export(self, tags: Iterable[str] | None = None) -> dict[str, Any]:
        """The definitions of these tags (None: of all but ``global``), a document for `import_`."""
        document: dict[str, Any] = loads(await later(self._native.export, tags_text(tags)))
        return document

    async def import_(self, document: Mapping[str, Any] | Text, replace: bool = False) -> Imported:
        """Takes over the definitions of a document that `export` gave; what it did."""
        found = loads(await later(self._native.import_, object_text(document, "import_"), replace))
        return to_record(Imported, found)
