"""Faults: the n-th open, read, write, sync, mmap or truncate fails, once or for a while, for every n. The program goes on
without a restart, and nothing acknowledged is missing."""

import errno
import os
import subprocess

from common import Place, Said, build, need, refreshes, shim, verify

CALLS = {
    "open": [errno.EMFILE, errno.EIO],
    "read": [errno.EIO],
    "write": [errno.ENOSPC, errno.EIO],
    "sync": [errno.EIO],
    "mmap": [errno.ENOMEM],
    "truncate": [errno.EIO],
}
ROUNDS = 24


def test(folder, full):
    """``full``: every n, once and ten times in a row; else the first few and some of the others."""
    writer, library = build(folder)["c"], shim(folder, "faults")
    faults = 0
    errors = set()
    for call, numbers in CALLS.items():
        for number in numbers:
            for times in (1, 10) if full else (1 if number == errno.EIO else 10,):
                nth = 1
                while injected(folder / f"{call}-{number}-{times}-{nth}", writer, library, call, number, nth, times, errors):
                    faults += 1
                    nth += 1 if full or nth < 3 else nth
                need(nth > 1, f"no {call} was made")
    return f"{faults} faults injected, seen as {', '.join(sorted(errors))}; nothing acknowledged is missing"


def injected(folder, writer, library, call, number, nth, times, errors):
    """Whether there was an n-th call to fail."""
    place = Place(folder)
    hit = folder / "hit"
    fault = {"FAULT_FOLDER": folder, "FAULT_CALL": call, "FAULT_NTH": nth, "FAULT_TIMES": times, "FAULT_ERRNO": number}
    environment = {**os.environ, "LD_PRELOAD": library, "FAULT_HIT": hit, **{k: str(v) for k, v in fault.items()}}
    durability = "commit" if nth % 2 else "interval"
    arguments = [*writer, *place.arguments("c", durability), str(ROUNDS)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=120)
    told = f"{call} number {nth} with {errno.errorcode[number]}, {times} times"
    need(done.returncode == 0, f"{told}: ended with {done.returncode}: {done.stderr.strip()}")
    said = Said().hear(done.stdout)
    need(said.count == ROUNDS, f"{told}: {said.count} of {ROUNDS} writes")
    need(call == "read" or "CORRUPT" not in said.errors, f"{told}: called corrupt")
    verify(place, {"c": said})
    refreshes(place, {"c": said}, place.db)
    errors |= said.errors
    return hit.exists()
