"""Calls on the store: executions, tokens, the clock, steps and the linter."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .compare import to_time
from .running import Running, settled


class StoreCalls(Running):
    """Calls without ``on``."""

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
        return await settled(self.store.resume(sealed, **self.proof(call)))

    async def store_issue(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.tokens.issue(call["claims"], ttl=call["ttl"]))

    async def store_set_clock(self, call: dict[str, Any]) -> None:
        self.clock.set(to_time(call["time"]))

    async def store_advance(self, call: dict[str, Any]) -> None:
        self.clock.advance(call["millis"] / 1000)

    async def store_close(self, call: dict[str, Any]) -> None:
        await settled(self.store.close())

    async def store_parse_step(self, call: dict[str, Any]) -> Any:
        return self.store.parse_step(call.get("stepText", call.get("step"))).to_dict()

    async def store_lint(self, call: dict[str, Any]) -> Any:
        findings = []
        for finding in self.api.lint(call.get("pipelineText", call.get("pipeline"))):
            found = asdict(finding)
            name = found.pop("step_name")
            findings.append(found if name is None else {**found, "stepName": name})
        return {"findings": findings}
