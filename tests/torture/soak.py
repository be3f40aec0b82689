"""Soak: four processes with a mixed load on one file. Their memory is flat, the file and its log are bounded."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import sessile
from common import TRIGGER, Place, exact, need

PROCESSES, USERS = 4, 200
SAMPLES = 40


def test(folder, full):
    """``full``: 30 minutes instead of 24 seconds."""
    place = Place(folder / "store")
    with place.open() as store:
        store.configs.update("torture", {"schema": {"userId": "string", "note": "string"}})
    seconds = 1800 if full else 24
    arguments = [sys.executable, __file__, place.folder, place.token, str(seconds)]
    workers = [
        subprocess.Popen([*arguments, str(number)], stdout=subprocess.PIPE, text=True) for number in range(PROCESSES)
    ]
    resident, sizes, logs = [[] for _ in workers], [], []
    try:
        for worker in workers:
            worker.stdout.readline()
        for _ in range(SAMPLES):
            time.sleep(seconds / SAMPLES * 0.95)
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
    # What a process remembers of sessions, tokens and versions is bounded, and a short run is still filling that: it
    # comes to some 30 MiB, which takes about a minute; from then on memory is flat.
    allowed, slack = (1.05, 0) if full else (1.1, 16 << 20)
    growths = []
    for number, sample in enumerate(resident):
        second, last = mean(sample[quarter : 2 * quarter]), mean(sample[-quarter:])
        growths.append(last / second)
        need(max(sample) < 128 << 20, f"process {number} grew to {max(sample):,} bytes")
        need(last <= second * allowed + slack, f"process {number} grew from {second:,.0f} to {last:,.0f} bytes")
    need(max(sizes) < 64 << 20, f"the file grew to {max(sizes):,} bytes")
    need(mean(sizes[-quarter:]) <= 1.5 * mean(sizes[2 * quarter : -quarter]) + (1 << 20), "the file goes on growing")
    need(max(logs) < 32 << 20, f"the log grew to {max(logs):,} bytes")
    with place.open() as store:
        run = store.execution(TRIGGER, place.token)
        for number, report in enumerate(reports):
            need(run.global_().get(f"w{number}") == report["count"], f"process {number} lost a write")
    exact(place)
    calls = sum(report["calls"] for report in reports)
    return (
        f"{seconds} s, {calls} calls of {PROCESSES} processes; memory of the last quarter at most "
        f"{max(growths):.3f} of the second's, file at most {max(sizes):,} bytes, log {max(logs):,}"
    )


def mean(numbers):
    return sum(numbers) / len(numbers)


def resident_size(process):
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def work(folder, token, seconds, number):
    """Puts, reads, short-lived fields and sessions, revokes, sweeps. The clock runs fast, so that days go by."""
    chosen = random.Random(number)
    begun = time.time()
    day = 86_400 / seconds * 20
    clock = sessile.Clock.manual(begun)
    url = f"sqlite:{folder / 'sessions.db'}"
    count = calls = 0
    print(flush=True)
    until = time.monotonic() + seconds
    with sessile.Store.open(url, keyring=folder / "keyring.json", clock=clock, limits={"deadline": 20_000}) as store:
        own = store.execution(TRIGGER, token).global_()
        while (left := until - time.monotonic()) > 0:
            # Until the token ends, so that it is good for the check: sessions live for less than that.
            clock.set(begun + min((seconds - left) * day, 80_000))
            count += 1
            own.put({f"w{number}": count})
            user = f"u{chosen.randrange(USERS)}"
            pair = store.sessions.start("torture", {"userId": user}, ttl=chosen.choice([60, 600]))
            note = {"userId": user, "note": "x" * chosen.choice([10, 300, 6000])}
            try:
                store.sessions.update(pair.session_id, note)
                assert store.sessions.verify(pair.token)
            except (sessile.SessionEndedError, AssertionError):
                # Another process may revoke all of that user's sessions at any moment; then it says so.
                assert store.sessions.verify(pair.token).reason == "revoked"
            if count % 3 == 0:
                store.sessions.revoke(pair.session_id)
            if count % 40 == 0:
                store.sessions.revoke_all("torture", user)
            if count % 25 == 0:
                store.sweep(64)
            own.put({f"brief{number}": "x" * 5000}, ttl=5)
            calls += 5
    print(json.dumps({"count": count, "calls": calls}), flush=True)


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
