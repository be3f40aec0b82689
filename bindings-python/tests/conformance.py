"""Runs the conformance vectors (tests/vectors, its README describes the format) on `sessile` and on `sessile.aio`.

One runner for both: a call's result is awaited if it can be. On the sync module nothing ever suspends, so the
coroutine that runs the case ends at its first step.
"""

from __future__ import annotations

import base64
import inspect
import json
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import sessile

VECTORS = Path(__file__).resolve().parents[2] / "tests" / "vectors"
LANGUAGE = "python"
_OPTIONS = inspect.signature(sessile.Store.open).parameters


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
    run = _Case(case, api, folder)
    try:
        for number, call in enumerate(case["do"]):
            await run.call(call, f"call {number} {json.dumps(call)[:300]}")
    finally:
        await run.close()


class _Case:
    def __init__(self, case: dict[str, Any], api: ModuleType, folder: Path) -> None:
        self.case = case
        self.api = api
        self.folder = folder
        self.clock = sessile.Clock.manual(_time(case.get("clock", "2026-01-01T00:00:00Z")))
        self.store: Any = None
        self.kept: dict[str, Any] = {}

    async def open(self) -> None:
        options = dict(self.case.get("options", {}))
        options.setdefault("url", "memory:")
        if golden := self.case.get("golden"):
            for name in ("sessions.db", "keyring.json"):
                copied = self.folder / name
                copied.write_bytes((VECTORS.parent / "golden" / golden / name).read_bytes())
                copied.chmod(0o600)
            options["url"] = f"sqlite:{self.folder / 'sessions.db'}"
            options["keyring"] = self.folder / "keyring.json"
        secrets = {issuer: base64.b64decode(secret) for issuer, secret in self.case.get("secrets", {}).items()}
        self.store = await _settled(self.api.Store.open(**options, issuer_secrets=secrets, clock=self.clock))

    async def close(self) -> None:
        if self.store is not None:
            await _settled(self.store.close())

    async def call(self, call: dict[str, Any], place: str) -> None:
        if self.store is None and call["call"] != "open":
            await self.open()
        wanted: Any = call.get("error")
        if call["call"] == "open" and not set(self.case.get("options", {})) <= set(_OPTIONS):
            # An option is an argument here: Python itself refuses one that there is not.
            with pytest.raises(TypeError, match="unexpected keyword"):
                await self.open()
            assert wanted["code"] == "INVALID_ARGUMENT", place
            return
        try:
            result = await self.perform(call)
        except sessile.SessileError as error:
            assert wanted is not None, f"{place}: {error.name}: {error}"
            assert error.name == wanted["code"], f"{place}: {error.name}: {error}"
            for member, value in wanted.get("details", {}).items():
                assert _same(error.details.get(member), value), f"{place}: details {error.details}"
            return
        assert wanted is None, f"{place}: gave {result!r}, not an error"
        if "as" in call:
            self.kept[call["as"]] = result[1] if call["call"] == "get_versioned" else result
        if call["call"] == "get_versioned" and result is not None:
            result = result[0]
        if call.get("absent"):
            assert result is None or result is _ABSENT, f"{place}: gave {result!r}"
        if "text" in call:
            assert _text(result) == call["text"], f"{place}: gave {_text(result)!r}"
        if "gives" in call:
            if call["call"] == "info":
                result = {member: result[member] for member in call["gives"]}
            assert _same(result, call["gives"]), f"{place}: gave {result!r}"

    async def perform(self, call: dict[str, Any]) -> Any:
        verb = call["call"]
        on = call.get("on")
        if on is None:
            return await getattr(self, "store_" + verb)(call)
        name, _, session = on.partition(".")
        target = self.kept[name]
        if not session:
            return await getattr(self, "execution_" + verb)(target, call)
        kind, _, tag = session.partition(":")
        if kind in ("local", "scoped"):
            return await self.session(getattr(target, kind), verb, call)
        return await self.session(target.global_(tag or None, scoped=kind == "scoped_global"), verb, call)

    def given(self, value: Any) -> Any:
        """An argument: ``"$name"`` is what was kept under that name."""
        return self.kept[value[1:]] if isinstance(value, str) and value.startswith("$") else value

    def proof(self, call: dict[str, Any]) -> dict[str, Any]:
        trigger = call.get("triggerText", call.get("trigger"))
        return {"trigger": trigger, "token": self.given(call.get("token"))}

    async def store_open(self, call: dict[str, Any]) -> None:
        await self.open()

    async def store_execution(self, call: dict[str, Any]) -> Any:
        return self.store.execution(**self.proof(call))

    async def store_resume(self, call: dict[str, Any]) -> Any:
        checkpoint = self.given(call["checkpoint"])
        sealed = checkpoint.encode() if isinstance(checkpoint, str) else checkpoint
        return await _settled(self.store.resume(sealed, **self.proof(call)))

    async def store_issue(self, call: dict[str, Any]) -> Any:
        return await _settled(self.store.tokens.issue(call["claims"], ttl=call["ttl"]))

    async def store_verify(self, call: dict[str, Any]) -> Any:
        proof = await _settled(self.store.verify(self.given(call["token"])))
        return {"realm": proof.realm, "subject": proof.subject, "expiresAt": _rfc3339(proof.expires_at)}

    async def store_set_clock(self, call: dict[str, Any]) -> None:
        self.clock.set(_time(call["time"]))

    async def store_advance(self, call: dict[str, Any]) -> None:
        self.clock.advance(call["millis"] / 1000)

    async def store_close(self, call: dict[str, Any]) -> None:
        await _settled(self.store.close())

    async def store_parse_step(self, call: dict[str, Any]) -> Any:
        return self.store.parse_step(call.get("stepText", call.get("step"))).to_dict()

    async def store_lint(self, call: dict[str, Any]) -> Any:
        findings = []
        for finding in self.api.lint(call.get("pipelineText", call.get("pipeline"))):
            found = asdict(finding)
            name = found.pop("step_name")
            findings.append(found if name is None else {**found, "stepName": name})
        return {"findings": findings}

    async def execution_step(self, run: Any, call: dict[str, Any]) -> Any:
        message = call.get("message")
        output = await _settled(run.step(call.get("stepText", call.get("step")), message))
        # Without a message it is object mode: the text of what it gives is compared.
        return "" if output is None else output if isinstance(output, str) else json.dumps(output, separators=(",", ":"))

    async def execution_step_object(self, run: Any, call: dict[str, Any]) -> Any:
        return await _settled(run.step(call["step"], call.get("message")))

    async def execution_subprocess(self, run: Any, call: dict[str, Any]) -> Any:
        return run.subprocess(call["name"])

    async def execution_subprocess_by_id(self, run: Any, call: dict[str, Any]) -> Any:
        return run.subprocess_by_id(call["id"])

    async def execution_commit(self, run: Any, call: dict[str, Any]) -> Any:
        return _committed(await _settled(run.commit(exclusive=call.get("exclusive", False))))

    async def execution_end(self, run: Any, call: dict[str, Any]) -> None:
        await _settled(run.end())

    async def execution_checkpoint(self, run: Any, call: dict[str, Any]) -> Any:
        return await _settled(run.checkpoint())

    async def execution_renew(self, run: Any, call: dict[str, Any]) -> None:
        await _settled(run.renew(self.given(call["token"])))

    async def session(self, session: Any, verb: str, call: dict[str, Any]) -> Any:
        ttl = {"ttl": call["ttl"]} if "ttl" in call else {}
        match verb:
            case "get" | "take":
                return await _settled(getattr(session, verb)(call["name"], _ABSENT))
            case "get_raw" | "contains" | "get_versioned":
                return await _settled(getattr(session, verb)(call["name"]))
            case "expires_at":
                try:
                    expires = await _settled(session.expires_at(call["name"]))
                except sessile.NotFoundError:
                    return _ABSENT
                return None if expires is None else _rfc3339(expires)
            case "get_many":
                return await _settled(session.get_many(call["names"]))
            case "all" | "keys" | "clear" | "end":
                return await _settled(getattr(session, verb)())
            case "put":
                return await _settled(session.put(call.get("fieldsText", call.get("fields")), **ttl))
            case "put_raw" | "put_if_absent":
                return await _settled(getattr(session, verb)(call["name"], call["value"], **ttl))
            case "put_if":
                version = self.given(call["version"])
                return await _settled(session.put_if(call["name"], call["value"], version, **ttl))
            case "delete":
                return await _settled(session.delete(*call["names"]))
            case "increment":
                return await _settled(session.increment(call["name"], call["by"]))
            case "append":
                return await _settled(session.append(call["name"], call["values"]))
            case "update":
                return await self.update(session, call)
            case "get_path":
                return await _settled(session.get_path(call["name"], call["pointer"], _ABSENT))
            case "put_path":
                return await _settled(session.put_path(call["name"], call["pointer"], call["value"]))
            case "delete_path":
                return await _settled(session.delete_path(call["name"], call["pointer"]))
            case "set_ttl":
                return await _settled(session.set_ttl(call["name"], call["ttl"]))
            case "info":
                info = await _settled(session.info())
                return None if info is None else _info(info)
            case "commit":
                return _committed(await _settled(session.commit(exclusive=call.get("exclusive", False))))
        raise AssertionError(f"no such call: {verb}")

    async def update(self, session: Any, call: dict[str, Any]) -> None:
        saw: list[Any] = []

        async def change(value: Any) -> Any:
            saw.append(value)
            if len(saw) == 1 and "during" in call:
                await self.call(call["during"], f"during {json.dumps(call)[:300]}")
            return call["value"]

        # The sync update takes a plain function; its coroutine never suspends.
        await _settled(session.update(call["name"], change if self.api is not sessile else lambda old: finish(change(old))))
        if "saw" in call:
            assert _same(saw, call["saw"]), f"fn saw {saw!r}"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT: Any = _Absent()


