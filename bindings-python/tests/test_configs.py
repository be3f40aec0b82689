"""What is Python's own about configurations: records, wrong types, pages; what they mean is in the vectors."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pickle
from collections.abc import Iterator
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

import pytest

import sessile
from sessile import aio

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)
DEFINITION = {
    "name": "User session",
    "expiry": 7,
    "period": "days",
    "idle": {"value": 30, "period": "mins"},
    "schema": {"userId": "string", "email": "string"},
    "selector": "userId",
}
TEXT = json.dumps(DEFINITION)
BYTES = TEXT.encode()


@pytest.fixture
def store() -> Iterator[sessile.Store]:
    with sessile.Store.open("memory:", clock=sessile.Clock.manual(BEGAN)) as opened:
        yield opened


@pytest.mark.parametrize("definition", [DEFINITION, MappingProxyType(DEFINITION), TEXT, BYTES, bytearray(BYTES)])
def test_a_definition_is_a_mapping_or_text(store: sessile.Store, definition: Any) -> None:
    assert store.configs.create(definition) == store.configs.get("user_session")


def test_a_config_is_a_record(store: sessile.Store) -> None:
    config = store.configs.create({**DEFINITION, "acr": ["one", "two"]})
    assert type(config) is sessile.Config
    assert (config.tag, config.expiry, config.period, config.description) == ("user_session", 7, "days", None)
    assert config.schema == DEFINITION["schema"]
    assert isinstance(config.json_schema, dict)
    assert (config.selector, config.selector_type) == ("$Session{userId}", "string")
    assert config.idle == DEFINITION["idle"]
    assert config.acr == ("one", "two")
    assert config.created_at == config.updated_at == BEGAN
    assert config.created_at is not None and config.created_at.tzinfo is timezone.utc
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.name = "another"  # type: ignore[misc]
    assert not hasattr(config, "__dict__")
    assert pickle.loads(pickle.dumps(config)) == config


def test_the_built_in_config_has_no_times(store: sessile.Store) -> None:
    config = store.configs.get("global")
    assert (config.schema, config.created_at, config.updated_at) == (None, None, None)


def test_a_slip_in_a_definition_is_the_core_s_to_see(store: sessile.Store) -> None:
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        store.configs.create({**DEFINITION, "expirry": 7})
    assert caught.value.name == "CONFIG_INVALID"
    assert (caught.value.details["member"], caught.value.details["nearest"]) == ("expirry", "expiry")


def test_none_resets_a_member(store: sessile.Store) -> None:
    store.configs.create(DEFINITION)
    config = store.configs.update("user_session", {"idle": None, "description": "for the shop"})
    assert (config.idle, config.description, config.version) == (None, "for the shop", 2)


def test_pages(store: sessile.Store) -> None:
    for tag in ("c", "a", "b"):
        store.configs.create({"name": tag})
    first = store.configs.list(limit=2)
    assert isinstance(first, sessile.Page)
    assert [config.tag for config in first] == [config.tag for config in first.items] == ["a", "b"]
    last = store.configs.list(limit=2, cursor=first.next_cursor)
    assert [config.tag for config in last] == ["c", "global"]
    assert last.next_cursor is None
    assert pickle.loads(pickle.dumps(first)) == first


def test_what_is_exported_can_be_imported(store: sessile.Store) -> None:
    store.configs.create(DEFINITION)
    document = store.configs.export()
    assert document == store.configs.export(["user_session"]) == store.configs.export(iter(["user_session"]))
    assert type(document) is dict
    with sessile.Store.open("memory:") as other:
        assert other.configs.import_(document) == sessile.Imported(("user_session",), (), ())
        assert other.configs.import_(json.dumps(document)) == sessile.Imported((), (), ("user_session",))
        other.configs.update("user_session", {"expiry": 8})
        assert other.configs.import_(document, replace=True) == sessile.Imported((), ("user_session",), ())


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.create(None),
        lambda c: c.create([DEFINITION]),
        lambda c: c.create(1),
        lambda c: c.create({"name": object()}),
        lambda c: c.get(1),
        lambda c: c.get(b"global"),
        lambda c: c.list(limit=object()),
        lambda c: c.list(cursor=b"x"),
        lambda c: c.update(None, {}),
        lambda c: c.update("a", None),
        lambda c: c.update("a", [("name", "b")]),
        lambda c: c.delete(1),
        lambda c: c.delete("a", force=1),
        lambda c: c.delete("a", force=None),
        lambda c: c.export("a"),
        lambda c: c.export(5),
        lambda c: c.import_(None),
        lambda c: c.import_([]),
        lambda c: c.import_({}, replace="yes"),
    ],
)
def test_a_wrong_type_is_a_type_error_of_ours(store: sessile.Store, call: Any) -> None:
    async def work() -> None:
        async with aio.Store.open("memory:") as opened:
            await call(opened.configs)

    for attempt in (lambda: call(store.configs), lambda: asyncio.run(work())):
        with pytest.raises(sessile.ArgumentTypeError) as caught:
            attempt()
        assert caught.value.name == "INVALID_ARGUMENT"


def test_aio_gives_the_same_records() -> None:
    async def work() -> None:
        async with aio.Store.open("memory:", clock=sessile.Clock.manual(BEGAN)) as store:
            config = await store.configs.create(DEFINITION)
            assert type(config) is sessile.Config is aio.Config
            assert config.created_at == BEGAN
            assert await store.configs.get("user_session") == config
            assert [found.tag for found in await store.configs.list(limit=1)] == ["global"]
            assert (await store.configs.update("user_session", '{"name":"Another"}')).name == "Another"
            document = await store.configs.export(("user_session",))
            assert await store.configs.import_(document) == sessile.Imported((), (), ("user_session",))
            with pytest.raises(KeyError):
                await store.configs.get("no_such_config")

    asyncio.run(work())


SCHEMA = {"userId": "string", "profile": {"age": "integer"}, "tags": "array"}


@pytest.mark.parametrize("schema", [SCHEMA, MappingProxyType(SCHEMA), json.dumps(SCHEMA), json.dumps(SCHEMA).encode()])
def test_selector_options(schema: Any) -> None:
    assert sessile.selector_options(schema) == [
        sessile.SelectorOption("$Session{userId}", "userId", "string"),
        sessile.SelectorOption("$Session{profile}{age}", "profile.age", "integer"),
    ]
    assert aio.selector_options is sessile.selector_options


def test_a_schema_that_is_none() -> None:
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        sessile.selector_options([])  # type: ignore[arg-type]
    assert caught.value.name == "CONFIG_INVALID"
    with pytest.raises(sessile.ArgumentTypeError):
        sessile.selector_options({"userId": object()})
