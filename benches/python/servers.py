"""The same on a Redis, one at a time and on 64 threads, and on a PostgreSQL."""

import copy

import orjson
import redis

import flask_stores
from ours import Filled

# What of a server is measured needs no more sessions.
SESSIONS = 2_000
THREADS = 64


def run(given):
    bench = copy.copy(given)
    bench.sessions = min(given.sessions, SESSIONS)
    if bench.plan.get("redis") and bench.wants("python.redis"):
        on_redis(bench)
    if bench.plan.get("postgres") and bench.wants("python.postgres"):
        on_postgres(bench)


def on_redis(bench):
    group = bench.group("python.redis")
    url, fields, changed, read = bench.plan["redis"], bench.payloads["small"], bench.payloads["changed"], bench.payloads["read"]
    ours = Filled(bench.plan, url, "redis", fields, bench.sessions, workspace="python")
    group.ends.append(ours.store.close)

    def get_and_put(n):
        session = ours.store.global_(ours.tokens[bench.key(n)])
        session.get_many(read)
        session.put({changed: n})

    group.add("sessile get_many of 3 + put, one at a time", get_and_put)
    group.add_threads(f"sessile get_many of 3 + put, {THREADS} threads", get_and_put, THREADS)

    # The bare commands: as many, on as many fields, and nothing sealed, checked or owned.
    client = redis.Redis.from_url(url)
    for one in range(bench.sessions):
        client.hset(f"bare:{one}", mapping={name: orjson.dumps(value) for name, value in fields.items()})

    def bare(n):
        key = f"bare:{bench.key(n)}"
        client.hmget(key, read)
        client.hset(key, changed, str(n))

    group.add("redis-py HMGET + HSET, one at a time", bare)
    group.add_threads(f"redis-py HMGET + HSET, {THREADS} threads", bare, THREADS)
    group.add("sessile get all, change, put", lambda n: ours.change(bench.key(n), changed, n))
    flask_stores.add_redis(bench, group, client)
    group.run()


def on_postgres(bench):
    group = bench.group("python.postgres")
    ours = Filled(bench.plan, bench.plan["postgres"], "postgres", bench.payloads["small"], bench.sessions, workspace="python")
    group.ends.append(ours.store.close)
    changed = bench.payloads["changed"]
    group.add("sessile get all, change, put", lambda n: ours.change(bench.key(n), changed, n))
    group.run()
