"""Runs the conformance vectors (tests/vectors, its README describes the format) on `sessile` and on `sessile.aio`.

One runner for both: a call's result is awaited if it can be. On the sync module nothing ever suspends, so the
coroutine that runs the case ends at its first step.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

from .case import Case
from .running import VECTORS, finish

__all__ = ["LANGUAGE", "cases", "finish", "run_case", "skips"]

LANGUAGE = "python"


def cases() -> list[tuple[str, dict[str, Any]]]:
    """Every case, by ``suite/name``."""
    found = []
    for path in sorted(VECTORS.glob("*.json")):
        suite = json.loads(path.read_bytes())
        if path.name != "skips.json":
            found += [(f"{suite['suite']}/{case['name']}", case) for case in suite["cases"]]
    return found


def skips() -> dict[str, str]:
    """The cases that this language skips, each with its reason."""
    entries = json.loads((VECTORS / "skips.json").read_bytes())
    return {case: entry["reason"] for entry in entries if LANGUAGE in entry["languages"] for case in entry["cases"]}


async def run_case(case: dict[str, Any], api: ModuleType, folder: Path) -> None:
    """Runs one case; an `AssertionError` says which call did what."""
    run = Case(case, api, folder)
    try:
        for number, call in enumerate(case["do"]):
            await run.call(call, f"call {number} {json.dumps(call)[:300]}")
    finally:
        await run.close()
