"""The conformance vectors, on both faces of the package."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from conformance import LANGUAGE, cases, finish, run_case, skips

import sessile
import sessile.aio

_SKIPS = skips()
_CASES = [pytest.param(name, case, id=name) for name, case in cases()]


def _skip(name: str, case: dict[str, Any]) -> None:
    if LANGUAGE not in case.get("only", [LANGUAGE]) or name in _SKIPS:
        pytest.skip(_SKIPS[name])


@pytest.mark.vectors("python")
@pytest.mark.parametrize(("name", "case"), _CASES)
def test_sync(name: str, case: dict[str, Any], tmp_path: Path) -> None:
    _skip(name, case)
    finish(run_case(case, sessile, tmp_path))


@pytest.mark.vectors("python-aio")
@pytest.mark.parametrize(("name", "case"), _CASES)
def test_aio(name: str, case: dict[str, Any], tmp_path: Path) -> None:
    _skip(name, case)
    asyncio.run(run_case(case, sessile.aio, tmp_path))
