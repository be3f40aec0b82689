"""Forks: open stores close files and connections before one and open them on both sides; a child forked past Python is
refused."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import counting
import pytest
from conftest import REST

import sessile
from sessile import aio


@pytest.fixture(autouse=True)
def fork_with_threads() -> Iterator[None]:
    with warnings.catch_warnings():
        # Python warns of a fork where there are threads: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def _past_python() -> int:
    """A fork that Python's hooks know nothing of."""
    child: int = ctypes.PyDLL(None).fork()
    return child


def _in_a_child(call: Callable[[], object], fork: Callable[[], int] = os.fork) -> str:
    """The name of the error that ``call`` gives in a forked child; ``"OK"``, or ``"HUNG"`` after twenty seconds."""
    reading, writing = os.pipe()
    child = fork()
    if child == 0:
        signal.alarm(20)
        given = "OK"
        try:
            call()
        except BaseException as error:
            given = getattr(error, "name", type(error).__name__)
        finally:
            os.write(writing, given.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with open(reading, "rb") as answer:
        return answer.read().decode() or "HUNG"


def _patient(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "limits": {"deadline": 20_000}}


def test_a_child_forked_past_python_is_refused_what_it_inherited(shared: dict[str, Any]) -> None:
    with sessile.Store.open(**shared) as store:
        run = store.execution(REST, store.tokens.issue({"sub": "u"}, ttl=60))
        session = run.global_()
        session["x"] = 1
        assert _in_a_child(lambda: session["x"], _past_python) == "FORKED"
        assert _in_a_child(lambda: session.put({"x": 2}), _past_python) == "FORKED"
        assert _in_a_child(lambda: run.subprocess("part").global_(scoped=True).put({"x": 2}), _past_python) == "FORKED"
        assert _in_a_child(store.close, _past_python) == "FORKED"
        assert _in_a_child(lambda: run.local.put({"x": 2}), _past_python) == "OK"
        # A file's locks would fall with one of its own; a server's connections are its own.
        opened = "FORKED" if shared["url"].startswith("sqlite:") else "OK"
        assert _in_a_child(lambda: sessile.Store.open(**shared), _past_python) == opened
        assert session["x"] == 1


def test_a_child_is_refused_its_parent_s_memory(store: sessile.Store) -> None:
    session = counting.session_of(store)
    session["x"] = 1
    assert _in_a_child(lambda: session["x"]) == "FORKED"
    assert _in_a_child(lambda: session.put({"x": 2})) == "FORKED"
    assert _in_a_child(store.close) == "FORKED"
    assert _in_a_child(lambda: sessile.Store.open("memory:").close()) == "OK"
    assert session["x"] == 1


def test_a_child_goes_on_with_its_parent_s_store(shared: dict[str, Any]) -> None:
    with sessile.Store.open(**shared) as store:
        session = counting.session_of(store)
        session["x"] = 1
        assert _in_a_child(lambda: session.increment("x")) == "OK"
        assert session["x"] == 2
        assert _in_a_child(lambda: sessile.Store.open(**shared).close()) == "OK"
        assert _in_a_child(store.close) == "OK"
        assert session.increment("x") == 3

        def a_child_of_its_own() -> None:
            assert _in_a_child(lambda: session.increment("x")) == "OK"
            session.increment("x")

        assert _in_a_child(a_child_of_its_own) == "OK"
        assert session["x"] == 5


def _connections() -> set[str]:
    """This process's TCP connections, by their inodes."""
    of_all = {line.split()[9] for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]}
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{name}").removeprefix("socket:[").removesuffix("]"))
    return found & of_all


def test_a_child_shares_no_connection_with_its_parent(shared: dict[str, Any]) -> None:
    with sessile.Store.open(**shared) as store:
        session = counting.session_of(store)
        session["x"] = 1
        before = _connections()
        assert bool(before) == (not shared["url"].startswith("sqlite:"))

        def in_the_child() -> None:
            session.increment("x")
            assert bool(_connections()) == bool(before)
            assert not _connections() & before

        assert _in_a_child(in_the_child) == "OK"
        assert session.increment("x") == 3
        assert not _connections() & before, "the parent has new ones too"


def test_forks_while_threads_write(shared: dict[str, Any]) -> None:
    with sessile.Store.open(**_patient(shared)) as store:
        session = counting.session_of(store)
        stop = threading.Event()
        counts: list[int] = []

        def work() -> None:
            count = 0
            while not stop.is_set():
                session.increment("n")
                run = store.execution()
                run.local.put({"a": 1})
                run.end()
                count += 1
            counts.append(count)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        given = [_in_a_child(lambda: session.increment("children")) for _ in range(20)]
        stop.set()
        for thread in threads:
            thread.join()
        assert set(given) == {"OK"}
        assert session["n"] == sum(counts), "the parent lost nothing"
        assert session["children"] == 20, "nor did a child"


def test_a_child_has_event_loops_of_its_own(shared: dict[str, Any]) -> None:
    async def count(session: aio.Session, times: int) -> None:
        await asyncio.gather(*(session.increment("n") for _ in range(times)))

    def in_the_child(session: aio.Session) -> None:
        # The loop that runs here is the parent's.
        asyncio.set_event_loop(None)
        asyncio.run(count(session, 25))

    async def parent() -> None:
        async with aio.Store.open(**_patient(shared), durability="commit") as store:
            token = await store.tokens.issue({"sub": "u"}, ttl=600)
            session = store.execution(REST, token).global_()
            await session.put({"n": 0})
            under_way = asyncio.gather(*(session.increment("n") for _ in range(25)))
            await asyncio.sleep(0)
            assert _in_a_child(lambda: in_the_child(session)) == "OK"
            await under_way
            await count(session, 25)
            assert await session.get("n") == 75

    asyncio.run(parent())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(shared: dict[str, Any], method: str) -> None:
    context: BaseContext = multiprocessing.get_context(method)
    options = _patient(shared)
    with sessile.Store.open(**options) as store:
        session = counting.inherited = counting.session_of(store)
        session["n"] = 0
        try:
            with context.Pool(3) as pool:
                if method == "fork":
                    results = [pool.apply_async(counting.by_inherited, (20,)) for _ in range(6)]
                else:
                    results = [pool.apply_async(counting.by_opened, (options, 20)) for _ in range(6)]
                counting.by_inherited(20)
                assert sum(result.get(60) for result in results) == 120
        finally:
            counting.inherited = None
        assert session["n"] == 140