def finish(coroutine: Any) -> Any:
    """The result of a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a sync call suspended")


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def _same(given: Any, wanted: Any) -> bool:
    """Equal as JSON: members in any order, integers exactly, a boolean is no number."""
    if isinstance(given, bool) or isinstance(wanted, bool):
        return given is wanted
    if isinstance(given, dict) and isinstance(wanted, dict):
        return given.keys() == wanted.keys() and all(_same(given[name], wanted[name]) for name in wanted)
    if isinstance(given, (list, tuple)) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(_same, given, wanted))
    return type(given) in (str, int, float, type(None)) and bool(given == wanted)


def _text(result: Any) -> Any:
    return str(result, "utf-8") if isinstance(result, bytes) else result


def _committed(committed: Any) -> dict[str, Any]:
    return {"put": committed.put, "deleted": committed.deleted}


def _info(info: Any) -> dict[str, Any]:
    return {
        "version": info.version,
        "createdAt": _rfc3339(info.created_at),
        "updatedAt": _rfc3339(info.updated_at),
        "expiresAt": None if info.expires_at is None else _rfc3339(info.expires_at),
        "lastSeenAt": _rfc3339(info.last_seen_at),
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)


def _rfc3339(time: datetime) -> str:
    assert time.utcoffset() is not None
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
