"""Soak: four processes with a mixed load on one file. Their memory is flat, the file and its log are bounded.

What a process remembers of sessions, tokens and versions is bounded, and comes to some 30 MiB. So each fills that first,
with more sessions than it can remember; only then is its memory measured. `SOAK_LEAK=1` makes the first process keep all
that it was given and wrote: then the soak must fail. `SOAK_SHOW=1` prints what was measured.
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import sessile
from common import TRIGGER, Place, exact, need

PROCESSES, USERS = 4, 200
SAMPLES = 60
# A process remembers 16,384 sessions and 14,320 tokens at most.
WARMING = 20_000
# A day of the stores' clock goes by in three seconds, so that what is over is swept for most of the time.
PACE = 86_400 / 3
# Seconds: a token is replaced before its day is over.
RENEWED = 80_000


def test(folder, full):
    """``full``: 30 minutes instead of one."""
    seconds = 1800 if full else 60
    place = Place(folder / "store")
    with place.open() as store:
        store.configs.update("torture", {"schema": {"userId": "string", "note": "string"}})
        # Its sessions never end: what is put there is counted.
        store.configs.create({"name": "Counts", "tag": "counts"})
    begun = warming(place)
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, place.folder, str(begun), str(seconds), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    resident, sizes, logs = [[] for _ in workers], [], []
    try:
        for number, worker in enumerate(workers):
            need(worker.stdout.readline() == "warm\n", f"process {number} does not begin")
        started = time.monotonic()
        for worker in workers:
            worker.stdin.write(f"{started}\n")
            worker.stdin.flush()
        for sample in range(1, SAMPLES + 1):
            # The last one before they end.
            time.sleep(max(0, started + seconds * (sample - 0.5) / SAMPLES - time.monotonic()))
            for number, worker in enumerate(workers):
                need(worker.poll() is None, f"process {number} ended by itself")
                resident[number].append(resident_size(worker.pid))
            sizes.append(place.db.stat().st_size)
            log = place.db.with_name("sessions.db-wal")
            logs.append(log.stat().st_size if log.exists() else 0)
        reports = [json.loads(worker.communicate(timeout=seconds + 60)[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    need(all(worker.returncode == 0 for worker in workers), "a process failed")
    quarter = SAMPLES // 4
    growths = []
    for number, sample in enumerate(resident):
        second, last = mean(sample[quarter : 2 * quarter]), mean(sample[-quarter:])
        growths.append(last / second)
        if os.environ.get("SOAK_SHOW"):
            print(number, [round(size / 2**20, 1) for size in sample], flush=True)
        need(last <= second * 1.05, f"process {number} grew from {second:,.0f} to {last:,.0f} bytes")
    need(max(sizes) < 64 << 20, f"the file grew to {max(sizes):,} bytes")
    need(mean(sizes[-quarter:]) <= 1.5 * mean(sizes[2 * quarter : -quarter]) + (1 << 20), "the file goes on growing")
    need(max(logs) < 32 << 20, f"the log grew to {max(logs):,} bytes")
    with place.open(clock=sessile.Clock.manual(max(report["now"] for report in reports))) as store:
        counts = store.execution(TRIGGER, login(store)).global_("counts")
        for number, report in enumerate(reports):
            need(counts.get(f"w{number}") == report["count"], f"process {number} lost a write")
    exact(place)
    calls = sum(report["calls"] for report in reports)
    return (
        f"{seconds} s, {(max(report['now'] for report in reports) - begun) / 86_400:.0f} days of their clock, "
        f"{calls} calls of {PROCESSES} processes; memory of the last quarter at most {max(growths):.3f} of the second's "
        f"({max(map(max, resident)):,} bytes), file at most {max(sizes):,} bytes, log {max(logs):,}"
    )


def warming(place):
    """Sessions that every process is to meet. When the clocks begin: they are over by then, or nearly."""
    begun = int(time.time())
    tokens = []
    with place.open(clock=sessile.Clock.manual(begun)) as store:
        for number in range(WARMING):
            tokens.append(store.sessions.start("torture", {"userId": f"w{number % 2000}", "note": "x"}, ttl=3600).token)
    (place.folder / "tokens").write_text("\n".join(tokens))
    return begun


def login(store):
    return store.tokens.issue({"sub": "torture"}, ttl=86_400)


def mean(numbers):
    return sum(numbers) / len(numbers)


def resident_size(process):
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def work(folder, begun, seconds, number):
    """Puts, reads, short-lived fields and sessions, revokes, sweeps."""
    chosen = random.Random(number)
    clock = sessile.Clock.manual(begun)
    url = f"sqlite:{folder / 'sessions.db'}"
    count = calls = 0
    kept = []
    leaks = number == 0 and "SOAK_LEAK" in os.environ
    with sessile.Store.open(url, keyring=folder / "keyring.json", clock=clock, limits={"deadline": 20_000}) as store:
        # One at a time: memory that is free again would hide what grows.
        with open(folder / "tokens") as tokens:
            for token in tokens:
                assert store.sessions.verify(token.rstrip())
        run = store.execution(TRIGGER, login(store))
        own, renewed = run.global_("counts"), begun
        own.put({f"w{number}": 0})
        print("warm", flush=True)
        started = float(sys.stdin.readline())
        while (gone := time.monotonic() - started) < seconds:
            now = begun + gone * PACE
            clock.set(now)
            if now - renewed > RENEWED:
                run.renew(login(store))
                renewed = now
            count += 1
            own.put({f"w{number}": count})
            user = f"u{chosen.randrange(USERS)}"
            pair = store.sessions.start("torture", {"userId": user}, ttl=chosen.choice([60, 600]))
            note = {"userId": user, "note": "x" * chosen.choice([10, 300, 6000])}
            try:
                store.sessions.update(pair.session_id, note)
                assert store.sessions.verify(pair.token)
                if count % 3 == 0:
                    store.sessions.revoke(pair.session_id)
            except (sessile.SessionEndedError, sessile.NotFoundError, AssertionError):
                # Another process may revoke all of that user's sessions at any moment, and sweep them when this one was
                # held up for a day of their clock; then it says so.
                assert store.sessions.verify(pair.token).reason == "revoked"
            if count % 40 == 0:
                store.sessions.revoke_all("torture", user)
            if count % 25 == 0:
                store.sweep(64)
            own.put({f"brief{number}": "x" * 5000}, ttl=5)
            if leaks:
                kept.append((pair, dict(note)))
            calls += 5
    print(json.dumps({"count": count, "calls": calls, "now": clock.now().timestamp()}), flush=True)


if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
