"""What the torture tests share: the writers, what they say, and whether the file holds what was acknowledged.

A writer writes for ever, to fields and sessions of its own, and says after each call that returned:

    n 7          its field holds 7
    s <id>       it started that session
    w <id>       it is about to revoke that session
    r <id>       it did
    f <count>    a flush returned                                        (these four the C writer only)
    g <user>     it forgot that user
    q <token>    it is about to refresh a session with that token
    k <token>    it did, and got that one
    e IO         a call failed, and is made again (only the C writer, with a number of rounds, goes on then)

The Python package is the one that `make test` installed; `PYTHON` names its interpreter, which runs these tests too.
`PROFILE` is another cargo profile than release.
"""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import sessile

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "torture"
PROFILE = os.environ.get("PROFILE", "release")
MADE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / ("debug" if PROFILE == "dev" else PROFILE)
TRIGGER = {"type": "rest", "security": "jwt"}
LANGUAGES = ["python", "node", "c", "rust"]


class Fault(Exception):
    """Something that a torture test must not find."""


def need(held, said):
    if not held:
        raise Fault(said)


def build(folder):
    """The command of each language's writer; the C one is made in ``folder``."""
    run(["cargo", "build", "--quiet", "--profile", PROFILE, "-p", "sessile", "--example", "torture"])
    run(["cargo", "build", "--quiet", "--profile", PROFILE, "-p", "sessile-c"])
    for name in ["libsessile.so", "libsessile.so.0"]:
        (folder / name).symlink_to(MADE / "libsessile_c.so")
    compiler = [os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1"]
    run([*compiler, "-I", ROOT / "include", HERE / "writer.c", "-o", folder / "writer", "-L", folder, "-lsessile",
         f"-Wl,-rpath,{folder}"])  # fmt: skip
    return {
        "python": [sys.executable, HERE / "writer.py"],
        "node": [os.environ.get("NODE", "node"), HERE / "writer.mjs"],
        "c": [folder / "writer"],
        "rust": [MADE / "examples" / "torture", "write"],
    }


def shim(folder, name):
    """A library for LD_PRELOAD, made of ``name``.c."""
    made = folder / f"{name}.so"
    flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared"]
    run([os.environ.get("CC", "cc"), *flags, HERE / f"{name}.c", "-o", made, "-ldl", "-pthread"])
    return made


class Place:
    """A store on disk, made anew in ``folder``."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.folder, self.db, self.keyring = folder, folder / "sessions.db", folder / "keyring.json"
        sessile.Keyring.generate(self.keyring)
        with self.open(durability="commit") as store:
            definition = {"name": "T", "tag": "torture", "schema": {"userId": "string"}, "selector": "$Session{userId}"}
            store.configs.create(definition)
            self.token = store.tokens.issue({"sub": "torture"}, ttl=86_400)

    def open(self, db=None, **options):
        options.setdefault("limits", {"deadline": 20_000})
        return sessile.Store.open(f"sqlite:{db or self.db}", keyring=self.keyring, **options)

    def arguments(self, name, durability):
        return [self.db, self.keyring, self.token, name, durability]


class Said:
    """What one writer said, over all its lives."""

    def __init__(self):
        self.count, self.started, self.revoked, self.unsure, self.errors = 0, set(), set(), set(), set()
        self.forgotten, self.refreshed = set(), None

    def hear(self, text):
        for line in text.split("\n")[:-1]:
            word, value = line.split(" ")
            if word == "n":
                self.count = int(value)
            elif word == "s":
                self.started.add(value)
            elif word == "w":
                self.unsure.add(value)
            elif word == "r":
                self.revoked.add(value)
                self.unsure.discard(value)
            elif word == "g":
                self.forgotten.add(value)
            elif word in "qk":
                # While it is being refreshed nobody knows which token is the session's.
                self.refreshed = value if word == "k" else None
            elif word == "e":
                self.errors.add(value)
        return self


def verify(place, low, db=None, high=None):
    """Compares the store with what its writers said: all of ``low`` is there, and nothing that goes beyond ``high``
    (the same, unless given). Gives how many sessions are listed."""
    high = high or low
    with place.open(db) as store:
        fields = store.execution(TRIGGER, place.token).global_().all()
        listed = {}
        for entry in pages(store.sessions.list, "torture"):
            need(entry.unreadable is None, f"session {entry.session_id} is {entry.unreadable}")
            listed[entry.session_id] = entry.active
        known = set()
        for user in pages(store.sessions.users, "torture"):
            need(user.unreadable is None, "a user's record does not open")
            known.add(user.identifier)
        store.sessions.dashboard("torture")
    for name, least in low.items():
        there, most = fields.get(name, 0), high[name]
        need(there >= least.count, f"{name} is {there}, {least.count} was acknowledged")
        need(there <= most.count + 1, f"{name} is {there}, which nobody put: {most.count} was the last")
        for session in least.started - most.revoked - most.unsure:
            need(listed.get(session) is True, f"session {session} of {name} was acknowledged and is not there")
        for session in least.revoked:
            need(listed.get(session) is not True, f"session {session} of {name} was revoked and lives")
        for user in least.forgotten & known:
            need(False, f"user {user} of {name} was forgotten and is there")
    exact(place, db)
    return len(listed)


def refreshes(place, low, db):
    """The refresh token that a writer was given last is the one that is good. Goes on from it: to be asked once."""
    for name, least in low.items():
        if least.refreshed is None:
            continue
        with place.open(db) as store:
            try:
                store.sessions.refresh(least.refreshed)
            except sessile.SessileError as error:
                raise Fault(f"the last refresh of {name} is lost: {error}") from error


def pages(call, tag):
    cursor = None
    while True:
        page = call(tag, limit=1000, cursor=cursor)
        yield from page
        cursor = page.next_cursor
        if cursor is None:
            return


def exact(place, db=None):
    """`check()` finds nothing; nor do we ourselves: the file is whole, every index entry has its session, and every
    session that holds something its entry."""
    db = db or place.db
    with place.open(db) as store:
        report = store.check()
        need(report.ok, f"check() finds {report.problem_count} problems: {report.problems[:5]}")
    with contextlib.closing(sqlite3.connect(db)) as file:
        need(file.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the file's integrity is broken")
        lone = file.execute(
            "SELECT count(*) FROM entry WHERE NOT EXISTS (SELECT 1 FROM session WHERE key = CAST(entry.space || entry.id AS BLOB))"
        ).fetchone()
        need(lone == (0,), f"{lone[0]} index entries have no session")
        unlisted = file.execute(
            # A tombstone, which has no fields, is in none.
            "SELECT count(*) FROM session WHERE count > 0 AND NOT EXISTS"
            " (SELECT 1 FROM entry WHERE space = substr(key, 1, 16) AND id = substr(key, 17))"
        ).fetchone()
        need(unlisted == (0,), f"{unlisted[0]} sessions are in no index")
        large = file.execute(
            "SELECT count(*) FROM field WHERE NOT EXISTS (SELECT 1 FROM session WHERE session.key = field.key)"
        ).fetchone()
        need(large == (0,), f"{large[0]} large fields have no session")


def run(command, **options):
    subprocess.run(command, cwd=ROOT, check=True, **options)


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="sessile-torture-") as made:
        yield Path(made)
