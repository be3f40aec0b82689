"""Errors: every code has its class, and each class is what a Python user would catch."""

from __future__ import annotations

import pickle

import pytest
from conftest import REST

import sessile
from sessile import _native, errors

_BY_CATEGORY = {
    "caller": (sessile.InvalidArgumentError, sessile.ClosedError, sessile.UnsupportedError),
    "state": (sessile.StateError,),
    "identity": (sessile.IdentityError,),
    "data": (sessile.DataError,),
    "backend": (sessile.BackendError,),
    "internal": (sessile.InternalError,),
}


def test_every_code_has_a_class() -> None:
    assert set(errors.CLASSES) == {name for _, name, _, _ in _native.codes()}


@pytest.mark.parametrize(("number", "name", "category", "retryable"), _native.codes())
def test_a_code_s_exception(number: int, name: str, category: str, retryable: bool) -> None:
    error = errors.from_core(number, "a 'message'", '{"what":"x"}')
    assert isinstance(error, sessile.SessileError)
    assert isinstance(error, _BY_CATEGORY[category])
    assert (error.code, error.name, error.retryable) == (number, name, retryable)
    assert error.details == {"what": "x"}
    assert str(error) == "a 'message'"
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (copy.code, copy.details, str(copy)) == (error.code, error.details, str(error))


@pytest.mark.parametrize(
    ("ours", "builtin"),
    [
        (sessile.NotFoundError, KeyError),
        (sessile.InvalidArgumentError, ValueError),
        (sessile.ArgumentTypeError, TypeError),
        (sessile.IdentityError, PermissionError),
        (sessile.BackendError, OSError),
        (sessile.BackendTimeoutError, TimeoutError),
        (sessile.ClosedError, RuntimeError),
    ],
)
def test_builtin_twins(ours: type[BaseException], builtin: type[BaseException]) -> None:
    assert issubclass(ours, builtin)


def test_an_error_of_the_core_arrives_whole(store: sessile.Store) -> None:
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        sessile.Step.parse({"feilds": ["cart"]})
    assert caught.value.name == "INVALID_STEP"
    assert caught.value.details["nearest"] == "fields"
    with pytest.raises(PermissionError) as refused:
        store.execution(REST).global_()["x"]
    assert isinstance(refused.value, sessile.IdentityError)
    assert refused.value.name == "GLOBAL_NOT_ALLOWED"


def test_after_close(store: sessile.Store) -> None:
    run = store.execution()
    session = run.local
    run.end()
    run.end()
    with pytest.raises(sessile.ClosedError):
        session.get("x")
    with pytest.raises(sessile.ClosedError):
        run.step({"fields": "x"}, "{}")
    store.close()
    store.close()
    with pytest.raises(sessile.ClosedError):
        store.execution()
    with pytest.raises(sessile.ClosedError):
        store.tokens.issue({"sub": "u"}, ttl=60)
