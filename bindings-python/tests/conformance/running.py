"""What all calls of a case share: the store, its clock, and what was kept under a name."""

from __future__ import annotations

import base64
import inspect
import os
import socket
from pathlib import Path
from types import ModuleType
from typing import Any

import sessile

from .compare import to_time

VECTORS = Path(__file__).resolve().parents[3] / "tests" / "vectors"


class Running:
    """The state of a case."""

    def __init__(self, case: dict[str, Any], api: ModuleType, folder: Path) -> None:
        self.case = case
        self.api = api
        self.folder = folder
        self.clock = sessile.Clock.manual(to_time(case.get("clock", "2026-01-01T00:00:00Z")))
        self.store: Any = None
        self.kept: dict[str, Any] = {}

    async def open(self) -> None:
        options = dict(self.case.get("options", {}))
        options.setdefault("url", "memory:")
        if golden := self.case.get("golden"):
            for name in ("sessions.db", "keyring.json"):
                copied = self.folder / name
                copied.write_bytes((VECTORS.parent / "golden" / golden / name).read_bytes())
                copied.chmod(0o600)
            options["url"] = f"sqlite:{self.folder / 'sessions.db'}"
            options["keyring"] = self.folder / "keyring.json"
        elif "url" not in self.case.get("options", {}) and (server := os.environ.get("SESSILE_VECTORS_URL")):
            _empty_server()
            options["url"] = server
            options["keyring"] = os.environ["SESSILE_VECTORS_KEYRING"]
            if "secrets" in options:
                # A server's users have no secrets in memory.
                options["secrets"] = f"sqlite:{self.folder / 'secrets.db'}"
        secrets = {issuer: base64.b64decode(secret) for issuer, secret in self.case.get("secrets", {}).items()}
        self.store = await settled(self.api.Store.open(**options, issuer_secrets=secrets, clock=self.clock))

    async def close(self) -> None:
        if self.store is not None:
            await settled(self.store.close())

    async def call(self, call: dict[str, Any], place: str) -> None:
        """Makes one call and judges it."""
        raise NotImplementedError

    def given(self, value: Any) -> Any:
        """An argument: ``"$name"`` is the text kept under that name, ``"$name.member"`` a member of what was kept;
        anything else is literal."""
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        name, _, member = value[1:].partition(".")
        kept = self.kept.get(name)
        if member:
            kept = kept.get(member) if isinstance(kept, dict) else None
        return kept if isinstance(kept, (str, bytes)) else value

    def expected(self, value: Any) -> Any:
        """What a call must give: the same for every string in it."""
        if isinstance(value, dict):
            return {name: self.expected(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self.expected(element) for element in value]
        return self.given(value)


def _empty_server() -> None:
    """Has everything on the server removed; see tests/vectors/README.md."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(os.environ["SESSILE_VECTORS_EMPTY"])
        assert asking.recv(1), "the server is not emptied"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Any = _Absent()


def finish(coroutine: Any) -> Any:
    """The result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a sync call suspended")


async def settled(result: Any) -> Any:
    """The result of a call, sync or not."""
    return await result if inspect.isawaitable(result) else result
