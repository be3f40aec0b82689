"""A forked child must not use the store it inherited, and must not hang on what its parent's threads held."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from conftest import REST

import sessile


@pytest.fixture(params=["memory:", "sqlite:"])
def options(request: pytest.FixtureRequest, on_disk: dict[str, Any]) -> dict[str, Any]:
    return {"url": "memory:"} if request.param == "memory:" else on_disk


def _in_a_child(call: Callable[[], object]) -> str:
    """The name of the error that ``call`` gives in a forked child; ``"OK"``, or ``"HUNG"`` after five seconds."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Python warns of a fork where there are threads: that is what is tested.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        signal.alarm(5)
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


def test_a_child_is_refused_what_it_inherited(options: dict[str, Any]) -> None:
    with sessile.Store.open(**options) as store:
        run = store.execution(REST, store.tokens.issue({"sub": "u"}, ttl=60))
        session = run.global_()
        session["x"] = 1
        assert _in_a_child(lambda: session["x"]) == "FORKED"
        assert _in_a_child(lambda: session.put({"x": 2})) == "FORKED"
        assert _in_a_child(lambda: run.subprocess("part").global_(scoped=True).put({"x": 2})) == "FORKED"
        assert _in_a_child(store.close) == "FORKED"
        assert _in_a_child(lambda: run.local.put({"x": 2})) == "OK"
        reopened = "OK" if options["url"] == "memory:" else "FORKED"
        assert _in_a_child(lambda: sessile.Store.open(**options)) == reopened
        assert session["x"] == 1


def test_a_child_does_not_wait_for_its_parent_s_threads(options: dict[str, Any]) -> None:
    with sessile.Store.open(**options) as store:
        session = store.execution(REST, store.tokens.issue({"sub": "u"}, ttl=60)).global_()
        stop = threading.Event()
        counts: list[int] = []

        def work() -> None:
            count = 0
            while not stop.is_set():
                session.increment("n")
                count += 1
            counts.append(count)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        given = {_in_a_child(lambda: session.increment("n")) for _ in range(20)}
        stop.set()
        for thread in threads:
            thread.join()
        assert given == {"FORKED"}
        assert session["n"] == sum(counts), "the parent lost nothing"
