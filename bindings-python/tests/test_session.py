"""What is Python's own about a session: the mapping, values, wrong types, threads."""

from __future__ import annotations

import json
import math
import pickle
import threading
from collections import OrderedDict, UserDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest
from conftest import REST

import sessile


@pytest.fixture
def local(store: sessile.Store) -> sessile.Session:
    return store.execution().local


def test_a_session_is_a_mapping(local: sessile.Session) -> None:
    local["b"] = [1]
    local["a"] = None
    assert local["b"] == [1]
    assert list(local) == ["a", "b"] == local.keys()
    assert len(local) == 2
    assert "a" in local
    assert "c" not in local
    assert 1 not in local
    del local["b"]
    assert local.all() == {"a": None}
    local.clear()
    assert local, "a session is true even when it is empty: telling would read the backend"


@pytest.mark.parametrize("missing", [lambda s: s["no"], lambda s: s.__delitem__("no"), lambda s: s.expires_at("no")])
def test_a_missing_name_is_a_key_error(local: sessile.Session, missing: Any) -> None:
    with pytest.raises(KeyError) as caught:
        missing(local)
    assert isinstance(caught.value, sessile.NotFoundError)
    assert str(caught.value) == "the session has no field 'no'"
    assert caught.value.details == {"field": "no"}


def test_a_value_given_is_the_caller_s_own(local: sessile.Session) -> None:
    value = {"list": [1]}
    local.put({"x": value})
    value["list"].append(2)
    local["x"]["list"].append(3)
    assert local["x"] == {"list": [1]}


def test_defaults(local: sessile.Session) -> None:
    assert local.get("no") is None
    assert local.get("no", default=5) == 5
    assert local.take("no", 6) == 6
    assert local.get_path("no", "/a", 7) == 7
    local["null"] = None
    assert local.get("null", default=5) is None


@pytest.mark.parametrize("fields", [{"a": 1}, OrderedDict(a=1), UserDict(a=1), '{"a":1}', b'{"a":1}', bytearray(b'{"a":1}')])
def test_put_takes_mappings_and_json_text(local: sessile.Session, fields: Any) -> None:
    local.put(fields)
    assert local.all() == {"a": 1}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (math.nan, None),
        (math.inf, None),
        (-0.0, -0.0),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        ("\U0001f600\u0000", "\U0001f600\u0000"),
        ((1, 2), [1, 2]),
        (datetime(2026, 1, 1, tzinfo=timezone.utc), "2026-01-01T00:00:00+00:00"),
    ],
)
def test_values_are_what_orjson_writes(local: sessile.Session, value: Any, read: Any) -> None:
    local["x"] = value
    assert local["x"] == read


@dataclass
class _Order:
    number: int


@pytest.mark.parametrize("value", [_Order(2**64), 2**64, -(2**63) - 1, [2**64], {"deep": ({"er": 2**100},)}])
def test_an_integer_beyond_64_bits_is_refused(local: sessile.Session, value: Any) -> None:
    with pytest.raises(sessile.InvalidArgumentError, match="put_raw") as caught:
        local["x"] = value
    assert caught.value.name == "LIMIT_EXCEEDED"
    assert "x" not in local


def test_take_of_a_number_that_python_can_t_hold_leaves_it(local: sessile.Session) -> None:
    local.put_raw("x", str(2**64))
    with pytest.raises(sessile.InvalidArgumentError, match="get_raw") as caught:
        local.take("x")
    assert caught.value.name == "LIMIT_EXCEEDED"
    assert local.get_raw("x") == str(2**64).encode()


def test_raw_text_is_untouched(local: sessile.Session) -> None:
    local.put_raw("x", '{ "a" : 1.0, "b": "\\u0041" }')
    assert local.get_raw("x") == b'{ "a" : 1.0, "b": "\\u0041" }'
    assert local.get_raw("no") is None
    local.put_raw("y", b"1e400")
    assert local.all_raw() == b'{"x":{ "a" : 1.0, "b": "\\u0041" },"y":1e400}'


def test_an_escaped_lone_surrogate_is_read(local: sessile.Session) -> None:
    local.put_raw("x", '"\\ud800"')
    assert local["x"] == "\ud800"


@pytest.mark.parametrize("value", ["\ud800", ["é", {"a": ("\udfff\ud800", 1.5, None)}], {"é": "\ud83d"}])
def test_a_lone_surrogate_that_was_read_can_be_put(local: sessile.Session, value: Any) -> None:
    local["x"] = value
    assert local["x"] == json.loads(json.dumps(value))
    assert local.update("x", lambda old: old) == local["x"]
    with pytest.raises(sessile.InvalidArgumentError, match="64 bits"):
        local["x"] = [value, 2**64]


def test_a_mapping_of_any_kind_is_an_object(local: sessile.Session) -> None:
    local.put(MappingProxyType({"x": UserDict(a=[MappingProxyType({"b": 1})])}))
    assert local["x"] == {"a": [{"b": 1}]}


