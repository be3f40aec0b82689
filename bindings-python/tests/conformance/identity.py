"""Calls on proofs: verified, revoked, counted."""

from __future__ import annotations

from typing import Any

from .compare import to_time
from .running import Running, settled


class IdentityCalls(Running):
    """Calls without ``on``, on tokens and issuers."""

    async def store_verify(self, call: dict[str, Any]) -> Any:
        proof = await settled(self.store.verify(self.given(call["token"])))
        return {
            "realm": proof.realm,
            "subject": proof.subject,
            "issuer": proof.issuer,
            "id": proof.id,
            "issuedAt": proof.issued_at,
            "expiresAt": proof.expires_at,
            "acr": proof.acr,
            "authenticatedAt": proof.authenticated_at,
        }

    async def store_revoke_token(self, call: dict[str, Any]) -> None:
        await settled(self.store.revoke_token(self.given(call["token"])))

    async def store_revoke_token_id(self, call: dict[str, Any]) -> None:
        await settled(self.store.revoke_token_id(call["issuer"], call["jti"]))

    async def store_revoke_issuer(self, call: dict[str, Any]) -> None:
        not_before = {"not_before": to_time(call["notBefore"])} if "notBefore" in call else {}
        await settled(self.store.revoke_issuer(call["issuer"], **not_before))

    async def store_accept_logout_token(self, call: dict[str, Any]) -> Any:
        return await settled(self.store.accept_logout_token(self.given(call["token"])))

    async def store_stats(self, call: dict[str, Any]) -> Any:
        return self.store.stats()
