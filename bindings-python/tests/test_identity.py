"""What is Python's own about proofs and their revocation: times, records, types, issuers' keys from a file."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from conftest import REST

import sessile
from sessile import aio

OWN = "sessile:default/default/dev"
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_a_proof_has_aware_times(store: sessile.Store) -> None:
    token = store.tokens.issue({"sub": "ada", "acr": "gold", "auth_time": 1_767_225_600}, ttl=600)
    proof = store.verify(token)
    assert (proof.issuer, proof.subject, proof.acr, proof.authenticated_at) == (OWN, "ada", "gold", START)
    assert proof.id and proof.expires_at - proof.issued_at == timedelta(seconds=600)
    plain = store.verify(store.tokens.issue({"sub": "ada"}, ttl=600))
    assert (plain.acr, plain.authenticated_at) == (None, None)


@pytest.mark.parametrize("instant", [START, START.timestamp(), 1_767_225_600, None])
def test_an_issuer_is_revoked_until_an_instant(instant: Any) -> None:
    clock = sessile.Clock.manual(START)
    with sessile.Store.open("memory:", clock=clock) as store:
        token = store.tokens.issue({"sub": "ada"}, ttl=600)
        run = store.execution(REST, token)
        run.global_().put({"n": 1})
        store.revoke_issuer(OWN, not_before=instant)
        with pytest.raises(sessile.IdentityError) as caught:
            run.global_().get("n")
        assert (caught.value.name, caught.value.details["reason"]) == ("TOKEN_REVOKED", "issuer")
        clock.advance(1)
        assert store.verify(store.tokens.issue({"sub": "ada"}, ttl=600)).subject == "ada"


def test_each_revocation_refuses_the_next_operation(store: sessile.Store) -> None:
    def running() -> tuple[str, sessile.Session]:
        token = store.tokens.issue({"sub": "ada"}, ttl=600)
        session = store.execution(REST, token).global_()
        session.put({"n": 1})
        return token, session

    (first, by_text), (second, by_id), (_, other) = running(), running(), running()
    store.revoke_token(f"Bearer {first}")
    proof = store.verify(second)
    assert proof.id is not None
    store.revoke_token_id(proof.issuer, proof.id)
    for session in (by_text, by_id):
        with pytest.raises(sessile.IdentityError) as caught:
            session.put({"n": 2})
        assert caught.value.name == "TOKEN_REVOKED"
    assert other["n"] == 1


def test_the_same_awaited() -> None:
    async def work() -> None:
        async with aio.Store.open("memory:") as store:
            token = await store.tokens.issue({"sub": "ada"}, ttl=600)
            session = store.execution(REST, token).global_()
            await session.put({"n": 1})
            await store.revoke_token(token)
            with pytest.raises(sessile.IdentityError):
                await session.get("n")
            proof = await store.verify(await store.tokens.issue({"sub": "ada"}, ttl=600))
            assert proof.id is not None
            await store.revoke_token_id(proof.issuer, proof.id)
            with pytest.raises(sessile.InvalidArgumentError):
                await store.revoke_issuer(OWN, datetime.now(timezone.utc) + timedelta(days=1))
            await store.revoke_issuer(OWN)
            with pytest.raises(sessile.IdentityError):
                await store.accept_logout_token(token)
            assert isinstance(store.stats(), sessile.Stats)
        with pytest.raises(sessile.ClosedError):
            await store.revoke_token(token)
        with pytest.raises(sessile.ClosedError):
            await store.revoke_issuer(OWN)

    asyncio.run(work())


def test_wrong_types_are_type_errors(store: sessile.Store) -> None:
    wrong: list[Callable[[], Any]] = [
        lambda: store.revoke_token(1),  # type: ignore[arg-type]
        lambda: store.revoke_token_id(OWN, 1),  # type: ignore[arg-type]
        lambda: store.revoke_token_id(None, "j"),  # type: ignore[arg-type]
        lambda: store.revoke_issuer(1),  # type: ignore[arg-type]
        lambda: store.revoke_issuer(OWN, "now"),  # type: ignore[arg-type]
        lambda: store.accept_logout_token(None),  # type: ignore[arg-type]
    ]
    for call in wrong:
        with pytest.raises(sessile.ArgumentTypeError):
            call()
    with pytest.raises(sessile.InvalidArgumentError):
        store.revoke_issuer(OWN, datetime(2026, 1, 1))


def test_issuers_have_keys_in_a_file(tmp_path: Path) -> None:
    with sessile.Store.open("memory:", product="identity") as provider:
        keys = tmp_path / "jwks.json"
        keys.write_text(json.dumps(provider.tokens.jwks()))
        issuer: sessile.Issuer = {
            "issuer": "sessile:default/identity/dev",
            "audiences": ["sessile:default/identity/dev"],
            "jwksFile": str(keys),
            "profile": "jwt",
            "leeway": 10,
        }
        token = provider.tokens.issue({"sub": "ada"}, ttl=600)
        kid = provider.tokens.jwks()["keys"][0]["kid"]
    with sessile.Store.open("memory:", issuers=[issuer]) as store:
        for _ in range(3):
            assert store.verify(token).subject == "ada"
        stats = store.stats()
        assert stats == sessile.Stats(
            sessile.TokenCache(hits=2, misses=1, tokens=1),
            (sessile.IssuerStats("sessile:default/identity/dev", (kid,), (), None),),
            sessile.BackendStats("memory", None, None, None, None, None),
        )
        assert hash(stats) == hash(store.stats())
        with pytest.raises(dataclasses.FrozenInstanceError):
            stats.token_cache.hits = 0  # type: ignore[misc]
        assert token not in repr(stats)


def test_a_key_that_is_refused_has_its_reason() -> None:
    weak = {"kty": "RSA", "n": "wcHBwcE", "e": "AQAB", "kid": "weak"}
    with sessile.Store.open("memory:", product="identity") as provider:
        keys = {"keys": [*provider.tokens.jwks()["keys"], weak]}
    issuer = {"issuer": "https://id.example.com", "audiences": ["shop"], "jwks": keys}
    with sessile.Store.open("memory:", issuers=[issuer]) as store:
        (refused,) = store.stats().issuers[0].refused_keys
        assert (refused.index, refused.kid) == (1, "weak") and refused.reason
