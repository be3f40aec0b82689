"""What happens to the file, the disk and the clock under a running store: full, limited, removed, truncated, replaced,
locked by a process that is stuck, read by one that never ends, and times that jump."""

import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

import sessile
from common import TRIGGER, Place, exact, need, run

PASSING = {"IO", "BUSY", "UNAVAILABLE"}


def test(folder, full):
    """The same with `full`."""
    done = []
    for one in (limited, full_disk, removed, replaced, truncated, stuck, starved, jumping_clock):
        place = folder / one.__name__
        place.mkdir()
        done.append(one(place) or one.__name__)
    return ", ".join(done)


def session(store, user="u"):
    return store.execution(TRIGGER, store.tokens.issue({"sub": user}, ttl=600)).global_()


def fill(store, first=0):
    """Writes until the disk is full: how often it was told that it had written."""
    for count in range(first, first + 10_000):
        try:
            session(store, f"u{count}").put({"n": count, "large": "x" * 20_000})
        except sessile.SessileError as error:
            need(error.name == "IO", f"a full disk is {error.name}: {error}")
            return count
    need(False, "the disk never was full")


def holds(store, count):
    for n in range(count):
        need(session(store, f"u{n}").get("n") == n, f"write {n} of {count} was acknowledged and is not there")


def limited(folder):
    """RLIMIT_FSIZE: a file may not grow; then it may again. In a process of its own, for it cannot be taken back by
    all."""
    run([sys.executable, __file__, "limited", folder], timeout=120)


def _limited(folder):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    place = Place(folder / "store")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with place.open() as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, limits[1]))
        count = fill(store)
        need(count > 3, "nothing was written before the limit")
        holds(store, count)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        session(store, f"u{count}").put({"n": count})
        holds(store, count + 1)
    exact(place)


def full_disk(folder):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode != 0:
        return f"full_disk skipped (no tmpfs could be mounted: {mounted.stderr.strip()})"
    try:
        place = Place(folder / "store")
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(500_000))
        with place.open(durability="commit") as store:
            count = fill(store)
            need(count > 3, "nothing was written before the disk was full")
            holds(store, count)
            ballast.unlink()
            session(store, f"u{count}").put({"n": count})
            holds(store, count + 1)
        exact(place)
    finally:
        run(["umount", folder])


def files_of(place):
    return [path for suffix in ("", "-wal", "-shm") if (path := place.db.with_name(f"sessions.db{suffix}")).exists()]


def refused(call, names):
    try:
        call()
    except sessile.SessileError as error:
        need(error.name in names, f"{error.name}: {error}")
        return
    need(False, "nothing was said")


def removed(folder):
    place = Place(folder / "store")
    with place.open() as store:
        session(store).put({"n": 1})
        for path in files_of(place):
            path.unlink()
        refused(lambda: session(store).put({"n": 2}), PASSING)
        refused(lambda: session(store, "another").put({"n": 2}), PASSING)
    with place.open() as store:
        need(session(store).get("n") is None, "a new file is empty")
        session(store).put({"n": 3})


def replaced(folder):
    place = Place(folder / "store")
    with place.open() as store:
        session(store).put({"n": 1})
    backup = folder / "backup"
    shutil.copy(place.db, backup)
    with place.open() as store:
        session(store).put({"n": 2})
        for path in files_of(place):
            path.unlink()
        shutil.move(backup, place.db)
        refused(lambda: session(store).put({"n": 3}), PASSING)
    with place.open() as store:
        need(session(store).get("n") == 1, "the backup was not restored as it was")
        session(store).put({"n": 4})
    exact(place)


