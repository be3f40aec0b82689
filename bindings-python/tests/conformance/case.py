"""One case: its calls, each judged by the one expectation it has."""

from __future__ import annotations

from typing import Any

import sessile

from .compare import as_json, holds, same
from .executions import ExecutionCalls
from .identity import IdentityCalls
from .keys import KeyCalls
from .lifecycle import LifecycleCalls
from .running import ABSENT
from .session import SessionCalls
from .store import StoreCalls

# What these give is compared with at least what is wanted.
_AT_LEAST = {
    "config_create", "config_get", "config_list", "config_update", "dashboard", "info", "key_usage", "keyring_describe",
    "refresh", "rewrap", "session_list", "session_verify", "start", "stats", "user", "users", "verify",
}


class Case(StoreCalls, ExecutionCalls, SessionCalls, LifecycleCalls, IdentityCalls, KeyCalls):
    """A case being run."""

    async def call(self, call: dict[str, Any], place: str) -> None:
        if self.store is None and call["call"] != "open":
            await self.open()
        wanted: Any = call.get("error")
        try:
            result = as_json(await self.perform(call))
        except sessile.SessileError as error:
            assert wanted is not None, f"{place}: {error.name}: {error}"
            assert error.name == wanted["code"], f"{place}: {error.name}: {error}"
            for member, value in wanted.get("details", {}).items():
                assert same(error.details.get(member), value), f"{place}: details {error.details}"
            return
        except TypeError as error:
            # A store's option and a page's member are arguments here: Python itself refuses one that there is not.
            assert "unexpected keyword" in str(error), f"{place}: {error!r}"
            assert wanted is not None and wanted["code"] == "INVALID_ARGUMENT", f"{place}: {error!r}"
            return
        assert wanted is None, f"{place}: gave {result!r}, not an error"
        if "as" in call:
            self.kept[call["as"]] = result[1] if call["call"] == "get_versioned" else result
        if call["call"] == "get_versioned" and result is not None:
            result = result[0]
        if call.get("absent"):
            assert result is None or result is ABSENT, f"{place}: gave {result!r}"
        if "text" in call:
            text = str(result, "utf-8") if isinstance(result, bytes) else result
            assert text == call["text"], f"{place}: gave {text!r}"
        if "gives" in call:
            compare = holds if call["call"] in _AT_LEAST else same
            assert compare(result, self.expected(call["gives"])), f"{place}: gave {result!r}"

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
