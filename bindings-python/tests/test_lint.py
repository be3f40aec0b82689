"""The linter, as Python has it; what it finds is in tests/vectors/lint.json."""

from __future__ import annotations

import json
from typing import Any

import pytest

import sessile
from sessile import aio

_GET = {"type": "session-management", "stepName": "Load", "fields": ["cart"]}


@pytest.mark.parametrize("given", [[_GET], (_GET,), json.dumps([_GET]), json.dumps([_GET]).encode()])
def test_a_pipeline_is_a_list_or_text(given: Any) -> None:
    message = 'on no path a Put of "cart" reaches this Get'
    assert sessile.lint(given) == [sessile.Finding("read_before_put", "cart", "/0", "Load", False, True, message)]


def test_a_step_without_a_name() -> None:
    assert [finding.step_name for finding in sessile.lint([{"operation": "PUT", "fields": "a, b"}])] == [None, None]


@pytest.mark.parametrize("given", [{}, "{}", 1, None, {1, 2}])
def test_something_else_is_refused(given: Any) -> None:
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        sessile.lint(given)
    assert caught.value.name == "INVALID_ARGUMENT"


def test_the_place_of_a_slip_is_in_the_details() -> None:
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        sessile.lint([_GET, {"type": "retry", "stpes": []}])
    assert caught.value.name == "INVALID_STEP"
    assert caught.value.details == {"at": "/1", "member": "stpes", "nearest": "steps"}


def test_it_is_the_same_in_aio() -> None:
    assert aio.lint is sessile.lint
