"""What all tests share: the installed package, stores with a keyring on disk, and the closing lines of the vectors."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import sessile

REST = {"type": "rest", "security": "jwt"}

_counts: dict[str, Counter[str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "vectors(mode): a conformance case, counted under that mode's name")
    source = Path(__file__).resolve().parents[1]
    if source in Path(sessile.__file__).resolve().parents:
        raise pytest.UsageError("these tests run on the installed wheel, not on the source: make python-build")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("vectors")
    if marker is not None and (report.when == "call" or report.outcome != "passed"):
        _counts.setdefault(marker.args[0], Counter())[report.outcome] += 1
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for mode, count in _counts.items():
        line = f"{mode}: {count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped"
        terminalreporter.write_line(line)


@pytest.fixture
def store() -> Iterator[sessile.Store]:
    """An open store in memory."""
    with sessile.Store.open("memory:") as opened:
        yield opened


@pytest.fixture
def on_disk(tmp_path: Path) -> dict[str, Any]:
    """What ``Store.open(**on_disk)`` needs for a SQLite store of its own."""
    sessile.Keyring.generate(tmp_path / "keyring.json")
    return {"url": f"sqlite:{tmp_path / 'sessions.db'}", "keyring": tmp_path / "keyring.json"}


@pytest.fixture
def shared(on_disk: dict[str, Any]) -> dict[str, Any]:
    """The same for a store that several processes share: on a file, or in a workspace of its own on the server that
    ``SESSILE_TEST_URL`` names (tests/servers/run.py)."""
    url = os.environ.get("SESSILE_TEST_URL")
    return on_disk if url is None else {**on_disk, "url": url, "workspace": uuid4().hex}
