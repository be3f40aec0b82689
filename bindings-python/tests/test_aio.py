"""What is asyncio's own: the event loop goes on, cancelling drops a result, loops and threads share a store."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import weakref
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import aio


async def _global(store: aio.Store, subject: str = "u") -> aio.Session:
    return store.execution(REST, await store.tokens.issue({"sub": subject}, ttl=60)).global_()


def test_what_is_ready_does_not_suspend() -> None:
    async def work() -> int:
        async with aio.Store.open("memory:") as store, store.execution() as run:
            turns = 0

            def turn() -> None:
                nonlocal turns
                turns += 1

            asyncio.get_running_loop().call_soon(turn)
            await run.local.put({"x": 1})
            await run.step({"fields": "x"}, {})
            await (await _global(store)).put({"x": 1})
            return turns

    assert asyncio.run(work()) == 0


def test_blocks_and_their_ends() -> None:
    async def work() -> None:
        store = await aio.Store.open("memory:")
        async with store:
            async with store.execution() as run, run.subprocess("part") as part:
                await part.scoped.put({"x": 1})
                assert await part.commit() == sessile.Committed(put=("x",), deleted=())
                assert await run.local.get("x") == 1
            with pytest.raises(sessile.ClosedError):
                await part.scoped.get("x")
            other = store.execution()
            other.end()
            await other.end()
        with pytest.raises(sessile.ClosedError):
            store.execution()

    asyncio.run(work())


def test_update_takes_plain_and_async_functions() -> None:
    async def work() -> None:
        async with aio.Store.open("memory:") as store:
            local = store.execution().local
            assert await local.update("n", lambda old: old + 1, default=0) == 1

            async def add(old: int) -> int:
                await asyncio.sleep(0)
                return old + 1

            assert await local.update("n", add) == 2
            assert await local.update("n", lambda _: sessile.DELETE) is None
            assert await local.keys() == []

    asyncio.run(work())


def test_many_at_once_on_durable_writes(on_disk: dict[str, Any]) -> None:
    async def work() -> None:
        async with aio.Store.open(**on_disk, durability="commit") as store:
            sessions = [await _global(store, f"user-{n % 4}") for n in range(100)]
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    await asyncio.sleep(0)
                    ticks += 1

            ticking = asyncio.create_task(tick())
            await asyncio.gather(*(session.increment("n") for session in sessions))
            ticking.cancel()
            assert [await session.get("n") for session in sessions[:4]] == [25] * 4
            assert ticks > 1, "the loop went on meanwhile"

    asyncio.run(work())


def test_cancelling_drops_the_result_not_the_operation(on_disk: dict[str, Any]) -> None:
    async def work() -> None:
        async with aio.Store.open(**on_disk, durability="commit") as store:
            session = await _global(store)
            await session.put({"n": 0})
            tasks = [asyncio.create_task(session.increment("n")) for _ in range(20)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            given = await asyncio.gather(*tasks, return_exceptions=True)
            assert any(isinstance(result, asyncio.CancelledError) for result in given)
            deadline = asyncio.get_running_loop().time() + 5
            while await session.get("n") != 20:
                assert asyncio.get_running_loop().time() < deadline
                await asyncio.sleep(0.01)

    asyncio.run(work())


def test_an_error_comes_through_the_queue(on_disk: dict[str, Any]) -> None:
    async def work() -> None:
        async with aio.Store.open(**on_disk, durability="commit") as store:
            session = await _global(store)
            version = await session.put_if("x", 1, None)
            both = await asyncio.gather(*(session.put_if("x", n, version) for n in (2, 3)), return_exceptions=True)
            assert {type(result) for result in both} == {str, sessile.ConflictError}

    asyncio.run(work())


def test_loops_in_several_threads_share_a_store(on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk, durability="commit") as store:
        token = store.tokens.issue({"sub": "u"}, ttl=60)
        shared = aio.Store(store._native)

        async def work() -> None:
            session = shared.execution(REST, token).global_()
            await asyncio.gather(*(session.increment("n") for _ in range(20)))

        threads = [threading.Thread(target=lambda: asyncio.run(work())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.execution(REST, token).global_()["n"] == 80


def test_a_loop_and_its_descriptors_go_away(on_disk: dict[str, Any]) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    async def work() -> weakref.ref[asyncio.AbstractEventLoop]:
        async with aio.Store.open("memory:") as store:
            await store.execution().local.put({"x": 1})
        return weakref.ref(asyncio.get_running_loop())

    asyncio.run(work())
    gc.collect()
    before = descriptors()
    loops = [asyncio.run(work()) for _ in range(10)]
    gc.collect()
    assert descriptors() == before
    assert [loop for loop in loops if loop() is not None] == []


def test_a_loop_that_watches_no_descriptors_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        # What a loop has that does not implement it.
        monkeypatch.setattr(type(asyncio.get_running_loop()), "add_reader", asyncio.AbstractEventLoop.add_reader)
        with pytest.raises(sessile.UnsupportedError, match="add_reader"):
            await aio.Store.open("memory:")

    asyncio.run(work())


def test_the_same_names() -> None:
    missing = {
        f"{kind}.{name}"
        for kind in ("Store", "Configs", "Sessions", "Tokens", "Execution", "Subprocess", "Session")
        for name in vars(getattr(sessile, kind))
        if not name.startswith("_") and not hasattr(getattr(aio, kind), name)
    }
    assert missing == set()
