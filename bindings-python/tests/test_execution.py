"""Steps on Python messages, context managers, stores, tokens, keyrings."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections import Counter, OrderedDict
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from conftest import REST

import sessile

GET = {"operation": "GET", "fields": ["cart", "none"]}
PUT = {"operation": "PUT", "fields": ["cart", "none"]}
DELETE = {"operation": "DELETE", "fields": ["cart"]}


@pytest.fixture
def run(store: sessile.Store) -> sessile.Execution:
    return store.execution()


def test_object_mode_gives_the_same_dict_or_a_shallow_copy(run: sessile.Execution) -> None:
    other = object()
    message: dict[str, Any] = {"cart": ["tea"], "other": other, "id": 2**100}
    assert run.step(PUT, message) is message
    got: dict[Any, Any] = run.step(GET, {"other": other, 5: "kept"})
    assert got == {"other": other, 5: "kept", "cart": ["tea"]}
    assert run.step(DELETE, message) is message
    unchanged = run.step(GET, message)
    assert unchanged == message
    assert unchanged is not message
    assert unchanged["other"] is other


def test_object_mode_keeps_the_type_of_a_dict_subclass(run: sessile.Execution) -> None:
    run.local.put({"cart": 1})
    assert type(run.step(GET, OrderedDict(a=1))) is OrderedDict
    counter = run.step(GET, Counter(cart=5))
    assert type(counter) is Counter
    assert counter == {"cart": 1}, "set, not added"


def test_none_counts_as_an_empty_object(run: sessile.Execution) -> None:
    assert run.step(PUT) is None
    assert run.step(GET) == {}
    run.local.put({"cart": 1})
    assert run.step(GET, None) == {"cart": 1}


@pytest.mark.parametrize("kind", [str, bytes, bytearray])
def test_text_in_gives_that_type_out(run: sessile.Execution, kind: Any) -> None:
    def text(message: str) -> Any:
        return message if kind is str else kind(message.encode())

    message = text('{ "cart":[1.0,1e400] , "é":18446744073709551616}')
    assert run.step(PUT, message) is message
    got = run.step(GET, text('{"id":1.0}'))
    assert type(got) is kind
    assert got == text('{"id":1.0,"cart":[1.0,1e400]}')


@pytest.mark.parametrize("message", [[1], 5, 1.5, True, {1}, object(), memoryview(b"{}")])
def test_anything_else_is_no_message(run: sessile.Execution, message: Any) -> None:
    for step in (GET, PUT):
        with pytest.raises(sessile.InvalidArgumentError) as caught:
            run.step(step, message)
        assert caught.value.name == "MESSAGE_NOT_OBJECT"
    assert run.step(DELETE, message) is message


def test_what_python_can_t_hold_is_refused_in_object_mode_only(run: sessile.Execution) -> None:
    run.local.put_raw("cart", str(2**64))
    with pytest.raises(sessile.InvalidArgumentError) as caught:
        run.step(GET, {})
    assert caught.value.name == "LIMIT_EXCEEDED"
    assert run.step(GET, "{}") == '{"cart":18446744073709551616}'


@pytest.mark.parametrize("step", ['{"fields":"cart"}', b'{"fields":"cart"}', {"fields": "cart"}, sessile.Step.parse('{"fields":"cart"}'), MappingProxyType({"fields": "cart"})])
def test_a_step_is_a_dict_text_or_parsed(run: sessile.Execution, step: Any) -> None:
    run.local.put({"cart": 1})
    assert run.step(step, "{}") == '{"cart":1}'


@pytest.mark.parametrize("step", [None, 5, ["cart"], object()])
def test_a_step_of_another_kind_is_refused(run: sessile.Execution, step: Any) -> None:
    with pytest.raises(sessile.InvalidArgumentError):
        run.step(step, "{}")


def test_a_parsed_step(store: sessile.Store) -> None:
    step = sessile.Step.parse({"operation": "Put Data", "fields": "a, b", "stepName": "Keep"})
    assert (step.operation, step.fields) == ("PUT", ("a", "b"))
    assert sessile.Step.parse(step.to_dict()).to_json() == step.to_json()
    assert step.to_json() in repr(step)
    assert pickle.loads(pickle.dumps(step)).to_json() == copy.deepcopy(step).to_json() == step.to_json()
    with sessile.Store.open("memory:", limits={"stepFields": 1}) as small, pytest.raises(sessile.InvalidArgumentError):
        small.parse_step({"fields": "a, b"})


def test_leaving_a_block_ends_what_it_holds() -> None:
    with sessile.Store.open("memory:") as store:
        with store.execution() as run:
            run.local["x"] = 1
            with run.subprocess("part") as part:
                part.scoped["x"] = 2
                part.scoped["y"] = 3
                assert part.commit() == sessile.Committed(put=("x", "y"), deleted=())
                part.scoped["x"] = 4
            assert run.local.all() == {"x": 2, "y": 3}
            with pytest.raises(sessile.ClosedError):
                part.scoped.get("x")
            assert (part.name, part.subprocess_id, part.id) == ("part", "1", run.id)
        with pytest.raises(sessile.ClosedError):
            run.local.get("x")
    with pytest.raises(sessile.ClosedError):
        store.execution()


def test_an_exception_leaves_a_block_unchanged(store: sessile.Store) -> None:
    with pytest.raises(ZeroDivisionError), store.execution() as run:
        run.local["x"] = 1 / 0


def test_a_checkpoint_is_taken_up_with_its_sub_processes(on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk) as store:
        run = store.execution()
        run.local["x"] = 1
        part = run.subprocess("part")
        part.scoped["x"] = 2
        sealed = run.checkpoint()
    assert b"part" not in sealed
    with sessile.Store.open(**on_disk) as store:
        resumed = store.resume(sealed)
        assert resumed.id == run.id
        assert resumed.local["x"] == 1
        assert resumed.subprocess_by_id(part.subprocess_id).scoped["x"] == 2
        with pytest.raises(sessile.NotFoundError):
            resumed.subprocess_by_id("7")
        with pytest.raises(TypeError):
            store.resume(sealed.decode("latin-1"))  # type: ignore[arg-type]


def test_a_user_s_fields_outlive_the_process(on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk, product="shop") as store:
        token = store.tokens.issue({"sub": "ada"}, ttl=timedelta(hours=1))
        with store.execution(REST, f"Bearer {token}") as run:
            run.step({"operation": "PUT", "sessionType": "GLOBAL", "fields": "cart"}, {"cart": ["tea"]})
    with sessile.Store.open(**on_disk, product="shop") as store:
        proof = store.verify(token)
        assert (proof.realm, proof.subject) == ("sessile:default/shop/dev", "ada")
        assert proof.expires_at > datetime.now(timezone.utc)
        assert "ada" not in repr(proof)
        assert store.global_(proof)["cart"] == ["tea"]
        with pytest.raises(TypeError):
            store.global_(token)  # type: ignore[arg-type]
        scoped = store.execution(REST, token).subprocess("part").global_(scoped=True)
        scoped["cart"] = []
        assert store.global_(proof)["cart"] == ["tea"]
        assert scoped.commit() == sessile.Committed(put=("cart",), deleted=())
        assert store.global_(proof)["cart"] == []
        assert store.tokens.jwks()["keys"][0]["kty"] == "OKP"


def test_a_clock_stands_still() -> None:
    clock = sessile.Clock.manual(0)
    assert clock.now() == datetime(1970, 1, 1, tzinfo=timezone.utc)
    clock.set(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))))
    clock.advance(0.5)
    clock.advance(timedelta(seconds=-1))
    assert clock.now() == datetime(2025, 12, 31, 23, 59, 59, 500_000, tzinfo=timezone.utc)
    with pytest.raises(ValueError, match="time zone"):
        sessile.Clock.manual(datetime(2026, 1, 1))  # noqa: DTZ001
    for beyond in (float("nan"), float("inf"), 1e300, 2**62):
        with pytest.raises(sessile.InvalidArgumentError, match="seconds"):
            sessile.Clock.manual(beyond)
    with pytest.raises(TypeError):
        sessile.Clock.manual("now")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        sessile.Store.open("memory:", clock=lambda: 0)  # type: ignore[arg-type]


def test_keyrings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keyring.json"
    sessile.Keyring.generate(str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(sessile.ConflictError):
        sessile.Keyring.generate(path)
    url = f"sqlite:{tmp_path / 'sessions.db'}"
    with pytest.raises(sessile.KeyringError) as caught:
        sessile.Store.open(url)
    assert caught.value.name == "KEY_REQUIRED"
    with sessile.Store.open(url, keyring=path):
        pass
    monkeypatch.setenv("SESSILE_TEST_KEYRING", path.read_text())
    for source in ({"keyring_bytes": path.read_bytes()}, {"keyring_env": "SESSILE_TEST_KEYRING"}):
        with sessile.Store.open(url, **source):
            pass
    with pytest.raises(sessile.KeyringError):
        sessile.Store.open(url, keyring_bytes=sessile.Keyring.generate_json())
    with pytest.raises(sessile.InvalidArgumentError, match="one of"):
        sessile.Store.open(url, keyring=path, keyring_env="X")


def test_the_keyring_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sessile", "keyring", str(tmp_path / "keyring.json")]
    assert subprocess.run(command, check=False).returncode == 0
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert again.stderr.startswith("ALREADY_EXISTS: ")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"url": 5}, ValueError),
        ({"url": "memory:", "limits": {"fieldNames": 1}}, ValueError),
        ({"url": "memory:", "durability": "always"}, ValueError),
        ({"url": "memory:", "issuers": {"issuer": "x"}}, ValueError),
        ({"url": "memory:", "issuer_secrets": {"x": "text"}}, sessile.ArgumentTypeError),
        ({"url": "memory:", "issuer_secrets": 5}, sessile.ArgumentTypeError),
        ({"url": "memory:", "keyring": 5}, sessile.ArgumentTypeError),
        ({"url": "memory:", "keyring": b"bytes"}, sessile.ArgumentTypeError),
        ({"url": "memory:", "produkt": "x"}, TypeError),
    ],
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        sessile.Store.open(**options)
