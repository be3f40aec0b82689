"""What is to be reached: the numbered goals, each a bound on a figure or on a ratio of two figures of one run."""

from dataclasses import dataclass, field, replace

from .stats import Figure, judge, paired, plus, told_apart


@dataclass(frozen=True)
class Checked:
    """A goal as it came out. `measured`: text."""

    goal: object
    measured: str
    verdict: str


@dataclass(frozen=True)
class Ratio:
    """Ours to a peer's (or to several parts of a floor together), as cost; or how many times faster ours is."""

    number: str
    group: str
    ours: str
    beside: list
    at_most: float = None
    at_least: float = None
    faster: bool = False
    beside_group: str = None

    @property
    def text(self):
        name = self.ours if self.ours.startswith("sessile") or self.beside_group is None else f"{self.group}: {self.ours}"
        wanted = f"≤ {self.at_most:g} ×" if self.at_most is not None else f"≥ {self.at_least:g} × faster than"
        if self.at_least is not None and not self.faster:
            wanted = f"≥ {self.at_least:g} ×"
        return f"{name}: {wanted} {' + '.join(self.beside)}"

    def check(self, figures):
        ours = figures.get((self.group, self.ours))
        beside = [figures.get((self.beside_group or self.group, name)) for name in self.beside]
        if ours is None or None in beside:
            return Checked(self, "–", "not measured")
        floor = plus(beside) if len(beside) > 1 else beside[0]
        quotient = paired(floor, ours) if self.faster else paired(ours, floor)
        verdict = judge(quotient, self.at_most, self.at_least)
        if told_apart(ours, floor):
            return Checked(self, f"{verdict.measured:.2f} ×", str(verdict))
        if self.wants_difference:
            return Checked(self, "not told apart", "not told apart")
        return Checked(self, "not told apart", str(replace(verdict, close=True)))

    @property
    def wants_difference(self):
        """Whether two figures that are not told apart cannot reach it: as good as the other is not good enough."""
        return self.at_most < 1 if self.at_most is not None else self.at_least > 1


@dataclass(frozen=True)
class Bound:
    """Ours against a number; `above`: what is taken off before, round by round."""

    number: str
    group: str
    ours: str
    at_most: float
    above: list = field(default_factory=list)
    unit: str = "ns"

    @property
    def text(self):
        return f"{self.ours}: ≤ {self.at_most:,g} {self.unit}" + (f" above {' + '.join(self.above)}" if self.above else "")

    def check(self, figures):
        ours = figures.get((self.group, self.ours))
        off = [figures.get((self.group, name)) for name in self.above]
        if ours is None or None in off:
            return Checked(self, "–", "not measured")
        if off:
            floor = plus(off)
            ours = Figure(tuple(a - b for a, b in zip(ours.values, floor.values)), ours.unit)
        verdict = judge(ours, self.at_most)
        digits = 0 if abs(verdict.measured) >= 100 else 2
        return Checked(self, f"{verdict.measured:,.{digits}f} {ours.unit}", str(verdict))


