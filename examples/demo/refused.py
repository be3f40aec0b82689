"""What opens a Global session is the proof, and nothing else."""

import sys

import sessile

folder, token = sys.argv[1:]
rest = {"type": "rest", "security": "jwt"}
step = {"operation": "GET", "sessionType": "GLOBAL", "fields": ["cart"]}
with sessile.Store.open(f"sqlite:{folder}/sessions.db", keyring=f"{folder}/keyring.json", product="shop") as store:
    other = store.tokens.issue({"sub": "eve@example.com"}, ttl=60)
    attempts = {
        "no token": (rest, None),
        "a user's name": (rest, "ada@example.com"),
        "a token with one character changed": (rest, token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]),
        "the token behind a scheduler": ({"type": "scheduler"}, token),
        "another user's token": (rest, other),
    }
    for what, (trigger, proof) in attempts.items():
        try:
            seen = store.execution(trigger=trigger, token=proof).step(step, {})
        except sessile.SessileError as error:
            seen = error.name
        print(f"{what:36} {seen}")
        assert "tea" not in str(seen)
