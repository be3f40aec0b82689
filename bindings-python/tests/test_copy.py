"""A store is copied to another one: what Python makes of it, sync and async."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import aio


def _filled(store: sessile.Store) -> str:
    """Five users with a session each; the token of one."""
    tokens = [store.tokens.issue({"sub": f"u{n}"}, ttl=600) for n in range(5)]
    for token in tokens:
        store.execution(REST, token).global_().put({"cart": ["tea"]})
    return tokens[0]


def test_everything_is_there_afterwards(on_disk: dict[str, Any], tmp_path: Path) -> None:
    there = {**on_disk, "url": f"sqlite:{tmp_path / 'other.db'}"}
    with sessile.Store.open(**on_disk) as store, sessile.Store.open(**there) as other:
        token = _filled(store)
        page = store.copy_to(other, limit=3)
        assert page == sessile.Copied(done=False, cursor=page.cursor, copied=3, unchanged=0, skipped=0)
        copied = page.copied
        while not page.done:
            page = store.copy_to(other, limit=3, cursor=page.cursor)
            copied += page.copied
        assert (copied, page.cursor) == (10, None)
        assert other.execution(REST, token).global_()["cart"] == ["tea"]
        assert store.copy_to(other) == sessile.Copied(done=True, cursor=None, copied=0, unchanged=10, skipped=0)
        assert other.check().ok


def test_what_is_no_copy_is_refused(on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk) as store, sessile.Store.open("memory:") as stranger:
        _filled(store)
        with pytest.raises(sessile.KeyringError) as caught:
            store.copy_to(stranger)
        assert caught.value.name == "KEY_UNAVAILABLE"
        with pytest.raises(sessile.InvalidArgumentError):
            store.copy_to(store)
        with pytest.raises(sessile.InvalidArgumentError):
            store.copy_to(stranger, limit=0)
        with pytest.raises(AttributeError):
            store.copy_to("redis://elsewhere")  # type: ignore[arg-type]


def test_a_copy_awaited(on_disk: dict[str, Any], tmp_path: Path) -> None:
    async def copied() -> aio.Copied:
        there = {**on_disk, "url": f"sqlite:{tmp_path / 'other.db'}"}
        async with await aio.Store.open(**on_disk) as store, await aio.Store.open(**there) as other:
            token = await store.tokens.issue({"sub": "ada"}, ttl=600)
            await store.execution(REST, token).global_().put({"cart": ["tea"]})
            page = await store.copy_to(other)
            assert await other.execution(REST, token).global_().get("cart") == ["tea"]
            return page

    assert asyncio.run(copied()) == aio.Copied(done=True, cursor=None, copied=2, unchanged=0, skipped=0)
