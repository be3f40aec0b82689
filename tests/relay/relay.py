"""The Python part of the relay, see run.py and life.py:

relay.py relay <url> <keyring> <token> <language> <seconds>
relay.py sessions <url> <keyring> <verb> <language>
"""

import json
import sys
import time

import sessile

# Five processes want one session, on a machine that may have other things to do.
LIMITS = {"deadline": 20_000}
LANGUAGES = ["python", "node", "c", "cpp", "rust"]


def relay(url, keyring, token, language, seconds):
    others = [other for other in LANGUAGES if other != language]
    seen = dict.fromkeys(others, 0)
    writes = 0
    with (
        sessile.Store.open(url, keyring=keyring, limits=LIMITS) as store,
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


def sessions(url, keyring, verb, language):
    with sessile.Store.open(url, keyring=keyring, limits=LIMITS) as store:
        sessions = store.sessions
        if verb == "start":
            for n in range(3):
                show_started(sessions.start("relay", {"userId": f"{language}{n}", "startedBy": language}))
        if verb == "list":
            listed = sessions.list("relay")
            print(json.dumps({"sessions": [{"sessionId": one.session_id, "active": one.active} for one in listed]}))
        for line in sys.stdin:
            session_id, token, refresh_token = line.split()
            if verb == "pass":
                assert sessions.verify(token)
                sessions.update(session_id, {"passedBy": language})
                show_started(sessions.refresh(refresh_token))
            elif verb == "extend":
                print(json.dumps(sessions.extend(session_id, 400 * 86400).isoformat()))
            elif verb == "revoke":
                sessions.revoke(session_id)
            else:
                found = sessions.verify(token)
                print(json.dumps({"valid": found.valid, "reason": found.reason, "data": found.data}))


def show_started(started):
    names = {"sessionId": started.session_id, "token": started.token, "refreshToken": started.refresh_token}
    print(json.dumps(names))


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "sessions":
        sessions(*arguments)
    else:
        assert command == "relay"
        *place, seconds = arguments
        relay(*place, float(seconds))
