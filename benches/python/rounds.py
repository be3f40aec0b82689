"""Contestants side by side: all are set up, then they take turns, A B C A B C, for as many rounds as the plan says."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor


class Bench:
    def __init__(self, plan, payloads):
        self.plan, self.payloads = plan, payloads
        self.sessions = plan["sessions"]
        self.keys = payloads["keys"]

    def wants(self, group):
        only = self.plan.get("only") or [""]
        return any(group.startswith(start) for start in only)

    def key(self, n, sessions=None):
        """The key of operation `n`, below `sessions`."""
        return self.keys[n % len(self.keys)] % (sessions or self.sessions)

    def group(self, name):
        return Group(self, name)


class Group:
    def __init__(self, bench, name):
        self.bench, self.name = bench, name
        self.contestants = []
        self.ends = []

    def add(self, name, operation):
        """A contestant: `operation` is given the number of the operation."""
        numbers = itertools.count()

        def round(count):
            started = time.perf_counter_ns()
            for n in itertools.islice(numbers, count):
                operation(n)
            return time.perf_counter_ns() - started

        self.add_round(name, round)

    def add_threads(self, name, operation, threads):
        """A contestant on so many threads at once, which stay from round to round."""
        numbers = itertools.count()
        pool = ThreadPoolExecutor(threads)
        self.ends.append(pool.shutdown)

        def lane(count):
            for n in itertools.islice(numbers, count):
                operation(n)

        def round(count):
            each = max(1, count // threads)
            started = time.perf_counter_ns()
            for lane_done in [pool.submit(lane, each) for _ in range(threads)]:
                lane_done.result()
            return (time.perf_counter_ns() - started) * count / (each * threads)

        self.add_round(name, round)

    def add_round(self, name, round):
        """A contestant who says itself how many nanoseconds so many operations took."""
        self.contestants.append((name, round))

    def run(self):
        wanted = self.bench.plan["millis"] * 1e6
        counts = [count_for(wanted, round) for _, round in self.contestants]
        values = [[] for _ in counts]
        for _ in range(self.bench.plan["rounds"]):
            for (_, round), count, mine in zip(self.contestants, counts, values):
                mine.append(round(count) / count)
        for (name, _), mine in zip(self.contestants, values):
            show(self.name, name, "ns", mine)
        for end in self.ends:
            end()


def count_for(wanted, round):
    """How many operations fill a round. It warms up by the way."""
    count = 1
    while True:
        took = round(count)
        if took * 4 >= wanted or count >= 1 << 26:
            return max(1, int(wanted / took * count))
        count *= 2


def show(group, contestant, unit, values):
    print(json.dumps({"group": group, "contestant": contestant, "unit": unit, "values": values}), flush=True)
