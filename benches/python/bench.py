"""The Python side of the benchmark. `benches/run.py` starts it with a plan, a JSON object; it prints one line of JSON for
each figure: {"group", "contestant", "unit", "values"}, a value for each round."""

import json
import sys
from pathlib import Path

import border
import growth
import local
import servers
import step
import store
import token_check
from rounds import Bench


def main():
    plan = json.loads(sys.argv[1])
    payloads = json.loads((Path(plan["payloads"]) / "payloads.json").read_text())
    bench = Bench(plan, payloads)
    for part in (store, local, step, token_check, border, servers, growth):
        part.run(bench)


if __name__ == "__main__":
    main()
