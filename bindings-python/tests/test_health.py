"""Whether a store can be reached, what its calls came to, and the options that are about a server."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import sessile
from sessile import aio

# Nobody listens on port 1.
NOWHERE = ["redis://127.0.0.1:1", "postgresql://sessile@127.0.0.1:1/x"]


def test_memory_and_a_file_answer(store: sessile.Store, on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk) as file:
        for answering, kind in ((store, "memory"), (file, "sqlite")):
            health = answering.health()
            assert health.ok and health.micros >= 0 and health.error is None
            assert answering.stats().backend == sessile.BackendStats(kind, None, None, None, None, None)
    with pytest.raises(sessile.ClosedError):
        file.health()


@pytest.mark.parametrize("url", NOWHERE)
def test_a_server_that_does_not_answer(on_disk: dict[str, Any], url: str) -> None:
    options = {**on_disk, "url": url, "lazy": True, "backend_password": "swordfish"}
    with sessile.Store.open(**options, limits={"connect": 500, "connections": 1}) as store:
        health = store.health()
        assert not health.ok and health.error is not None
        assert (health.error.code, health.error.reason) == ("UNAVAILABLE", "connection")
        assert health.error.message and "swordfish" not in repr(health)
        backend = store.stats().backend
        assert backend.kind == url.partition(":")[0] and backend.connects == 0
        assert backend.calls is not None and backend.calls == backend.failed and backend.calls >= 1
        with pytest.raises(sessile.BackendError):
            store.global_(store.verify(store.tokens.issue({"sub": "u"}, ttl=60))).put({"a": 1})


@pytest.mark.parametrize("url", NOWHERE)
def test_the_same_awaited(on_disk: dict[str, Any], url: str) -> None:
    async def work() -> None:
        async with aio.Store.open("memory:") as store:
            assert (await store.health()).ok
            assert store.stats().backend.kind == "memory"
        with pytest.raises(sessile.ClosedError):
            await store.health()
        async with aio.Store.open(**{**on_disk, "url": url, "lazy": True}) as store:
            error = (await store.health()).error
            assert error is not None and error.reason == "connection"

    asyncio.run(work())


def test_options_about_a_server(on_disk: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SESSILE_TEST_PASSWORD", raising=False)
    nowhere = {**on_disk, "url": NOWHERE[1], "lazy": True, "allow_eviction": True, "schema": "mine"}
    sessile.Store.open(**nowhere).close()
    for wrong, member in (
        ({"schema": "not a name"}, "schema"),
        ({"password_env": "SESSILE_TEST_PASSWORD"}, "passwordEnv"),
    ):
        with pytest.raises(sessile.InvalidArgumentError) as caught:
            sessile.Store.open(**{**nowhere, **wrong})
        assert caught.value.details["argument"] == member
    monkeypatch.setenv("SESSILE_TEST_PASSWORD", "swordfish")
    sessile.Store.open(**nowhere, password_env="SESSILE_TEST_PASSWORD").close()
    with pytest.raises(sessile.InvalidArgumentError, match="missing.pem"):
        sessile.Store.open(**{**nowhere, "url": "rediss://127.0.0.1:1"}, tls={"ca": tmp_path / "missing.pem"})
    with pytest.raises(sessile.ArgumentTypeError):
        sessile.Store.open(**nowhere, tls="ca.pem")  # type: ignore[arg-type]
    with pytest.raises(sessile.ArgumentTypeError):
        sessile.Store.open(**nowhere, backend_password=7)  # type: ignore[arg-type]
