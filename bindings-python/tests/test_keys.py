"""What is Python's own about keys: a rotation through the API while somebody writes, callbacks, records."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import Keyring, aio


def age_keys(path: Path) -> None:
    """Every key of the file was made long ago: what the file says is all that anybody knows of it."""
    keyring = json.loads(path.read_text())
    for key in keyring["data"] + keyring["signing"]:
        key["created"] = "2020-01-01T00:00:00Z"
    path.write_text(json.dumps(keyring))


def sealed_with(usage: sessile.KeyUsage, key: int) -> int:
    """How many cells are sealed with a key."""
    return sum(sum((k.heads, k.fields, k.users, k.configs, k.revocations)) for k in usage.keys if k.id == key)


def _session(store: sessile.Store, user: str) -> sessile.Session:
    return store.execution(REST, store.tokens.issue({"sub": user}, ttl=600)).global_()


def _promoted(path: Path) -> str:
    """A new primary key that everybody has known for long."""
    key = Keyring.add(path, "data")
    with pytest.raises(sessile.ConflictError) as caught:
        Keyring.promote(path, key)
    assert 1 <= caught.value.details["waitSeconds"] <= 60
    age_keys(path)
    Keyring.promote(path, key)
    return key


def test_a_rotation_while_somebody_writes(on_disk: dict[str, Any]) -> None:
    keyring = on_disk["keyring"]
    with sessile.Store.open(**on_disk) as store:
        for user in range(10):
            _session(store, f"u{user}").put({"cart": ["tea"]})
    key = _promoted(keyring)
    failed: list[BaseException] = []

    def write(store: sessile.Store) -> None:
        try:
            session = _session(store, "writer")
            for n in range(300):
                session.put({f"f{n % 20}": n})
        except BaseException as error:
            failed.append(error)

    with sessile.Store.open(**on_disk) as store:
        with pytest.raises(sessile.ConflictError) as caught:
            store.drop_key("1")
        assert caught.value.details["heads"] == 10
        writer = threading.Thread(target=write, args=[store])
        writer.start()
        rewrapped, done = 0, store.rewrap(limit=2)
        while not done.done:
            rewrapped += done.rewrapped
            done = store.rewrap(limit=2, cursor=done.cursor)
        writer.join()
        assert (failed, done.cursor, done.skipped) == ([], None, 0)
        assert rewrapped + done.rewrapped == 30
        usage = store.key_usage()
        assert (sealed_with(usage, 1), sealed_with(usage, 2), usage.seals_with) == (0, 52, int(key))
        Keyring.retire(keyring, "1")
        store.drop_key("1")
        assert [k.id for k in store.key_usage().keys] == [2]
        with pytest.raises(sessile.NotFoundError):
            store.drop_key("1")
    with sessile.Store.open(**on_disk) as store:
        assert _session(store, "writer").all() == {f"f{n}": 280 + n for n in range(20)}
        assert _session(store, "u7")["cart"] == ["tea"]


def test_a_rotation_awaited(on_disk: dict[str, Any]) -> None:
    async def work() -> None:
        async with aio.Store.open(**on_disk) as store:
            run = store.execution(REST, await store.tokens.issue({"sub": "u1"}, ttl=600))
            await run.global_().put({"cart": ["tea"]})
        _promoted(on_disk["keyring"])
        async with aio.Store.open(**on_disk) as store:
            session = store.execution(REST, await store.tokens.issue({"sub": "u2"}, ttl=600)).global_()

            async def write() -> None:
                for n in range(100):
                    await session.put({"n": n})

            writer = asyncio.create_task(write())
            done = await store.rewrap(limit=1)
            while not done.done:
                done = await store.rewrap(limit=1, cursor=done.cursor)
            await writer
            assert sealed_with(await store.key_usage(), 1) == 0
            await store.drop_key("1")
            await store.reload_keys()
            assert [key.id for key in (await store.key_usage()).keys] == [2]
            assert await session.get("n") == 99

    asyncio.run(work())


def test_a_description_is_a_record(on_disk: dict[str, Any]) -> None:
    path = on_disk["keyring"]
    kid = Keyring.add(str(path), "signing")
    found = Keyring.describe(path)
    assert [(key.id, key.state) for key in found.data] == [(1, "primary")]
    assert [key.state for key in found.signing] == ["primary", "pending"] and found.signing[1].kid == kid
    assert abs((datetime.now(timezone.utc) - found.data[0].created).total_seconds()) < 600
    assert hash(found) == hash(Keyring.describe(path))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.data[0].state = "retired"  # type: ignore[misc]
    assert not any(secret in repr(found) for secret in _secrets(path.read_text()))


def _secrets(keyring: str) -> list[str]:
    parts = json.loads(keyring)
    return [key["key"] for key in [*parts["data"], *parts["signing"], parts["index"]]]


@pytest.mark.parametrize("step", [Keyring.promote, Keyring.retire, Keyring.revoke, Keyring.drop])
def test_a_step_takes_a_path_and_a_name(step: Callable[..., None], tmp_path: Path, on_disk: dict[str, Any]) -> None:
    with pytest.raises(sessile.NotFoundError):
        step(on_disk["keyring"], "9")
    with pytest.raises(sessile.ArgumentTypeError):
        step(on_disk["keyring"], 1)
    with pytest.raises(sessile.ArgumentTypeError):
        step(None, "1")
    with pytest.raises(sessile.KeyringError):
        step(tmp_path / "missing.json", "1")


def test_wrong_types_are_type_errors(store: sessile.Store, on_disk: dict[str, Any]) -> None:
    wrong: list[Callable[[], Any]] = [
        lambda: Keyring.add(on_disk["keyring"], 1),  # type: ignore[arg-type]
        lambda: Keyring.describe(1),  # type: ignore[arg-type]
        lambda: store.drop_key(1),  # type: ignore[arg-type]
        lambda: store.reload_keys(1),  # type: ignore[arg-type]
        lambda: store.rewrap(limit=object()),  # type: ignore[arg-type]
    ]
    for call in wrong:
        with pytest.raises(TypeError):
            call()


# ── keys that are given ──


class Service:
    """A key service as a test has it: counts its calls, and may be away."""

    def __init__(self, keyring: str) -> None:
        self.keyring, self.asked = keyring, 0
        self.away: Exception | None = None

    def give(self) -> str:
        self.asked += 1
        if self.away is not None:
            raise self.away
        return self.keyring

    async def give_later(self) -> bytes:
        await asyncio.sleep(0)
        return self.give().encode()


def _rotated(keyring: str, path: Path) -> str:
    """The same keyring with one more key."""
    path.write_text(keyring)
    path.chmod(0o600)
    Keyring.add(path, "data")
    return path.read_text()


def test_a_callback_gives_the_keys(tmp_path: Path) -> None:
    service = Service(Keyring.generate_json())
    with sessile.Store.open("memory:", keyring_callback=service.give) as store:
        assert service.asked == 1
        _session(store, "u1").put({"n": 1})
        service.keyring = _rotated(service.keyring, tmp_path / "k")
        store.reload_keys()
        assert [key.state for key in store.key_usage().keys] == ["primary", "pending"]

        service.away = ConnectionError("the vault is sealed")
        with pytest.raises(ConnectionError) as caught:
            store.reload_keys()
        assert caught.value is service.away
        service.away = None
        for wrong in (Keyring.generate_json(), "{}", "hush " * 3):
            service.keyring = wrong
            with pytest.raises(sessile.KeyringError) as refused:
                store.reload_keys()
            assert "hush" not in str(refused.value) + repr(refused.value.details)
        service.keyring = 7  # type: ignore[assignment]
        with pytest.raises(sessile.ArgumentTypeError):
            store.reload_keys()
        assert service.asked == 7
        assert _session(store, "u1")["n"] == 1


def test_a_callback_may_be_async(tmp_path: Path) -> None:
    async def work() -> None:
        service = Service(Keyring.generate_json())
        opening = aio.Store.open("memory:", keyring_callback=service.give_later)
        assert service.asked == 0
        async with opening as store:
            service.keyring = _rotated(service.keyring, tmp_path / "k")
            await store.reload_keys()
            assert (service.asked, len((await store.key_usage()).keys)) == (2, 2)
            service.away = ConnectionError("the vault is sealed")
            with pytest.raises(ConnectionError):
                await store.reload_keys()
        with pytest.raises(ConnectionError):
            await aio.Store.open("memory:", keyring_callback=service.give)
        assert service.asked == 4

    asyncio.run(work())


def test_what_a_callback_raises_is_raised_by_open() -> None:
    service = Service("")
    service.away = ConnectionError("the vault is sealed")
    with pytest.raises(ConnectionError) as caught:
        sessile.Store.open("memory:", keyring_callback=service.give)
    assert caught.value is service.away
    not_callable: Any = "keyring"
    with pytest.raises(sessile.ArgumentTypeError):
        sessile.Store.open("memory:", keyring_callback=not_callable)
    with pytest.raises(sessile.InvalidArgumentError):
        sessile.Store.open("memory:", keyring_callback=service.give, keyring_env="KEYRING")
    assert service.asked == 1


def test_bytes_are_replaced_by_bytes(tmp_path: Path) -> None:
    keyring = Keyring.generate_json()
    with sessile.Store.open("memory:", keyring_bytes=keyring) as store:
        with pytest.raises(sessile.InvalidArgumentError):
            store.reload_keys()
        store.reload_keys(bytearray(_rotated(keyring, tmp_path / "k"), "utf-8"))
        assert len(store.key_usage().keys) == 2
        with pytest.raises(sessile.KeyringError):
            store.reload_keys(Keyring.generate_json())
        usage = store.key_usage()
        assert len(usage.keys) == 2
        assert usage.problem is not None and usage.problem.code == "KEYRING_INVALID"


def test_a_file_that_is_no_keyring_is_told(on_disk: dict[str, Any]) -> None:
    path = on_disk["keyring"]
    with sessile.Store.open(**on_disk) as store:
        whole = path.read_text()
        path.write_text(whole[:50])
        with pytest.raises(sessile.KeyringError):
            store.reload_keys()
        problem = store.key_usage().problem
        assert problem is not None and problem.code == "KEYRING_INVALID" and problem.message
        _session(store, "u1").put({"n": 1})
        path.write_text(whole)
        store.reload_keys()
        assert store.key_usage().problem is None


def test_keys_of_a_closed_store(on_disk: dict[str, Any]) -> None:
    store = sessile.Store.open(**on_disk)
    store.close()
    for call in (store.rewrap, store.key_usage, store.reload_keys, lambda: store.drop_key("1")):
        with pytest.raises(sessile.ClosedError):
            call()

    async def awaited() -> None:
        closed = await aio.Store.open(**on_disk)
        await closed.close()
        for call in (closed.rewrap, closed.key_usage, closed.reload_keys, lambda: closed.drop_key("1")):
            with pytest.raises(sessile.ClosedError):
                await call()

    asyncio.run(awaited())
