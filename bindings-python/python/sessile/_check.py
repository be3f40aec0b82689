"""What looking a store over found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ._json import loads
from ._records import to_record


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with what is stored."""

    kind: Literal["file", "keys", "config", "session", "field", "touch", "user", "index"]
    """What it is about."""
    code: str
    """The name of an error; ``NOT_FOUND`` for what should be there and is not."""
    where: str
    """Blind ids in hex, never a name; for ``file`` SQLite's sentence."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `Store.check` found."""

    ok: bool
    """Whether nothing is wrong."""
    sessions: int
    """How many sessions were looked at."""
    fields: int
    """How many fields."""
    users: int
    """How many users' records."""
    configs: int
    """How many configurations; ``global``, which is built in, is none."""
    problem_count: int
    """How many problems there are."""
    problems: tuple[Problem, ...]
    """The first 100 of them."""


def to_report(text: bytes) -> CheckReport:
    """A `CheckReport` from the core's document."""
    found = loads(text)
    return to_record(CheckReport, {**found, "problems": [to_record(Problem, problem) for problem in found["problems"]]})
