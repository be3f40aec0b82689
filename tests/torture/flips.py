"""Bit flips: one bit of the file is another. A value is right, absent, or an error that says so; never one that nobody
put, and never the end of the process. Where one is not right, `check()` says that something is wrong."""

import os
import random
import shutil
import time

import sessile
from common import TRIGGER, Place, need

# Of a session that is damaged, or all of a file that is.
READING = {"CORRUPT", "IO", "UNAVAILABLE", "KEY_UNAVAILABLE", "FORMAT_TOO_NEW", "NOT_FOUND", "SESSION_EXPIRED",
           "SESSION_REVOKED", "STALE"}  # fmt: skip
# The file's first page names what it is, the key record which keys are right.
OPENING = {"CORRUPT", "IO", "UNAVAILABLE", "UNSUPPORTED", "FORMAT_TOO_NEW", "KEY_MISMATCH", "KEY_UNAVAILABLE", "BUSY"}
USERS = 8


def test(folder, full):
    """``full``: 10,000 flips instead of 500. `FLIPS_SEED` chooses others."""
    place = Place(folder / "made")
    values = {f"u{n}": {"name": f"user {n}", "large": f"{n} " * (3000 if n % 4 == 0 else 30)} for n in range(USERS)}
    with place.open() as store:
        for user, fields in values.items():
            session(store, user).put(fields)
            store.sessions.start("torture", {"userId": user})
    whole = place.db.read_bytes()
    chosen = random.Random(int(os.environ.get("FLIPS_SEED", "11")))
    made = time.time()
    given = {"right": 0, "absent": 0, "error": 0, "refused": 0, "told": 0}
    flips = 10_000 if full else 500
    for number in range(flips):
        at, bit = chosen.randrange(len(whole)), chosen.randrange(8)
        if number % 5 == 0:
            # The first page, and the head of another: that is where the structure is.
            at = at % 100 if number % 2 else at // 4096 * 4096 + at % 64
        flipped = bytearray(whole)
        flipped[at] ^= 1 << bit
        one = folder / "flipped"
        one.mkdir()
        (one / "sessions.db").write_bytes(flipped)
        try:
            # Later, reading a session also notes its use.
            clock = sessile.Clock.manual(made + 120 * (number % 2))
            look(place, one / "sessions.db", values, given, clock)
        except Exception as error:
            raise AssertionError(f"bit {bit} of byte {at}") from error
        shutil.rmtree(one)
    need(given["right"] > flips, "hardly anything was read")
    return f"{flips} flips: " + ", ".join(f"{count} {what}" for what, count in given.items())


def session(store, user):
    return store.execution(TRIGGER, store.tokens.issue({"sub": user}, ttl=600)).global_()


def look(place, db, values, given, clock):
    try:
        store = place.open(db, limits={"deadline": 200}, clock=clock)
    except sessile.SessileError as error:
        need(error.name in OPENING, f"opening is {error.name}: {error}")
        given["refused"] += 1
        return
    with store:
        missed = 0
        for user, fields in values.items():
            for name, value in fields.items():
                try:
                    found = session(store, user).get(name)
                except sessile.SessileError as error:
                    need(error.name in READING, f"reading is {error.name}: {error}")
                    given["error"] += 1
                    missed += 1
                    continue
                need(found in (None, value), "a value that nobody put")
                given["right" if found else "absent"] += 1
                missed += not found
        given["told"] += told(store, missed)
        for call in (
            lambda: session(store, "u1").put({"new": 1}),
            lambda: list(store.sessions.list("torture")),
            lambda: list(store.sessions.users("torture")),
            lambda: store.sessions.revoke_all("torture", "u2"),
        ):
            try:
                call()
            except sessile.SessileError as error:
                need(error.name in READING | {"CONFLICT", "BUSY", "READ_ONLY"}, f"a call is {error.name}: {error}")


def told(store, missed):
    """Whether `check()` says that something is wrong. It must where a value was not right, or a user is not listed."""
    missed += USERS - len(listed(store))
    try:
        report = store.check()
    except sessile.SessileError as error:
        need(error.name in {"IO", "UNAVAILABLE"}, f"checking is {error.name}: {error}")
        return True
    need(report.ok == (report.problem_count == 0) == (report.problems == ()), "a report that contradicts itself")
    need(not report.ok or missed == 0, f"{missed} records are not there, and check() finds nothing")
    return not report.ok


def listed(store):
    """The users of the sessions that can be opened."""
    try:
        return {entry.identifier for entry in store.sessions.list("torture") if entry.unreadable is None}
    except sessile.SessileError:
        return set()
