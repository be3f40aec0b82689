"""Calls on a session: the verbs."""

from __future__ import annotations

import json
from typing import Any

import sessile

from .compare import same
from .running import ABSENT, Running, finish, settled


class SessionCalls(Running):
    """Calls on what ``on`` names with its session."""

    async def session(self, session: Any, verb: str, call: dict[str, Any]) -> Any:
        ttl = {"ttl": call["ttl"]} if "ttl" in call else {}
        match verb:
            case "get" | "take":
                return await settled(getattr(session, verb)(call["name"], ABSENT))
            case "get_raw" | "contains" | "get_versioned":
                return await settled(getattr(session, verb)(call["name"]))
            case "expires_at":
                try:
                    return await settled(session.expires_at(call["name"]))
                except sessile.NotFoundError:
                    return ABSENT
            case "get_many":
                return await settled(session.get_many(call["names"]))
            case "all" | "keys" | "clear" | "end" | "info":
                return await settled(getattr(session, verb)())
            case "put":
                return await settled(session.put(call.get("fieldsText", call.get("fields")), **ttl))
            case "put_raw" | "put_if_absent":
                return await settled(getattr(session, verb)(call["name"], call["value"], **ttl))
            case "put_if":
                version = self.given(call["version"])
                return await settled(session.put_if(call["name"], call["value"], version, **ttl))
            case "delete":
                return await settled(session.delete(*call["names"]))
            case "increment":
                return await settled(session.increment(call["name"], call["by"]))
            case "append":
                return await settled(session.append(call["name"], call["values"]))
            case "update":
                return await self.update(session, call)
            case "get_path":
                return await settled(session.get_path(call["name"], call["pointer"], ABSENT))
            case "put_path":
                return await settled(session.put_path(call["name"], call["pointer"], call["value"]))
            case "delete_path":
                return await settled(session.delete_path(call["name"], call["pointer"]))
            case "set_ttl":
                return await settled(session.set_ttl(call["name"], call["ttl"]))
            case "commit":
                return await settled(session.commit(exclusive=call.get("exclusive", False)))
        raise AssertionError(f"no such call: {verb}")

    async def update(self, session: Any, call: dict[str, Any]) -> None:
        saw: list[Any] = []

        async def change(value: Any) -> Any:
            saw.append(value)
            if len(saw) == 1 and "during" in call:
                await self.call(call["during"], f"during {json.dumps(call)[:300]}")
            return call["value"]

        # The sync update takes a plain function; its coroutine never suspends.
        await settled(session.update(call["name"], change if self.api is not sessile else lambda old: finish(change(old))))
        if "saw" in call:
            assert same(saw, call["saw"]), f"fn saw {saw!r}"
