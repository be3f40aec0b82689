"""Memory that does not grow, step after step."""

import gc
import os

import sessile
from rounds import show


def run(bench):
    if not bench.wants("python.growth"):
        return
    steps = bench.plan["steps"]
    with sessile.Store.open("memory:") as store, store.execution() as run:
        run.local.put(bench.payloads["put"])
        step = sessile.Step.parse(bench.payloads["step"])
        message = bench.payloads["messages"]["512"]

        def rss_after(count):
            for _ in range(count):
                run.step(step, message)
            gc.collect()
            with open("/proc/self/statm") as statm:
                return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        before = rss_after(steps // 5)
        after = rss_after(steps)
    show("python.growth", "sessile", "% of RSS", [(after / before - 1) * 100])
