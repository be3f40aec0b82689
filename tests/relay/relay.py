"""The Python part of the relay: relay.py relay <db> <keyring> <token> <language> <seconds>; see run.py."""

import json
import sys
import time

import sessile

LANGUAGES = ["python", "node", "c", "cpp", "rust"]


def relay(db, keyring, token, language, seconds):
    others = [other for other in LANGUAGES if other != language]
    seen = dict.fromkeys(others, 0)
    writes = 0
    with (
        sessile.Store.open(f"sqlite:{db}", keyring=keyring) as store,
        store.execution(trigger={"type": "rest", "security": "jwt"}, token=token) as run,
    ):
        session = run.global_()
        started = time.time()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            writes += 1
            session.put({language: writes})
            session.increment("total", 1)
            for other, now in session.get_many(others).items():
                assert now >= seen[other], f"{other} went back from {seen[other]} to {now}"
                seen[other] = now
        ended = time.time()
    line = {"lang": language, "startedAt": int(started * 1000), "endedAt": int(ended * 1000), "writes": writes}
    print(json.dumps({**line, "seen": seen}))


if __name__ == "__main__":
    _, command, db, keyring, token, language, seconds = sys.argv
    assert command == "relay"
    relay(db, keyring, token, language, float(seconds))
