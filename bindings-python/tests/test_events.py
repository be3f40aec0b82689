"""What is Python's own about audit events; what they say is the core's."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import aio


def _named(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_events_are_dicts_fetched_once_the_oldest_first() -> None:
    with sessile.Store.open("memory:", audit=True) as store:
        assert (store.has_events, store.drain_events()) == (False, [])
        store.configs.create({"name": "Cart", "schema": {"userId": "string"}, "selector": "userId"})
        started = store.sessions.start("cart", {"userId": "ada"})
        assert store.has_events
        assert store.drain_events(0) == []
        (first,) = store.drain_events(1)
        assert datetime.fromisoformat(first.pop("at").removesuffix("Z"))
        assert first == {"event": "config.created", "tag": "cart"}
        (second,) = store.drain_events(max=10)
        assert (second["event"], second["sessionId"]) == ("session.started", started.session_id)
        assert not store.has_events


def test_an_execution_bears_the_id_of_its_request() -> None:
    with sessile.Store.open("memory:", audit=True) as store:
        token = store.tokens.issue({"sub": "ada"}, ttl=600)
        run = store.execution(REST, token, request_id="r-17")
        run.global_().put({"seats": 2})
        assert {event["requestId"] for event in store.drain_events()} == {"r-17"}
        resumed = store.resume(run.checkpoint(), REST, token, request_id="r-18")
        resumed.global_().end()
        assert {event["requestId"] for event in store.drain_events()} == {"r-18"}


@pytest.mark.parametrize("wrong", ["", "é" * 129, 1, b"r"])
def test_an_id_is_a_short_str(store: sessile.Store, wrong: Any) -> None:
    checkpoint = store.execution().checkpoint()
    for call in (store.execution, lambda **given: store.resume(checkpoint, **given)):
        with pytest.raises((sessile.InvalidArgumentError, sessile.ArgumentTypeError)):
            call(request_id=wrong)


def test_what_does_not_fit_is_counted_and_a_closed_store_still_tells() -> None:
    with sessile.Store.open("memory:", audit=True, limits={"auditEvents": 1}) as store:
        for name in ("A", "B", "C"):
            store.configs.create({"name": name})
    events = store.drain_events()
    assert _named(events) == ["config.created", "audit.dropped"]
    assert events[1]["count"] == 2


def test_without_audit_nothing_is_kept(store: sessile.Store) -> None:
    store.configs.create({"name": "A"})
    assert (store.has_events, store.drain_events()) == (False, [])


@pytest.mark.parametrize("wrong", [-1, 2**32, 1.5, "1", None, True])
def test_how_many_is_a_count(store: sessile.Store, wrong: Any) -> None:
    with pytest.raises((sessile.InvalidArgumentError, sessile.ArgumentTypeError)):
        store.drain_events(wrong)


def test_the_same_in_aio() -> None:
    async def work() -> None:
        async with aio.Store.open("memory:", audit=True, secrets="memory:") as store:
            token = await store.tokens.issue({"sub": "ada"}, ttl=600)
            run = store.execution(REST, token, request_id="r-17")
            await run.global_().put({"seats": 2})
            assert store.has_events
            assert {event["requestId"] for event in store.drain_events()} == {"r-17"}
            resumed = await store.resume(await run.checkpoint(), REST, token, request_id="r-18")
            await resumed.global_().end()
            assert {event["requestId"] for event in store.drain_events()} == {"r-18"}

    asyncio.run(work())


def test_configs_that_shred_want_a_store_of_secrets(store: sessile.Store) -> None:
    definition = {"name": "Cart", "schema": {"userId": "string"}, "selector": "userId", "shred": True}
    with pytest.raises(sessile.SessileError):
        store.configs.create(definition)
    with sessile.Store.open("memory:", secrets="memory:") as other:
        assert other.configs.create(definition).shred
