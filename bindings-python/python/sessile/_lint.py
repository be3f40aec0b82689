"""The linter for pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from . import _native
from ._json import loads, text_or_dumps
from ._types import Text


@dataclass(frozen=True)
class Finding:
    """Something that looks wrong about one field of one step."""

    rule: Literal["read_before_put", "never_read"]
    """``read_before_put``: a Get of a field that is not there on some path. ``never_read``: a Put that no Get or Delete
    on any later path can see."""
    field: str
    """The field."""
    at: str
    """The step, as a JSON Pointer into the pipeline: ``/2/steps/0``."""
    step_name: str | None
    """The step's ``stepName``, if it has one."""
    scoped: bool
    """Whether the step is scoped."""
    certain: bool
    """Whether it is so on every path, not only on some."""
    message: str
    """The same for people."""


def lint(pipeline: Sequence[Mapping[str, Any]] | Text) -> list[Finding]:
    """Looks through the Local steps of a pipeline, a list of steps and blocks or its JSON text, without running it.

    >>> put = {"type": "session-management", "operation": "PUT", "fields": ["cart"]}
    >>> get = {"type": "session-management", "operation": "GET", "fields": ["cart"]}
    >>> for finding in lint([{"type": "choice", "branches": [[put], []]}, get]):
    ...     print(finding.at, finding.rule, finding.message)
    /1 read_before_put on some path no Put of "cart" reaches this Get

    `InvalidArgumentError`: ``INVALID_STEP`` for a node with an unknown type or member, ``at`` in its details is where.
    """
    findings = loads(_native.lint(text_or_dumps(pipeline)).encode())["findings"]
    return [Finding(step_name=finding.pop("stepName", None), **finding) for finding in findings]
