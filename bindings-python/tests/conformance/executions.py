"""Calls on an execution or a sub-process."""

from __future__ import annotations

import json
from typing import Any

from .running import Running, settled


class ExecutionCalls(Running):
    """Calls on what ``on`` names without a session."""

    async def execution_step(self, run: Any, call: dict[str, Any]) -> Any:
        output = await settled(run.step(call.get("stepText", call.get("step")), call.get("message")))
        # Without a message it is object mode: the text of what it gives is compared.
        if output is None or isinstance(output, str):
            return output or ""
        return json.dumps(output, separators=(",", ":"))

    async def execution_step_object(self, run: Any, call: dict[str, Any]) -> Any:
        return await settled(run.step(call["step"], call.get("message")))

    async def execution_subprocess(self, run: Any, call: dict[str, Any]) -> Any:
        return run.subprocess(call["name"])

    async def execution_subprocess_by_id(self, run: Any, call: dict[str, Any]) -> Any:
        return run.subprocess_by_id(call["id"])

    async def execution_commit(self, run: Any, call: dict[str, Any]) -> Any:
        return await settled(run.commit(exclusive=call.get("exclusive", False)))

    async def execution_end(self, run: Any, call: dict[str, Any]) -> None:
        await settled(run.end())

    async def execution_checkpoint(self, run: Any, call: dict[str, Any]) -> Any:
        return await settled(run.checkpoint())

    async def execution_renew(self, run: Any, call: dict[str, Any]) -> None:
        await settled(run.renew(self.given(call["token"])))