def truncated(folder):
    """Half of the file goes. What is there is right; the rest is an error or absent; the process lives."""
    place = Place(folder / "store")
    with place.open() as store:
        for n in range(200):
            session(store, f"u{n}").put({"n": n, "more": "x" * 500})
    with place.open() as store:
        os.truncate(place.db, place.db.stat().st_size // 2 // 4096 * 4096)
        told = 0
        for n in range(200):
            try:
                found = session(store, f"u{n}").get("n")
                need(found in (None, n), "a value that nobody put")
            except sessile.SessileError as error:
                need(error.name in {"CORRUPT", "IO"}, f"{error.name}: {error}")
                told += 1
        need(told > 0, "half of the file went and nobody was told")
        with contextlib.suppress(sessile.SessileError):
            session(store, "u1").put({"n": 1})


def stuck(folder):
    """A process that holds the write lock and does not run: BUSY at the deadline, reads go on."""
    place = Place(folder / "store")
    program = "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True); time.sleep(600)"
    lock = place.db.with_name("sessions.db-lock")
    with place.open(limits={"deadline": 300}) as store:
        session(store).put({"n": 1})
        holder = subprocess.Popen([sys.executable, "-c", program, lock], stdout=subprocess.PIPE)
        try:
            holder.stdout.readline()
            holder.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            refused(lambda: session(store).put({"n": 2}), {"BUSY"})
            took = time.monotonic() - started
            need(0.25 < took < 5, f"BUSY after {took:.2f} s, the deadline was 0.3 s")
            need(session(store).get("n") == 1, "reads wait for nobody")
        finally:
            holder.kill()
            holder.wait()
            holder.stdout.close()
        session(store).put({"n": 3})
        need(session(store).get("n") == 3, "the lock of a dead process is nobody's")


def starved(folder):
    """A reader that never ends: writes go on, and what they write is brought into the file once it does end."""
    place = Place(folder / "store")
    reader = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('BEGIN'); c.execute('SELECT count(*) FROM meta').fetchall(); print(flush=True); sys.stdin.read()"
    with place.open() as store:
        session(store).put({"n": 0})
        with subprocess.Popen(
            [sys.executable, "-c", reader, place.db], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as held:
            held.stdout.readline()
            for n in range(400):
                session(store, f"u{n % 20}").put({"n": n, "more": "x" * 8000})
            grown = place.db.with_name("sessions.db-wal").stat().st_size
            held.stdin.close()
            held.wait(30)
        for n in range(400):
            session(store, f"u{n % 20}").put({"n": n, "more": "y" * 8000})
        later = place.db.with_name("sessions.db-wal").stat().st_size
        need(later <= 2 * grown, f"the log went on growing after the reader: {grown}, then {later}")
    exact(place)


def jumping_clock(folder):
    """Times that jump both ways: what was acknowledged stays, what is over does not come back."""
    place = Place(folder / "store")
    start = datetime(2030, 1, 1, tzinfo=timezone.utc)
    clock = sessile.Clock.manual(start)
    with place.open(clock=clock) as store:
        token = store.tokens.issue({"sub": "u"}, ttl=86_400)
        kept = store.execution(TRIGGER, token).global_()
        kept.put({"n": 0})
        for n, jump in enumerate([3600, -7200, 5, -1, 7000, -3000, 0, 30], 1):
            clock.set(clock.now() + timedelta(seconds=jump))
            try:
                kept.put({"n": n})
                last = n
            except sessile.SessileError as error:
                # Before it was issued a token is not good yet.
                need(error.name == "TOKEN_NOT_YET" or error.name.startswith("TOKEN"), f"{error.name}: {error}")
        clock.set(start + timedelta(hours=1))
        need(kept.get("n") == last, "an acknowledged write is not there after the clock jumped")
        pair = store.sessions.start("torture", {"userId": "u"}, ttl=60)
        clock.set(start + timedelta(hours=1, seconds=61))
        need(not store.sessions.verify(pair.token), "a session lived past its end")
        store.sessions.revoke_all("torture", "u")
        clock.set(start + timedelta(hours=1, seconds=1))
        need(not store.sessions.verify(pair.token), "a revoked session came back with the clock")
        store.sweep()
    exact(place)


if __name__ == "__main__" and sys.argv[1] == "limited":
    from pathlib import Path

    _limited(Path(sys.argv[2]))