SIZES = (512, 2048, 16384)
ALGORITHMS = ["EdDSA", "ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "HS256"]

GOALS = [
    *(Ratio("1", f"rust.step.{size}", "sessile GET step", ["floor: serde_json IgnoredAny + memcpy"], at_most=1.25) for size in SIZES),
    Ratio("1", "node.step.2048", "sessile stepSync, string", ["JSON.parse + assign + JSON.stringify"], at_least=2, faster=True),
    Ratio("1", "python.step.2048", "sessile step, str", ["json: parse, update, print"], at_least=2, faster=True),
    Ratio("1", "python.step.2048", "sessile step, bytes", ["orjson: parse, update, print"], at_least=2, faster=True),
    Bound("1", "node.step.2048", "sessile stepSync, object", 1200, ["JSON.parse of the found fields"]),
    Bound("1", "python.step.2048", "sessile step, dict", 1200, ["orjson: parse of the found fields"]),
    Bound("2", "rust.local.small", "sessile put + get", 250),
    Ratio("2", "c.local.small", "sessile put + get", ["sessile put + get"], at_most=1.6, beside_group="rust.local.small"),
    Ratio("2", "python.local.small", "sessile put + get", ["cachetools set + get, values copied"], at_most=0.75),
    Ratio("2", "node.local.small", "sessile putSync + getSync", ["Map + JSON clone"], at_most=2),
    Ratio("2", "node.local.1kb", "sessile putSync + getSync", ["Map + JSON clone"], at_most=0.6),
    *(Bound("3", "rust.fork", f"sessile fork + discard, {fields} fields", 200) for fields in (10, 1000, 100000)),
    Ratio("3", "rust.fork", "sessile fork + discard, 100000 fields", ["sessile fork + discard, 10 fields"], at_most=1.2),
    Bound("4", "rust.global.get3.memory", "sessile get of 3 fields", 2500),
    Ratio("4", "rust.global.get3.sqlite", "sessile get of 3 fields", ["rusqlite prepared select"], at_most=2),
    Ratio("4", "rust.global.put.sqlite", "sessile put of 1 field", ["rusqlite upsert in its own transaction"], at_most=1.5),
    Ratio("5", "node.store.small", "sessile SQLite", ["better-sqlite3-session-store (WAL, NORMAL)"], at_least=1.6, faster=True),
    Ratio("5", "node.store.small", "sessile SQLite", ["iron-session"], at_least=30, faster=True),
    Ratio("5", "python.store.small", "sessile SQLite", ["diskcache"], at_least=2, faster=True),
    Ratio("5", "python.store.small", "sessile SQLite", ["Django db (WAL, NORMAL)"], at_least=2, faster=True),
    Ratio("5", "python.store.small", "sessile SQLite", ["Django db (as shipped)"], at_least=30, faster=True),
    Ratio("5", "python.store.small", "sessile memory", ["dict + Fernet + orjson"], at_least=3, faster=True),
    *(Ratio("6", f"rust.token.{name}.cold", "sessile", ["jsonwebtoken decode"], at_most=1.1) for name in ALGORITHMS),
    Bound("6", "rust.token.known", "sessile, known among 10,000", 400),
    Ratio("7", "rust.redis.1", "sessile get of 3 fields", ["redis-rs multiplexed, our very command"], at_most=1.15),
    Ratio("7", "rust.redis.64", "sessile get of 3 fields", ["redis-rs multiplexed, our very command"], at_least=0.7, faster=True),
    Ratio("7", "node.redis.64", "sessile getMany of 3 + put", ["ioredis HMGET + HSET"], at_least=0.8, faster=True),
    Ratio("7", "node.redis.64", "sessile get all, change, put", ["connect-redis get, change, set"], at_least=4, faster=True),
    Ratio("7", "python.redis", "sessile get_many of 3 + put, 64 threads", ["redis-py HMGET + HSET, one at a time"], at_least=4, faster=True),
    Ratio("7", "rust.postgres.get", "sessile get of 3 fields", ["tokio-postgres bare select"], at_most=1.2),
    Ratio("8", "rust.commit", "sessile durable put, 64 callers", ["64 upserts in a hand-written transaction"], at_least=0.8, faster=True),
    Ratio("8", "rust.commit", "sessile durable put, 1 caller", ["append + fdatasync"], at_most=1.5),
    Ratio("9", "rust.scale", "sessile get of 3 fields at 1,000,000", ["sessile get of 3 fields at 10,000"], at_most=2),
    Ratio("9", "rust.scale.growth", "sessile put of 1 field", ["rusqlite upsert"], at_most=1.3),
    Ratio("9", "rust.threads.memory", "sessile, 2 threads", ["sessile, 1 thread"], at_least=1.7, faster=True),
    Bound("10", "rust.memory.execution", "sessile, an open execution", 2048, unit="bytes"),
    Bound("10", "rust.memory.small", "sessile, times the JSON", 4, unit="×"),
    Bound("10", "rust.memory.large", "sessile, times the JSON", 2, unit="×"),
    *(Bound("10", f"{language}.growth", "sessile", 1, unit="% of RSS") for language in ("rust", "python", "node", "c")),
    Bound("10", "import.python", "import sessile, above the interpreter", 15, unit="ms"),
    Bound("10", "import.node", "require('sessile')", 15, unit="ms"),
    Bound("11", "size", "Python wheel", 6, unit="MiB"),
    Bound("11", "size", "Node package", 6, unit="MiB"),
    Bound("11", "size", "libsessile.so, stripped", 10, unit="MiB"),
]
