"""What is Python's own about looking after a store: paths, records, options; sync and awaitable."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import aio

GOLDEN = Path(__file__).resolve().parents[2] / "tests" / "golden"


def _session(store: sessile.Store) -> sessile.Session:
    return store.execution(REST, store.tokens.issue({"sub": "ada"}, ttl=600)).global_()


@pytest.fixture
def stored(on_disk: dict[str, Any]) -> Iterator[sessile.Store]:
    """A store on disk that holds two fields of one user."""
    with sessile.Store.open(**on_disk) as opened:
        _session(opened).put({"cart": ["tea"], "seats": 2})
        yield opened


@pytest.mark.parametrize("kind", [str, Path])
def test_a_backup_is_a_store(stored: sessile.Store, on_disk: dict[str, Any], tmp_path: Path, kind: type) -> None:
    path = tmp_path / "backup é.db"
    stored.flush()
    stored.backup(kind(path))
    _session(stored).put({"cart": []})
    with sessile.Store.open(f"sqlite:{path}", keyring=on_disk["keyring"]) as backup:
        assert _session(backup).all() == {"cart": ["tea"], "seats": 2}
    with pytest.raises(sessile.ConflictError) as caught:
        stored.backup(kind(path))
    assert caught.value.name == "ALREADY_EXISTS"


@pytest.mark.parametrize("path", [None, 1, object(), b"backup", True])
def test_a_backup_goes_to_a_path(stored: sessile.Store, path: Any) -> None:
    with pytest.raises(sessile.ArgumentTypeError):
        stored.backup(path)


def test_memory_has_no_backup(store: sessile.Store, tmp_path: Path) -> None:
    store.flush()
    with pytest.raises(sessile.UnsupportedError):
        store.backup(tmp_path / "backup")


def test_a_report_is_a_record(stored: sessile.Store) -> None:
    stored.configs.create({"name": "Cart"})
    report = stored.check()
    assert report == sessile.CheckReport(
        ok=True, sessions=1, fields=2, users=1, configs=1, problem_count=0, problems=()
    )
    assert hash(report) == hash(stored.check())
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.ok = False  # type: ignore[misc]


def _damaged(folder: Path) -> dict[str, Any]:
    for name in ("sessions.db", "keyring.json"):
        shutil.copyfile(GOLDEN / "flipped-head" / name, folder / name)
        (folder / name).chmod(0o600)
    return {"url": f"sqlite:{folder / 'sessions.db'}", "keyring": folder / "keyring.json"}


def test_a_report_has_what_is_wrong(tmp_path: Path) -> None:
    at = _damaged(tmp_path)

    async def awaited() -> sessile.CheckReport:
        async with aio.Store.open(**at) as store:
            return await store.check()

    with sessile.Store.open(**at) as store:
        report = store.check()
    assert report == asyncio.run(awaited())
    assert not report.ok
    assert report.problem_count == len(report.problems) > 0
    assert ("session", "CORRUPT") in [(problem.kind, problem.code) for problem in report.problems]
    assert all(isinstance(problem, sessile.Problem) and problem.where for problem in report.problems)


def test_the_same_awaited(on_disk: dict[str, Any], tmp_path: Path) -> None:
    async def work() -> None:
        async with aio.Store.open(**on_disk) as store:
            run = store.execution(REST, await store.tokens.issue({"sub": "ada"}, ttl=600))
            await run.global_().put({"cart": ["tea"]})
            await store.flush()
            await store.backup(tmp_path / "backup")
            with pytest.raises(sessile.ConflictError):
                await store.backup(str(tmp_path / "backup"))
            report = await store.check()
            assert (report.ok, report.sessions, report.fields, report.problems) == (True, 1, 1, ())
        with pytest.raises(sessile.ClosedError):
            await store.flush()

    asyncio.run(work())


def test_read_only_changes_nothing(stored: sessile.Store, on_disk: dict[str, Any], tmp_path: Path) -> None:
    with sessile.Store.open(**on_disk, read_only=True) as reader:
        assert _session(reader)["seats"] == 2
        with pytest.raises(sessile.StateError) as caught:
            _session(reader).put({"seats": 3})
        assert caught.value.name == "READ_ONLY"
        assert reader.check().ok
    with pytest.raises(sessile.NotFoundError):
        sessile.Store.open(f"sqlite:{tmp_path / 'none.db'}", keyring=on_disk["keyring"], read_only=True)

    async def awaited() -> None:
        async with aio.Store.open(**on_disk, read_only=True) as reader:
            with pytest.raises(sessile.StateError):
                await reader.configs.create({"name": "C"})

    asyncio.run(awaited())


@pytest.mark.parametrize("option", ["read_only", "allow_network_filesystem"])
def test_an_option_is_yes_or_no(option: str) -> None:
    wrong: Any = {option: "yes"}
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        sessile.Store.open("memory:", **wrong)
    assert "true or false" in str(caught.value)
    right: Any = {option: False}
    sessile.Store.open("memory:", **right).close()


def test_a_file_system_of_this_machine_is_open_to_all(on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk, allow_network_filesystem=True) as store:
        assert store.check().ok
