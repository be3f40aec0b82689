#!/usr/bin/env python3
"""The relay: Python, Node, C, C++ and Rust write to one session at the same time, and each reads what the others wrote: in
one SQLite file, then on a Redis, then on a PostgreSQL.

Each program counts up a field of its own and a `total` shared by all, and checks that the others' fields never go back.
This driver then checks that all ran at once for at least two seconds, that each saw every other's field, and that the
total is exactly the sum of all writes. A second act hands users' sessions round: see life.py.

    run.py [--languages python,rust] [--backends file,redis,postgresql] [--seconds 5]

`PYTHON` and `NODE` name other interpreters, `PROFILE` another cargo profile than release.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import life

ROOT = Path(__file__).resolve().parents[2]
RELAY = ROOT / "tests" / "relay"
sys.path.append(str(ROOT / "tests" / "servers"))

from servers import Postgres, Redis  # noqa: E402

LANGUAGES = ["python", "node", "c", "cpp", "rust"]
BACKENDS = ["file", "redis", "postgresql"]
OVERLAP = 2_000


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--languages", default=",".join(LANGUAGES), help="which take part (default: all five)")
    options.add_argument("--backends", default=",".join(BACKENDS), help="where they meet (default: all three)")
    options.add_argument("--seconds", type=float, default=5, help="how long each of them writes")
    chosen = options.parse_args()
    languages = [language for language in LANGUAGES if language in chosen.languages.split(",")]
    with tempfile.TemporaryDirectory(prefix="sessile-relay-") as folder:
        folder = Path(folder)
        commands = build(folder, languages)
        for backend in BACKENDS:
            if backend in chosen.backends.split(","):
                with place_on(backend, folder) as url:
                    meet(commands, languages, backend, url, folder / f"{backend}.json", chosen.seconds)


@contextmanager
def place_on(backend, folder):
    """The URL of an empty store."""
    if backend == "file":
        yield f"sqlite:{folder / 'sessions.db'}"
    else:
        with {"redis": Redis, "postgresql": Postgres}[backend]() as server:
            yield server.database()[0]


def meet(commands, languages, backend, url, keyring, seconds):
    """Both acts in one store. Ends the program where anything is not as it must be."""
    store = [url, keyring]
    place = [*store, output(commands["rust"] + ["init", *store]).strip()]
    taking_part = {language: commands[language] for language in languages}
    reports = run_at_once(taking_part, place, seconds)
    fields = json.loads(output(commands["rust"] + ["show", *place]))
    handed = life.play(taking_part, store)
    faults = list(faults_of(reports, fields, languages))
    for fault in faults:
        print(f"relay on {backend}: {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    overlap = overlap_of(reports) / 1000
    writes = ", ".join(f"{language} {reports[language]['writes']}" for language in languages)
    print(f"relay on {backend}: {len(languages)} languages at once for {overlap:.1f} s, total {fields['total']} ({writes})")
    print(f"relay on {backend}: {handed} sessions handed round, from start to revoked", flush=True)


def build(folder, languages):
    """Each language's command. The Rust example is built for its `init` and `show` too."""
    profile = os.environ.get("PROFILE", "release")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    made = target / ("debug" if profile == "dev" else profile)
    check(["cargo", "build", "--quiet", "--profile", profile, "-p", "sessile", "--example", "relay"])
    commands = {
        "python": [os.environ.get("PYTHON", sys.executable), RELAY / "relay.py"],
        "node": [os.environ.get("NODE", "node"), RELAY / "relay.mjs"],
        "c": [folder / "relay-c"],
        "cpp": [folder / "relay-cpp"],
        "rust": [made / "examples" / "relay"],
    }
    if {"c", "cpp"} & set(languages):
        check(["cargo", "build", "--quiet", "--profile", profile, "-p", "sessile-c"])
        for name in ["libsessile.so", "libsessile.so.0"]:
            (folder / name).symlink_to(made / "libsessile_c.so")
    strict = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-I", ROOT / "include"]
    link = ["-L", folder, "-lsessile", f"-Wl,-rpath,{folder}"]
    if "c" in languages:
        check([os.environ.get("CC", "cc"), "-std=c11", *strict, RELAY / "relay.c", "-o", folder / "relay-c", *link])
    if "cpp" in languages:
        check([os.environ.get("CXX", "c++"), "-std=c++17", *strict, RELAY / "relay.cpp", "-o", folder / "relay-cpp", *link])
    return commands


def run_at_once(commands, place, seconds):
    """Starts all programs, waits for all, and gives each one's report."""
    started = {
        language: subprocess.Popen([*command, "relay", *place, language, str(seconds)], stdout=subprocess.PIPE, text=True)
        for language, command in commands.items()
    }
    reports = {}
    for language, process in started.items():
        try:
            printed, _ = process.communicate(timeout=seconds + 60)
        except subprocess.TimeoutExpired:
            process.kill()
            sys.exit(f"relay: {language} did not end")
        if process.returncode != 0:
            for other in started.values():
                other.kill()
            sys.exit(f"relay: {language} ended with status {process.returncode}")
        reports[language] = json.loads(printed)
    return reports


def overlap_of(reports):
    """For how many milliseconds all of them ran at once."""
    return min(report["endedAt"] for report in reports.values()) - max(report["startedAt"] for report in reports.values())


def faults_of(reports, fields, languages):
    """What is not as it must be, one sentence each."""
    if overlap_of(reports) < OVERLAP:
        yield f"all ran at once for {overlap_of(reports)} ms only, {OVERLAP} wanted"
    for language, report in reports.items():
        for other in languages:
            if other != language and report["seen"][other] < 1:
                yield f"{language} never saw what {other} wrote"
        if fields.get(language) != report["writes"]:
            yield f"field {language} is {fields.get(language)}, {report['writes']} was its last write"
    total = sum(report["writes"] for report in reports.values())
    if fields.get("total") != total:
        yield f"total is {fields.get('total')}, the writes add up to {total}"
    if sorted(fields) != sorted([*languages, "total"]):
        yield f"fields {sorted(fields)} are there"


def check(command):
    subprocess.run(command, cwd=ROOT, check=True)


def output(command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
