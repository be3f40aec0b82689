#!/usr/bin/env python3
"""The vectors, and the tests of forks, processes and threads, of C, C++, Python and Node on a Redis, a Redis Cluster and a
PostgreSQL: one process a language a backend. What each ran is counted at the end.

    run.py [--backends redis,redis-cluster,postgresql] [--jobs c,python…] [--at-once 3]

It runs what `make artefacts c-programs` has built, with the interpreter of build/venv; `NODE` names another node.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from servers import Emptier, Postgres, Redis, RedisCluster

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "build/venv/bin/python"
NODE = os.environ.get("NODE", "node")
NODE_TEST = ROOT / "build/node-test"
PYTEST = [PYTHON, "-m", "pytest", "--quiet", "-c", ROOT / "bindings-python/pyproject.toml"]
PYTHON_TESTS = ROOT / "bindings-python/tests"
NODE_LANGUAGE = [NODE, "--test", "--test-reporter=./test/reporter.mjs", "--test-reporter-destination=stdout"]
PATIENCE = 600

SERVERS = {server.name: server for server in (Redis, RedisCluster, Postgres)}

# What runs, and where; the longest first.
JOBS = {
    "python": ([*PYTEST, PYTHON_TESTS / "test_vectors.py"], ROOT),
    "node": ([NODE, "test/vectors.mjs"], NODE_TEST),
    "c": ([ROOT / "build/c/run_vectors_c", "tests/vectors"], ROOT),
    "cpp": ([ROOT / "build/c/run_vectors_cpp", "tests/vectors"], ROOT),
    "python-processes": ([*PYTEST, PYTHON_TESTS / "test_fork.py", PYTHON_TESTS / "test_gunicorn.py"], ROOT),
    "node-processes": ([*NODE_LANGUAGE, "test/language/cluster.test.mjs", "test/language/threads.test.mjs"], NODE_TEST),
}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--backends", default=",".join(SERVERS), help="which servers (default: all)")
    options.add_argument("--jobs", default=",".join(JOBS), help="what runs on them (default: everything)")
    options.add_argument("--at-once", type=int, default=3, help="how many processes at a time (default: 3): they wait a lot")
    chosen = options.parse_args()
    backends = chosen.backends.split(",")
    failed = False
    with tempfile.TemporaryDirectory(prefix="sessile-servers-") as folder:
        keyring = Path(folder) / "keyring.json"
        generate = "import sessile, sys; sessile.Keyring.generate(sys.argv[1])"
        subprocess.run([PYTHON, "-c", generate, keyring], check=True, cwd=folder)
        with ExitStack() as running:
            servers = [running.enter_context(SERVERS[name]()) for name in backends]
            lanes = running.enter_context(ThreadPoolExecutor(chosen.at_once))
            # What is one database is used by one after the other, beside everything else.
            alone = running.enter_context(ThreadPoolExecutor(1))
            waiting = [
                (alone if server.alone else lanes).submit(
                    run, job, server, Path(folder) / f"{job}-{server.name}", keyring, server.database()
                )
                for job in JOBS if job in chosen.jobs.split(",")
                for server in servers
            ]
            for done in waiting:
                counts, good = done.result()
                print(counts, flush=True)
                failed = failed or not good
    sys.exit(1 if failed else 0)


def run(job, server, socket, keyring, database):
    """Runs one process on a database that is empty: its lines that count, and whether all is well."""
    url, empty = database
    empty()
    Emptier(socket, empty)
    command, folder = JOBS[job]
    environment = {
        **os.environ,
        "PYTHONSAFEPATH": "1",
        "SESSILE_ROOT": str(ROOT),
        "SESSILE_VECTORS_URL": url,
        "SESSILE_VECTORS_KEYRING": str(keyring),
        "SESSILE_VECTORS_EMPTY": str(socket),
        "SESSILE_TEST_URL": url,
        "COUNTED_AS": job,
    }
    started = time.monotonic()
    try:
        ended = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False
        )
        printed, status = ended.stdout, ended.returncode
    except subprocess.TimeoutExpired as late:
        printed, status = (late.stdout or b"").decode(errors="replace"), f"none, after {PATIENCE} s"
    counts = counted(job, server.name, printed)
    good = status == 0 and bool(counts)
    if not good:
        print(f"== {job} on {server.name} ended with status {status}:\n{printed[-6000:]}", file=sys.stderr, flush=True)
    print(f"   {job} on {server.name}: {time.monotonic() - started:.0f} s", flush=True)
    return "\n".join(counts) or f"{job} on {server.name}: 0 passed, 1 failed", good


def counted(job, server, printed):
    """The lines of a program that count, with the server's name; pytest's own where it is no runner of vectors."""
    lines = re.findall(r"^([a-z][a-z-]*): (\d+ passed, \d+ failed.*)$", printed, re.MULTILINE)
    if not lines and (passed := re.findall(r"^(?:(\d+) failed, )?(\d+) passed", printed, re.MULTILINE)):
        lines = [(job, f"{passed[-1][1]} passed, {passed[-1][0] or 0} failed")]
    return [f"{name} on {server}: {rest}" for name, rest in lines]


if __name__ == "__main__":
    main()
