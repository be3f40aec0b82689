"""What is Python's own about audit events; what they say is the core's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from datetime import datetime
from pathlib import Path
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


def test_a_function_is_told_of_each_event_once_the_call_is_done() -> None:
    told: list[str] = []
    threads: set[int] = set()

    def on_event(event: dict[str, Any]) -> None:
        threads.add(threading.get_ident())
        told.append(event["event"])
        if len(told) == 1:
            # Calls of ours from within: what they give rise to comes after this.
            with pytest.raises(sessile.IdentityError):
                store.verify("x")

    store = sessile.Store.open("memory:", on_event=on_event)
    assert told == []
    store.configs.create({"name": "Cart", "schema": {"userId": "string"}, "selector": "userId"})
    assert told == ["config.created", "token.refused"]
    store.sessions.start("cart", {"userId": "ada"})
    assert told[2:] == ["session.started"]
    with pytest.raises(sessile.IdentityError):
        store.verify("x.y.z")
    assert told[3:] == ["token.refused"]
    assert (store.has_events, store.drain_events(), threads) == (False, [], {threading.get_ident()})
    store.close()


def test_what_a_function_raises_is_no_error_of_the_call() -> None:
    raised: list[Any] = []
    before, sys.unraisablehook = sys.unraisablehook, lambda found: raised.append(found.exc_value)
    try:
        with sessile.Store.open("memory:", on_event=lambda event: event["nothing"]) as store:
            assert store.configs.create({"name": "Cart"}).tag == "cart"
    finally:
        sys.unraisablehook = before
    assert [type(error) for error in raised] == [KeyError]


@pytest.mark.parametrize("wrong", ["print", 1, {}])
def test_what_is_told_can_be_called(wrong: Any) -> None:
    with pytest.raises(sessile.ArgumentTypeError):
        sessile.Store.open("memory:", on_event=wrong)


def test_nobody_is_told_when_the_store_is_gone() -> None:
    told: list[str] = []
    store = sessile.Store.open("memory:", on_event=lambda event: told.append(event["event"]))
    store.configs.create({"name": "A"})
    del store
    with sessile.Store.open("memory:", audit=True) as other:
        other.configs.create({"name": "B"})
        assert (told, other.has_events) == (["config.created"], True)


def test_the_event_loop_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    async def work() -> None:
        keyring = tmp_path / "keyring.json"
        sessile.Keyring.generate(keyring)
        url = f"sqlite:{tmp_path / 'sessions.db'}"
        on_event = lambda event: told.append((event["event"], threading.get_ident()))  # noqa: E731
        async with aio.Store.open(url, keyring=keyring, durability="commit", on_event=on_event) as store:
            await store.configs.create({"name": "Cart", "schema": {"userId": "string"}, "selector": "userId"})
            # Durable writes are made on threads of the core: they tell nobody.
            await asyncio.gather(*(store.sessions.start("cart", {"userId": f"user-{n}"}) for n in range(8)))

    asyncio.run(work())
    names = [name for name, _ in told]
    assert names == ["config.created"] + ["session.started"] * 8
    assert {thread for _, thread in told} == {threading.get_ident()}


def test_a_forked_child_tells_what_happens_there_and_nothing_else(tmp_path: Path) -> None:
    told: list[str] = []
    keyring = tmp_path / "keyring.json"
    sessile.Keyring.generate(keyring)
    url, on_event = f"sqlite:{tmp_path / 'sessions.db'}", lambda event: told.append(event["event"])
    with sessile.Store.open(url, keyring=keyring, on_event=on_event) as store:
        store.configs.create({"name": "Cart"})
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(sessile.IdentityError):
                store.verify("x")
            os._exit(0 if told == ["config.created", "token.refused"] else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        store.configs.create({"name": "Other"})
        assert told == ["config.created", "config.created"]