@pytest.mark.parametrize("ends", ["", "\ud800"])
def test_a_value_that_holds_itself_many_times_is_refused_at_once(local: sessile.Session, ends: str) -> None:
    value: list[Any] = [ends]
    value += [value] * 10
    with pytest.raises(sessile.ArgumentTypeError, match="ecursion"):
        local["x"] = value


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.put([("a", 1)]),
        lambda s: s.put(None),
        lambda s: s.put({1: 2}),
        lambda s: s.put({"a": object()}),
        lambda s: s.put({"a": {1, 2}}),
        lambda s: s.put({"a": _itself()}),
        lambda s: s.put({"a": 1}, ttl="60"),
        lambda s: s.put({"a": 1}, ttl=1.5),
        lambda s: s.put({"a": 1}, ttl=True),
        lambda s: s.put_raw("a", 1),
        lambda s: s.get(1),
        lambda s: s.get(None),
        lambda s: s.get(b"a"),
        lambda s: s.get_many("abc"),
        lambda s: s.get_many([1]),
        lambda s: s.get_many(5),
        lambda s: s.delete(1),
        lambda s: s.append("a", "text"),
        lambda s: s.append("a", 5),
        lambda s: s.append("a", bytearray(b"text")),
        lambda s: s.commit(exclusive="yes"),
        lambda s: s.put_if("a", 1, 5),
        lambda s: s.update("a", lambda old: object()),
        lambda s: s.get_path("a", 1),
    ],
)
def test_a_wrong_type_is_a_type_error_of_ours(local: sessile.Session, call: Any) -> None:
    with pytest.raises(TypeError) as caught:
        call(local)
    assert isinstance(caught.value, sessile.ArgumentTypeError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.name == "INVALID_ARGUMENT"
    assert local.all() == {}


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.put({"a": 1}, ttl=0),
        lambda s: s.put({"a": 1}, ttl=-1),
        lambda s: s.put({"a": 1}, ttl=2**64),
        lambda s: s.put({"a": 1}, ttl=timedelta(milliseconds=1500)),
        lambda s: s.put({"a": 1}, ttl=timedelta(days=-1)),
        lambda s: s.put({"\ud800": 1}),
        lambda s: s.get("\ud800"),
        lambda s: s.get(""),
        lambda s: s.put_raw("a", b"\xff"),
        lambda s: s.increment("a", math.inf),
    ],
)
def test_an_unusable_value_is_a_value_error_of_ours(local: sessile.Session, call: Any) -> None:
    with pytest.raises(ValueError) as caught:
        call(local)
    assert isinstance(caught.value, sessile.InvalidArgumentError)
    assert local.all() == {}


def test_a_ttl_is_seconds_or_a_timedelta() -> None:
    clock = sessile.Clock.manual(datetime(2026, 1, 1, tzinfo=timezone.utc))
    with sessile.Store.open("memory:", clock=clock) as store:
        local = store.execution().local
        local.put({"a": 1}, ttl=60)
        local.put({"b": 1}, ttl=timedelta(minutes=2))
        local.put({"c": 1})
        assert local.expires_at("a") == datetime(2026, 1, 1, 0, 1, tzinfo=timezone.utc)
        assert local.expires_at("c") is None
        clock.advance(60)
        assert local.keys() == ["b", "c"]
        clock.advance(timedelta(seconds=60))
        assert local.keys() == ["c"]
        info = local.info()
        assert info is not None
        assert (info.created_at, info.expires_at) == (datetime(2026, 1, 1, tzinfo=timezone.utc), None)


def test_a_time_that_datetime_can_t_hold_is_refused(local: sessile.Session) -> None:
    with pytest.raises(sessile.InvalidArgumentError, match="year 10000") as caught:
        local.put({"a": 1}, ttl=timedelta.max)
    assert (caught.value.name, local.keys()) == ("INVALID_ARGUMENT", [])
    with pytest.raises(sessile.InvalidArgumentError, match="years") as caught:
        sessile.Clock.manual(300_000_000_000).now()
    assert caught.value.name == "LIMIT_EXCEEDED"


def test_update(local: sessile.Session) -> None:
    def add(cart: list[str]) -> list[str]:
        cart.append("tea")
        return cart

    default: list[str] = []
    assert local.update("cart", add, default=default) == ["tea"]
    assert default == []
    assert local.update("cart", add) == ["tea", "tea"]
    assert local.update("cart", lambda _: sessile.DELETE) is None
    assert "cart" not in local
    with pytest.raises(ZeroDivisionError):
        local.update("cart", lambda _: 1 / 0)


def test_threads_lose_nothing(store: sessile.Store) -> None:
    token = store.tokens.issue({"sub": "u"}, ttl=60)
    run = store.execution(REST, token)
    sessions = [run.local, run.global_()]
    start = threading.Barrier(64)

    def work(number: int) -> None:
        start.wait()
        for _ in range(25):
            for session in sessions:
                session.increment("n")
        for session in sessions:
            session.put({f"own-{number}": number})
            session.append("all", [number])

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))
    for session in sessions:
        assert session["n"] == 64 * 25
        assert sorted(session["all"]) == list(range(64))
        assert len(session) == 66


def test_handles_can_t_be_pickled(local: sessile.Session) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(local)


@pytest.mark.parametrize("kind", ["local", "global"])
def test_a_slow_update_holds_nobody_up(store: sessile.Store, kind: str) -> None:
    run = store.execution(REST, store.tokens.issue({"sub": "u"}, ttl=60))
    session = run.local if kind == "local" else run.global_()
    session["n"] = 0
    entered, go_on = threading.Event(), threading.Event()
    saw = []

    def slow(old: int) -> int:
        saw.append(old)
        entered.set()
        assert go_on.wait(10)
        return old + 1

    with ThreadPoolExecutor(1) as pool:
        updated = pool.submit(session.update, "n", slow)
        assert entered.wait(10)
        session.increment("n", 10)
        go_on.set()
        assert updated.result() == 11
    assert saw == [0, 10]
    assert session["n"] == 11
