"""Makes the golden stores. They were made once and are read for ever: if one stops opening, format 1 was broken.

    build/venv/bin/python tests/golden/make.py

Each folder has a sessions.db and a keyring.json. `v1` is whole; the others are it, with one thing done to it.
"""

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import sessile

HERE = Path(__file__).parent
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
JWT = {"type": "rest", "security": "jwt"}


def write_whole(folder):
    sessile.Keyring.generate(str(folder / "keyring.json"))
    url, keyring = f"sqlite:{folder}/sessions.db", str(folder / "keyring.json")
    with sessile.Store.open(url, keyring=keyring, clock=sessile.Clock.manual(START)) as store:
        def session(subject):
            token = store.tokens.issue({"sub": subject}, ttl=600)
            return store.execution(trigger=JWT, token=token).global_()

        session("ada").put_raw("number", "1.0")
        session("ada").put({"cart": ["tea", "honey"], "näme": "välue", "large": "x" * 10_000, "none": None})
        session("ada").put({"short": "lived"}, ttl=60)
        session("bob").put({"cart": ["bread"]})
        session("carol").put({"gone": True})
        session("carol").end()
    with sessile.Store.open(url, keyring=keyring, product="other", clock=sessile.Clock.manual(START)) as store:
        token = store.tokens.issue({"sub": "ada"}, ttl=600)
        store.execution(trigger=JWT, token=token).global_().put({"cart": ["another product's"]})


def edit(name, sql):
    """A copy of v1 with a change made by SQL."""
    copy(name)
    file = sqlite3.connect(HERE / name / "sessions.db", isolation_level=None)
    file.execute(sql)
    file.close()


def copy(name):
    shutil.rmtree(HERE / name, ignore_errors=True)
    shutil.copytree(HERE / "v1", HERE / name)


def flipped_head():
    copy("flipped-head")
    with sqlite3.connect(HERE / "flipped-head" / "sessions.db") as file:
        (head,) = file.execute("SELECT head FROM session WHERE rowid = 1").fetchone()
        head = bytearray(head)
        head[-1] ^= 1
        file.execute("UPDATE session SET head = ? WHERE rowid = 1", (bytes(head),))
    file.close()


def swapped_heads():
    copy("swapped-heads")
    with sqlite3.connect(HERE / "swapped-heads" / "sessions.db") as file:
        rows = dict(file.execute("SELECT rowid, head FROM session WHERE rowid IN (1, 2)").fetchall())
        file.execute("UPDATE session SET head = ? WHERE rowid = 1", (rows[2],))
        file.execute("UPDATE session SET head = ? WHERE rowid = 2", (rows[1],))
    file.close()


def other_keyring():
    copy("other-keyring")
    (HERE / "other-keyring" / "keyring.json").unlink()
    sessile.Keyring.generate(str(HERE / "other-keyring" / "keyring.json"))


def with_keyring(name, change):
    copy(name)
    path = HERE / name / "keyring.json"
    keyring = json.loads(path.read_text())
    change(keyring)
    path.write_text(json.dumps(keyring, indent=2) + "\n")


def rotated(keyring):
    with tempfile.TemporaryDirectory() as folder:
        sessile.Keyring.generate(f"{folder}/keyring.json")
        fresh = json.loads(Path(f"{folder}/keyring.json").read_text())["data"][0]
    keyring["data"][0]["state"] = "retired"
    keyring["data"].append({**fresh, "id": 2})


def revoked(keyring):
    rotated(keyring)
    keyring["data"][0]["state"] = "revoked"


def dropped(keyring):
    rotated(keyring)
    del keyring["data"][0]


def truncated():
    copy("truncated-keyring")
    path = HERE / "truncated-keyring" / "keyring.json"
    path.write_text(path.read_text()[:100])


if __name__ == "__main__":
    if (HERE / "v1").exists():
        sys.exit("the golden stores are made once")
    os.umask(0o077)
    (HERE / "v1").mkdir()
    write_whole(HERE / "v1")
    for lock in HERE.glob("*/sessions.db-*"):
        lock.unlink()
    flipped_head()
    swapped_heads()
    other_keyring()
    with_keyring("rotated-key", rotated)
    with_keyring("revoked-key", revoked)
    with_keyring("dropped-key", dropped)
    truncated()
    edit("newer-file", "PRAGMA user_version = 2")
    edit("foreign-file", "PRAGMA application_id = 1")
    copy("not-a-database")
    (HERE / "not-a-database" / "sessions.db").write_text("dear diary\n")
