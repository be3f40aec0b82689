#!/usr/bin/env python3
"""The bad days of a store on a file: run.py [--full] [kill|power|flips|faults|file|soak …].

Each test runs in a folder of its own, which goes; each process it starts is ended by it. `--full` is what
`make torture` runs, hours of it; without, what `make test` has time for.
"""

import argparse
import importlib
import sys
import time

from common import Fault, folder

TESTS = ["kill", "power", "flips", "faults", "file", "soak"]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--full", action="store_true", help="as many as make torture wants")
    options.add_argument("tests", nargs="*", default=TESTS, help=f"of {', '.join(TESTS)}")
    chosen = options.parse_args()
    passed = failed = 0
    for name in chosen.tests:
        started = time.monotonic()
        with folder() as place:
            try:
                said = importlib.import_module(name).test(place, chosen.full)
                passed += 1
            except Fault as fault:
                said = f"FAILED: {fault}"
                failed += 1
        print(f"{name}: {said} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"torture: {passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
