"""A panic never leaves the library. Run on a build with the feature test-panic, by ``make python-panic``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import sessile
from sessile import aio

PANIC: dict[str, Any] = {"stepName": "sessile:test-panic", "fields": ["x"]}


def _check(error: sessile.SessileError) -> None:
    assert isinstance(error, sessile.InternalError)
    assert (error.name, error.code, error.retryable) == ("PANIC", 120, False)
    assert "asked for" not in str(error), "a panic's own words may hold a value"


def test_a_panic_is_an_exception_and_the_interpreter_lives_on(store: sessile.Store) -> None:
    run = store.execution()
    for step in (PANIC, PANIC | {"sessionType": "GLOBAL"}):
        with pytest.raises(Exception) as caught:
            run.step(step, {})
        assert isinstance(caught.value, sessile.SessileError)
        _check(caught.value)
    run.local["x"] = 1
    assert run.step({"fields": ["x"]}, {}) == {"x": 1}


def test_a_panic_on_an_event_loop() -> None:
    async def work() -> None:
        async with aio.Store.open("memory:") as store, store.execution() as run:
            results: list[Any] = await asyncio.gather(*(run.step(PANIC, {}) for _ in range(10)), return_exceptions=True)
            for result in results:
                assert isinstance(result, sessile.SessileError)
                _check(result)
            await run.local.put({"x": 1})
            assert await run.step({"fields": ["x"]}, {}) == {"x": 1}

    asyncio.run(work())
