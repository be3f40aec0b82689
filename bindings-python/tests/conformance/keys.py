"""Calls on keys: those of a store, and those of its keyring's file."""

from __future__ import annotations

from typing import Any

import sessile

from .running import Running, settled


class KeyCalls(Running):
    """Calls without ``on``, on keys."""

    async def store_rewrap(self, call: dict[str, Any]) -> Any:
        page = {name: self.given(value) for name, value in call.get("page", {}).items()}
        return await settled(self.store.rewrap(**page))

    async def store_key_usage(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.key_usage())

    async def store_drop_key(self, call: dict[str, Any]) -> None:
        await settled(self.store.drop_key(call["key"]))

    async def store_reload_keys(self, call: dict[str, Any]) -> None:
        await settled(self.store.reload_keys(*([call["bytes"]] if "bytes" in call else [])))

    async def store_keyring_add(self, call: dict[str, Any]) -> Any:
        return sessile.Keyring.add(self.folder / "keyring.json", call["kind"])

    async def store_keyring_promote(self, call: dict[str, Any]) -> None:
        sessile.Keyring.promote(self.folder / "keyring.json", call["key"])

    async def store_keyring_retire(self, call: dict[str, Any]) -> None:
        sessile.Keyring.retire(self.folder / "keyring.json", call["key"])

    async def store_keyring_revoke(self, call: dict[str, Any]) -> None:
        sessile.Keyring.revoke(self.folder / "keyring.json", call["key"])

    async def store_keyring_drop(self, call: dict[str, Any]) -> None:
        sessile.Keyring.drop(self.folder / "keyring.json", call["key"])

    async def store_keyring_describe(self, call: dict[str, Any]) -> Any:
        return sessile.Keyring.describe(self.folder / "keyring.json")
