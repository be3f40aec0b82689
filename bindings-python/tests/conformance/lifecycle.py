"""Calls on configurations and on users' sessions."""

from __future__ import annotations

from typing import Any

from .running import Running, settled


class LifecycleCalls(Running):
    """Calls without ``on``, of `Configs` and `Sessions`."""

    async def store_config_create(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.configs.create(call.get("definitionText", call.get("definition"))))

    async def store_config_get(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.configs.get(call["tag"]))

    async def store_config_list(self, call: dict[str, Any]) -> Any:
        return _page("configs", await settled(self.store.configs.list(**self.page(call))))

    async def store_config_update(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.configs.update(call["tag"], call["changes"]))

    async def store_config_delete(self, call: dict[str, Any]) -> None:
        await settled(self.store.configs.delete(call["tag"], **_those(call, "force")))

    async def store_config_export(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.configs.export(**_those(call, "tags")))

    async def store_config_import(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.configs.import_(call["document"], **_those(call, "replace")))

    async def store_selector_options(self, call: dict[str, Any]) -> Any:
        return self.api.selector_options(call.get("schemaText", call.get("schema")))

    async def store_start(self, call: dict[str, Any]) -> Any:
        data = call.get("dataText", call.get("data"))
        return await settled(self.store.sessions.start(call["tag"], data, **_those(call, "ttl")))

    async def store_session_verify(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sessions.verify(self.given(call["token"])))

    async def store_refresh(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sessions.refresh(self.given(call["token"])))

    async def store_revoke(self, call: dict[str, Any]) -> None:
        await settled(self.store.sessions.revoke(self.given(call["session"])))

    async def store_revoke_all(self, call: dict[str, Any]) -> Any:
        kept = self.given(call.get("except"))
        return await settled(self.store.sessions.revoke_all(call["tag"], call["user"], except_=kept))

    async def store_session_list(self, call: dict[str, Any]) -> Any:
        arguments = {**_those(call, "user"), **self.page(call)}
        return _page("sessions", await settled(self.store.sessions.list(call["tag"], **arguments)))

    async def store_session_update(self, call: dict[str, Any]) -> None:
        await settled(self.store.sessions.update(self.given(call["session"]), call["data"]))

    async def store_session_extend(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sessions.extend(self.given(call["session"]), call["ttl"]))

    async def store_users(self, call: dict[str, Any]) -> Any:
        return _page("users", await settled(self.store.sessions.users(call["tag"], **self.page(call))))

    async def store_user(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sessions.user(call["tag"], call["user"]))

    async def store_dashboard(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sessions.dashboard(call["tag"]))

    async def store_forget(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sessions.forget(call["tag"], call["user"]))

    async def store_sweep(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.sweep(call["budget"]))

    def page(self, call: dict[str, Any]) -> dict[str, Any]:
        """The arguments that say which page is asked for."""
        return {name: self.given(value) for name, value in call.get("page", {}).items()}


def _those(call: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of the optional arguments that the call has."""
    return {name: call[name] for name in names if name in call}


def _page(member: str, page: Any) -> dict[str, Any]:
    return {member: list(page), "nextCursor": page.next_cursor}
