"""What is Python's own about users' sessions: records, their reprs and times; what they mean is in the vectors."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import aio
from sessile._sessions import to_entries, to_users

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
SHOP = {
    "name": "shop",
    "expiry": 7,
    "period": "days",
    "schema": {"userId": "string", "email": "string", "visits": "number"},
    "selector": "userId",
}
DATA = {"userId": "u1", "email": "ada@example.com"}


@pytest.fixture
def clock() -> sessile.Clock:
    return sessile.Clock.manual(BEGAN)


@pytest.fixture
def store(clock: sessile.Clock) -> Iterator[sessile.Store]:
    with sessile.Store.open("memory:", clock=clock) as opened:
        yield opened


@pytest.fixture
def sessions(store: sessile.Store) -> sessile.Sessions:
    store.configs.create(SHOP)
    return store.sessions


@pytest.mark.parametrize("data", [DATA, MappingProxyType(DATA), json.dumps(DATA), json.dumps(DATA).encode()])
def test_data_is_a_mapping_or_text(sessions: sessile.Sessions, data: Any) -> None:
    started = sessions.start("shop", data)
    assert sessions.verify(started.token).data == DATA
    sessions.update(started.session_id, json.dumps({"visits": 1}))
    sessions.update(started.session_id, MappingProxyType({"email": "ada@example.org"}))
    assert sessions.verify(started.token).data == {"userId": "u1", "email": "ada@example.org", "visits": 1}


def test_what_was_started_does_not_show_its_tokens(sessions: sessile.Sessions) -> None:
    started = sessions.start("shop", DATA)
    for shown in (repr(started), str(started), f"{started}", repr(sessions.refresh(started.refresh_token))):
        assert started.session_id in shown
        for secret in (started.token, started.refresh_token):
            assert secret not in shown
        assert "token=" not in shown
    assert pickle.loads(pickle.dumps(started)) == started


def test_a_verification_does_not_show_the_data(sessions: sessile.Sessions) -> None:
    found = sessions.verify(sessions.start("shop", DATA).token)
    assert found.data == DATA
    assert "ada@example.com" not in repr(found)
    assert found.session_id is not None and found.session_id in repr(found)
    assert pickle.loads(pickle.dumps(found)) == found


def test_a_verification_is_true_if_the_token_is_good(sessions: sessile.Sessions) -> None:
    started = sessions.start("shop", DATA)
    found = sessions.verify(started.token.encode())
    assert found
    assert (found.valid, found.identifier, found.reason) == (True, "u1", None)
    sessions.revoke(started.session_id)
    assert not sessions.verify(started.token)
    assert sessions.verify("rubbish") == sessile.Verification(False, None, None, None, None, "untrusted")


def test_times_are_aware(sessions: sessile.Sessions, clock: sessile.Clock) -> None:
    started = sessions.start("shop", DATA)
    assert started.expires_at == BEGAN + timedelta(days=7)
    assert started.token_expires_at == BEGAN + timedelta(hours=24)
    (entry,) = sessions.list("shop")
    user = sessions.user("shop", "u1")
    assert entry.started_at == user.first_seen_at == BEGAN
    for time in (started.expires_at, started.token_expires_at, entry.last_seen_at, entry.expires_at, user.last_seen_at):
        assert time is not None and time.tzinfo is timezone.utc
    clock.advance(timedelta(days=1))
    assert sessions.extend(started.session_id, timedelta(days=30)) == BEGAN + timedelta(days=31)
    assert sessions.extend(started.session_id, 60) == BEGAN + timedelta(days=31)


def test_a_session_without_an_end(store: sessile.Store) -> None:
    store.configs.create({**SHOP, "expiry": None, "period": None})
    started = store.sessions.start("shop", DATA)
    assert started.expires_at is None
    assert store.sessions.verify(started.token).expires_at is None
    assert store.sessions.extend(started.session_id, 60) is None
    assert store.sessions.start("shop", DATA, ttl=timedelta(minutes=1)).expires_at == BEGAN + timedelta(minutes=1)


@pytest.mark.parametrize(("kind", "user"), [("string", "1"), ("integer", 1), ("number", 1.5), ("boolean", True)])
def test_a_user_keeps_its_type(store: sessile.Store, kind: str, user: Any) -> None:
    store.configs.create({"name": "typed", "schema": {"who": kind}, "selector": "who"})
    started = store.sessions.start("typed", {"who": user})
    for identifier in (store.sessions.verify(started.token).identifier, store.sessions.user("typed", user).identifier):
        assert (type(identifier), identifier) == (type(user), user)
    realm = store.sessions.user("typed", user).realm
    assert len(store.sessions.list("typed", MappingProxyType({"realm": realm, "subject": user})).items) == 1
    assert store.sessions.list("typed", {"realm": "another", "subject": user}).items == ()
    assert store.sessions.revoke_all("typed", user, except_=started.session_id) == 0
    assert store.sessions.revoke_all("typed", user) == 1
    assert store.sessions.forget("typed", user) == 0


def test_one_and_true_are_two_users(store: sessile.Store) -> None:
    store.configs.create({"name": "numbered", "schema": {"who": "integer"}, "selector": "who"})
    store.sessions.start("numbered", {"who": 1})
    for other in (True, "1"):
        assert store.sessions.list("numbered", other).items == ()


def test_pages_and_their_records(sessions: sessile.Sessions) -> None:
    started = [sessions.start("shop", {**DATA, "userId": f"u{n}"}).session_id for n in range(5)]
    for ask in (sessions.list, sessions.users):
        first = ask("shop", limit=3)
        assert isinstance(first, sessile.Page)
        assert (len(first.items), len(ask("shop", limit=3, cursor=first.next_cursor).items)) == (3, 2)
    assert {entry.session_id for entry in sessions.list("shop")} == set(started)
    assert {user.sessions for user in sessions.users("shop")} == {None}
    user = sessions.user("shop", "u3")
    assert user.sessions == sessions.list("shop", "u3").items
    assert user.sessions is not None and type(user.sessions[0]) is sessile.SessionEntry
    assert (user.state, user.total_sessions, user.active_sessions, user.unreadable) == ("active", 1, 1, None)
    assert pickle.loads(pickle.dumps(user)) == user
    dashboard = sessions.dashboard("shop")
    assert dashboard == sessile.Dashboard(5, 5, 0, 0, 5, 5, 5, 5, 1, 0)
    assert pickle.loads(pickle.dumps(dashboard)) == dashboard


def test_what_can_t_be_opened_is_an_entry_all_the_same() -> None:
    (entry,) = to_entries(b'{"sessions":[{"sessionId":"shop.3f","unreadable":"CORRUPT"}],"nextCursor":"n"}')
    assert entry == sessile.SessionEntry("shop.3f", None, None, None, None, None, None, None, "CORRUPT")
    page = to_users(b'{"users":[{"unreadable":"KEY_UNAVAILABLE"}],"nextCursor":null}')
    user = sessile.User(None, None, None, None, None, None, None, None, "KEY_UNAVAILABLE")
    assert page == sessile.Page((user,), None)


@pytest.mark.parametrize("time", ["-000001-01-01T00:00:00.000Z", "253402300800000ms"])
def test_a_time_that_datetime_can_t_hold_is_refused(time: str) -> None:
    document = {"sessions": [{"sessionId": "shop.3f", "expiresAt": time}], "nextCursor": None}
    with pytest.raises(sessile.InvalidArgumentError, match="years") as caught:
        to_entries(json.dumps(document).encode())
    assert caught.value.name == "LIMIT_EXCEEDED"


def test_a_number_that_python_can_t_hold_is_refused(sessions: sessile.Sessions) -> None:
    started = sessions.start("shop", '{"userId":"u1","email":"","visits":18446744073709551616}')
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        sessions.verify(started.token)
    assert caught.value.name == "LIMIT_EXCEEDED"


def test_a_session_token_opens_its_session_in_an_execution(store: sessile.Store, sessions: sessile.Sessions) -> None:
    started = sessions.start("shop", DATA)
    with store.execution(REST, started.token) as run:
        run.global_().put({"visits": 2})
    assert sessions.verify(started.token).data == {**DATA, "visits": 2}


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.start("shop", None),
        lambda s: s.start("shop", [("userId", "u1")]),
        lambda s: s.start("shop", {"userId": {1}}),
        lambda s: s.start(b"shop", DATA),
        lambda s: s.start("shop", DATA, ttl=1.5),
        lambda s: s.start("shop", DATA, ttl=True),
        lambda s: s.verify(None),
        lambda s: s.verify(1),
        lambda s: s.refresh(None),
        lambda s: s.revoke(1),
        lambda s: s.revoke_all("shop", None),
        lambda s: s.revoke_all("shop", b"u1"),
        lambda s: s.revoke_all("shop", ["u1"]),
        lambda s: s.revoke_all("shop", {"realm": "a", "subject": object()}),
        lambda s: s.revoke_all("shop", "u1", except_=1),
        lambda s: s.list("shop", b"u1"),
        lambda s: s.list("shop", limit=object()),
        lambda s: s.list(None),
        lambda s: s.update("shop.3f", "{}".split()),
        lambda s: s.update(None, {}),
        lambda s: s.extend("shop.3f", None),
        lambda s: s.extend("shop.3f", "60"),
        lambda s: s.users(1),
        lambda s: s.user("shop", None),
        lambda s: s.user("shop", 1j),
        lambda s: s.dashboard(None),
        lambda s: s.forget("shop", None),
    ],
)
def test_a_wrong_type_is_a_type_error_of_ours(store: sessile.Store, call: Any) -> None:
    async def work() -> None:
        async with aio.Store.open("memory:") as opened:
            await call(opened.sessions)

    for attempt in (lambda: call(store.sessions), lambda: asyncio.run(work())):
        with pytest.raises(sessile.ArgumentTypeError) as caught:
            attempt()
        assert caught.value.name == "INVALID_ARGUMENT"


def test_handles_can_t_be_pickled(store: sessile.Store) -> None:
    for handle in (store.configs, store.sessions):
        with pytest.raises(TypeError):
            pickle.dumps(handle)


def test_aio_gives_the_same_records() -> None:
    async def work() -> None:
        async with aio.Store.open("memory:", clock=sessile.Clock.manual(BEGAN)) as store:
            await store.configs.create(SHOP)
            started = await store.sessions.start("shop", DATA, ttl=60)
            assert type(started) is sessile.Started is aio.Started
            assert started.expires_at == BEGAN + timedelta(seconds=60)
            await store.sessions.update(started.session_id, {"visits": 1})
            found = await store.sessions.verify(started.token)
            assert found.data == {**DATA, "visits": 1}
            assert (await store.sessions.refresh(started.refresh_token)).session_id == started.session_id
            assert await store.sessions.extend(started.session_id, 120) == BEGAN + timedelta(seconds=120)
            assert [entry.session_id for entry in await store.sessions.list("shop", "u1")] == [started.session_id]
            assert [user.identifier for user in await store.sessions.users("shop")] == ["u1"]
            assert (await store.sessions.user("shop", "u1")).active_sessions == 1
            assert (await store.sessions.dashboard("shop")).active_sessions == 1
            others = await asyncio.gather(*(store.sessions.start("shop", DATA) for _ in range(10)))
            assert await store.sessions.revoke_all("shop", "u1", except_=started.session_id) == len(others)
            await store.sessions.revoke(started.session_id)
            assert not await store.sessions.verify(started.token)
            assert await store.sessions.forget("shop", "u1") == 0

    asyncio.run(work())


def test_sweep(store: sessile.Store) -> None:
    async def work() -> int:
        async with aio.Store.open("memory:") as opened:
            return await opened.sweep() + await opened.sweep(budget=1)

    assert store.sweep() == store.sweep(5) == store.sweep(budget=0) == asyncio.run(work()) == 0
    for wrong in ("5", 5.0, True, None):
        with pytest.raises(sessile.ArgumentTypeError, match="int"):
            store.sweep(wrong)  # type: ignore[arg-type]
    for beyond in (-1, 2**32):
        with pytest.raises(sessile.InvalidArgumentError, match="4294967295"):
            store.sweep(beyond)
