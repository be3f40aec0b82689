"""What it costs to check a token: one never seen, and one that was seen a moment ago among 10,000."""

import base64
import json
import time
from pathlib import Path

import jwt
import sessile

LIVE = 10_000


def run(bench):
    tokens = json.loads((Path(bench.plan["payloads"]) / "tokens.json").read_text())
    for algorithm, signed in tokens.items():
        if bench.wants(f"python.token.{algorithm}.cold"):
            cold(bench, algorithm, signed)
    if not bench.wants("python.token.known"):
        return
    group = bench.group("python.token.known")
    store = sessile.Store.open("memory:")
    issued = [store.tokens.issue({"sub": f"user{user}"}, 3600) for user in range(LIVE)]
    for token in issued:
        store.verify(token)
    group.add("sessile, known among 10,000", lambda n: store.verify(issued[bench.key(n, LIVE)]))
    group.ends.append(store.close)
    group.run()


def cold(bench, algorithm, signed):
    group = bench.group(f"python.token.{algorithm}.cold")
    issuer, audience, tokens = signed["issuer"], signed["audience"], signed["tokens"]
    secret = base64.b64decode(signed["secret"]) if "secret" in signed else None
    keys = {"symmetric": True} if secret else {"jwks": {"keys": [signed["jwk"]]}}
    entry = {"issuer": issuer, "audiences": [audience], **keys}
    secrets = {issuer: secret} if secret else None

    def fresh(count):
        """Each token is new to the store that is asked: a fresh store for each batch, its opening left out of the time."""
        took = 0
        while count > 0:
            batch = min(count, len(tokens) - 1)
            with sessile.Store.open("memory:", issuers=[entry], issuer_secrets=secrets) as store:
                store.verify(tokens[-1])
                started = time.perf_counter_ns()
                for token in tokens[:batch]:
                    store.verify(token)
                took += time.perf_counter_ns() - started
            count -= batch
        return took

    group.add_round("sessile verify", fresh)
    key = secret or jwt.PyJWK(signed["jwk"]).key

    def decode(n):
        return jwt.decode(tokens[n % len(tokens)], key, [algorithm], issuer=issuer, audience=audience)

    group.add("PyJWT decode", decode)
    group.run()
