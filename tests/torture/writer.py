"""The Python writer: writer.py <db> <keyring> <token> <name> <durability>; what it prints, see common.py."""

import os
import sys

import sessile


def main(db, keyring, token, name, durability):
    store = sessile.Store.open(
        f"sqlite:{db}", keyring=keyring, durability=durability, limits={"deadline": 20_000}
    )
    session = store.execution({"type": "rest", "security": "jwt"}, token).global_()
    count, started = session.get(name, 0), []
    while True:
        count += 1
        session.put({name: count})
        say("n", count)
        if count % 3 == 0:
            started.append(store.sessions.start("torture", {"userId": f"{name}-{count % 5}"}).session_id)
            say("s", started[-1])
        if count % 6 == 0:
            say("w", started[0])
            store.sessions.revoke(started[0])
            say("r", started.pop(0))


def say(*words):
    # One write a line, past all buffers: what was said survives the kill.
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
