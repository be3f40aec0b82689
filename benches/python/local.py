"""A Local session's put and get, beside what keeps a copy in a cache and gives a copy out."""

import copy

import cachetools
import sessile


def run(bench):
    values = {"small": {"count": 2, "sku": "tea"}, "1kb": {"text": "x" * 490, "list": [n * 100 for n in range(100)]}}
    for size, value in values.items():
        if bench.wants(f"python.local.{size}"):
            one(bench, size, value)


def one(bench, size, value):
    group = bench.group(f"python.local.{size}")
    store = sessile.Store.open("memory:")
    run = store.execution()
    local = run.local

    def put_and_get(_):
        local["total"] = value
        return local["total"]

    group.add("sessile put + get", put_and_get)
    cache = cachetools.TTLCache(maxsize=1000, ttl=3600)

    def set_and_get(_):
        cache["total"] = copy.deepcopy(value)
        return copy.deepcopy(cache["total"])

    group.add("cachetools set + get, values copied", set_and_get)
    shallow = cachetools.TTLCache(maxsize=1000, ttl=3600)

    def set_and_get_shallow(_):
        shallow["total"] = dict(value)
        return dict(shallow["total"])

    group.add("cachetools set + get, shallow copies", set_and_get_shallow)
    group.ends.append(store.close)
    group.run()
