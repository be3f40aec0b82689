"""Counts the instructions of ten operations, and fails when one takes over 5 % more than the count that is kept.

    run.py PROGRAM [--keep]

PROGRAM is made of operations.cpp. A count says what a noisy clock can't. Ciphers and hashes are taken out of it: they pick
their code by the processor, and are their crates' business; of the C library the plainest code is picked. `--keep` writes
today's counts to `counts.json`, with what they were made by: those of other compilers and machines say nothing here.
"""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = Path(__file__).resolve().parent / "counts.json"
ROUNDS = 100
PROCESSES = 5
MOST_UP = 1.05
#: Functions that do not count.
CRYPTO = re.compile(r"sha2::|chacha20|poly1305|aws_lc|getrandom")
PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX512BW,-ERMS,-FSRM,-EVEX"}


def main() -> int:
    program = Path(sys.argv[1])
    makers = made_by()
    kept = json.loads(KEPT.read_text())
    keeps = "--keep" in sys.argv[2:]
    if kept["made by"] != makers and not keeps:
        print(f"counts of {kept['made by']} are kept, this is {makers}: nothing to compare")
        return 0
    names = subprocess.run([program, "list"], check=True, capture_output=True, text=True).stdout.split()
    counts = {name: count(program, name) for name in names}
    if keeps:
        KEPT.write_text(json.dumps({"made by": makers, "counts": counts}, indent=2) + "\n")
    kept = counts if keeps else kept["counts"]
    if set(kept) != set(counts):
        sys.exit(f"{KEPT.name} has other operations than the program: run with --keep")
    failed = 0
    for name, now in counts.items():
        worse = now > kept[name] * MOST_UP
        failed += worse
        verdict = "FAILED: over 5 % more" if worse else "ok" if now * MOST_UP >= kept[name] else "ok: keep the new count"
        print(f"{name:24} {kept[name]:8} -> {now:8} instructions ({now / kept[name]:.3f}) {verdict}")
    print(f"instructions: {len(counts) - failed} passed, {failed} failed")
    return failed


def made_by() -> str:
    rustc = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    return f"rustc {rustc}, {'-'.join(platform.libc_ver())}, {platform.machine()}"


def count(program: Path, name: str) -> int:
    """Instructions of one operation, everything warm. The least of a few processes: each draws the keys of its hash maps."""
    return round(min(collected(program, name) for _ in range(PROCESSES)) / ROUNDS)


def collected(program: Path, name: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        profile = Path(scratch) / "callgrind.out"
        valgrind = ["valgrind", "--tool=callgrind", "--toggle-collect=measured"]
        command = [*valgrind, f"--callgrind-out-file={profile}", program, name, str(ROUNDS)]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **PLAIN})
        annotate = ["callgrind_annotate", "--threshold=100", "--auto=no", profile]
        lines = subprocess.run(annotate, check=True, capture_output=True, text=True).stdout.splitlines()
    costs = [(int(found[1].replace(",", "")), found[2]) for line in lines if (found := COST.match(line))]
    total = next(cost for cost, what in costs if what == "PROGRAM TOTALS")
    return total - sum(cost for cost, what in costs if CRYPTO.search(what))


COST = re.compile(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(.*)")

if __name__ == "__main__":
    sys.exit(main())
