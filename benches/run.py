#!/usr/bin/env python3
"""The benchmark: sessile beside its peers, in one run on one machine. README.md says how to read what comes out.

    run.py             everything; writes results/<date>.json and .md, and results/latest.svg
    run.py --quick     under three minutes once all is built: fewer rounds, 10,000 sessions, no results kept unless --keep
    run.py --only rust.step,node.store      some rows

`make artefacts` was there before. Redis and PostgreSQL are started here, on free ports and in temporary folders.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "servers"))

from harness import chart, report, shipped  # noqa: E402
from harness.machine import machine, versions  # noqa: E402
from harness.peers import Workshop  # noqa: E402
from harness.stats import Figure  # noqa: E402
from servers import Postgres, Redis  # noqa: E402

RESULTS = ROOT / "benches/results"

FULL = {"rounds": 11, "millis": 100, "sessions": 100_000, "scale": 1_000_000, "steps": 10_000_000, "tokens": 512}
QUICK = {"rounds": 7, "millis": 12, "sessions": 10_000, "scale": 0, "steps": 200_000, "tokens": 128}

# What runs in one process: a language, its groups, and whether it is pinned to a core. Servers, threads and disks want
# both cores; memory wants a process where nothing was before.
RUNS = [
    ("rust", ["rust.store.small"], True),
    ("rust", ["rust.store.large"], True),
    ("rust", ["rust.local", "rust.fork", "rust.step", "rust.border", "rust.seal", "rust.token"], True),
    ("c", ["c."], True),
    ("cpp", ["cpp."], True),
    ("node", ["node.store.small"], True),
    ("node", ["node.store.large"], True),
    ("node", ["node.local", "node.step", "node.token", "node.border"], True),
    ("python", ["python.store.small"], True),
    ("python", ["python.store.large"], True),
    ("python", ["python.local", "python.step", "python.token", "python.border"], True),
    ("rust", ["rust.global"], True),
    ("rust", ["rust.redis", "rust.postgres", "rust.commit", "rust.threads"], False),
    ("node", ["node.redis", "node.postgres"], False),
    ("python", ["python.redis", "python.postgres"], False),
    ("rust", ["rust.memory.execution"], True),
    ("rust", ["rust.memory.small"], True),
    ("rust", ["rust.memory.large"], True),
    ("rust", ["rust.scale"], True),
    ("rust", ["rust.growth"], True),
    ("node", ["node.growth"], True),
    ("python", ["python.growth"], True),
]
# What an impression can do without.
SLOW = ("rust.store.large", "node.store.large", "python.store.large", "rust.scale")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="an impression")
    options.add_argument("--keep", action="store_true", help="writes the results of a quick run too")
    options.add_argument("--only", default="", help="groups whose names begin so, with commas")
    for name, value in FULL.items():
        options.add_argument(f"--{name}", type=int, help=f"default {value:,}, quick {QUICK[name]:,}")
    chosen = options.parse_args()
    size = {name: getattr(chosen, name) if getattr(chosen, name) is not None else value for name, value in (QUICK if chosen.quick else FULL).items()}
    only = [start for start in chosen.only.split(",") if start]

    workshop = Workshop(ROOT)
    workshop.prepare()
    facts = {"date": datetime.datetime.now().isoformat(timespec="minutes"), "quick": chosen.quick, "only": only, "rounds": size["rounds"], "size": size,
             "machine": machine(), "versions": versions(ROOT, workshop.build)}
    payloads = workshop.build / "payloads"
    subprocess.run([workshop.build / "venv/bin/python", ROOT / "benches/payloads.py", payloads, str(size["tokens"])], check=True)
    figures, failed = measure(workshop, payloads, size, only, chosen.quick and not only)
    if not only or any("import".startswith(start) or start in ("import", "size") for start in only):
        figures |= shipped.imports(workshop.build, size["rounds"]) | shipped.sizes(ROOT)
    table = report.markdown(facts, figures)
    print(table)
    if not only and (chosen.keep or not chosen.quick):
        keep(facts, figures, table)
    for run in failed:
        print(f"did not run: {run}", file=sys.stderr)
    sys.exit(1 if failed else 0)


def measure(workshop, payloads, size, only, brief):
    """Runs one program after the other; what each printed, and what failed."""
    figures, failed = {}, []
    folder = workshop.build / "stores"
    with Redis() as redis, Postgres() as postgres:
        for language, groups, pinned in RUNS:
            groups = [group for group in groups if not (brief and group.startswith(SLOW))]
            groups = narrowed(groups, only)
            if not groups:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            plan = {**size, "payloads": str(payloads), "folder": str(folder), "only": groups}
            if not pinned:
                plan |= {"redis": redis.database()[0], "postgres": postgres.database()[0]}
            started = datetime.datetime.now()
            found, status = run(commands(workshop)[language](plan), pinned)
            took = (datetime.datetime.now() - started).total_seconds()
            print(f"   {', '.join(groups)}: {len(found)} figures, {took:.0f} s", file=sys.stderr, flush=True)
            figures |= found
            if status != 0:
                failed.append(", ".join(groups))
    shutil.rmtree(folder, ignore_errors=True)
    return figures, failed


def narrowed(groups, only):
    """The groups that begin as one of `only` does, or what of a group is asked for."""
    if not only:
        return groups
    return [max(group, start, key=len) for group in groups for start in only if group.startswith(start) or start.startswith(group)]


def commands(workshop):
    build = workshop.build
    return {
        "rust": lambda plan: [workshop.target / "release/sessile-bench", json.dumps(plan)],
        "python": lambda plan: [build / "venv/bin/python", ROOT / "benches/python/bench.py", json.dumps(plan)],
        "node": lambda plan: ["node", "--expose-gc", build / "node/bench.mjs", json.dumps(plan)],
        "cpp": lambda plan: [build / "bench_cpp", *(str(plan[name]) for name in ("payloads", "rounds", "millis"))],
        "c": lambda plan: [build / "bench_c", *(str(plan[name]) for name in ("payloads", "rounds", "millis", "steps")), *plan["only"]],
    }


def run(command, pinned):
    """The figures that a program printed, and its status."""
    core = max(os.sched_getaffinity(0))
    pin = (lambda: os.sched_setaffinity(0, {core})) if pinned else None
    with tempfile.TemporaryFile("w+") as printed:
        ended = subprocess.run([str(part) for part in command], stdout=printed, preexec_fn=pin, check=False)
        printed.seek(0)
        lines = [json.loads(line) for line in printed if line.startswith("{")]
    return {(line["group"], line["contestant"]): Figure(tuple(line["values"]), line["unit"]) for line in lines}, ended.returncode


def origin(facts):
    kind = "quick run" if facts["quick"] else "full run"
    load = facts["machine"]["load before"]
    busy = f"; the machine was busy: load {load:.1f}" if load > 1 else ""
    return f"{kind} of {day(facts)} on {facts['machine']['CPU']}; medians of {facts['rounds']} rounds, {facts['size']['sessions']:,} sessions of 0.5 KB{busy}"


def day(facts):
    return facts["date"][:10]


def keep(facts, figures, table):
    RESULTS.mkdir(exist_ok=True)
    lines = [{"group": group, "contestant": name, "unit": figure.unit, "median": figure.median, "quartiles": figure.quartiles, "values": figure.values}
             for (group, name), figure in figures.items()]
    (RESULTS / f"{day(facts)}.json").write_text(json.dumps({**facts, "figures": lines}, indent=1) + "\n")
    (RESULTS / f"{day(facts)}.md").write_text(table)
    (RESULTS / "latest.svg").write_text(chart.svg(figures, origin(facts)))


if __name__ == "__main__":
    main()
