"""Get a session, change one field of it, save it. Every peer is called as its framework calls it."""

import copy

import cachetools
import diskcache
import orjson
from cryptography.fernet import Fernet
from itsdangerous import URLSafeTimedSerializer

import django_stores
import flask_stores
from ours import Filled


def run(bench):
    for size in ("small", "large"):
        if bench.wants(f"python.store.{size}"):
            stores(bench, size)


def stores(bench, size):
    group = bench.group(f"python.store.{size}")
    fields, changed, sessions = bench.payloads[size], bench.payloads["changed"], bench.sessions
    folder = bench.plan["folder"]
    key = bench.key

    file = Filled(bench.plan, f"sqlite:{folder}/store-{size}.db", f"store-{size}", fields, sessions)
    group.add("sessile SQLite", lambda n: file.change(key(n), changed, n))
    group.add("sessile SQLite, from the token's text", lambda n: file.change_by_text(key(n), changed, n))
    memory = Filled(bench.plan, "memory:", "memory", fields, sessions)
    group.add("sessile memory", lambda n: memory.change(key(n), changed, n))
    group.ends += [file.store.close, memory.store.close]

    cache = cachetools.TTLCache(maxsize=2 * sessions, ttl=86_400)
    for one in range(sessions):
        cache[one] = copy.deepcopy(fields)

    def change_cached(n):
        data = dict(cache[key(n)])
        data[changed] = n
        cache[key(n)] = data

    group.add("cachetools + dict copy", change_cached)

    fernet = Fernet(Fernet.generate_key())
    sealed = {one: fernet.encrypt(orjson.dumps(fields)) for one in range(sessions)}

    def change_sealed(n):
        data = orjson.loads(fernet.decrypt(sealed[key(n)]))
        data[changed] = n
        sealed[key(n)] = fernet.encrypt(orjson.dumps(data))

    group.add("dict + Fernet + orjson", change_sealed)

    disk = diskcache.Cache(f"{folder}/diskcache-{size}", eviction_policy="none")
    with disk.transact():
        for one in range(sessions):
            disk.set(one, fields, expire=86_400)

    def change_on_disk(n):
        data = disk.get(key(n))
        data[changed] = n
        disk.set(key(n), data, expire=86_400)

    group.add("diskcache", change_on_disk)
    group.ends.append(disk.close)

    signer = URLSafeTimedSerializer("a secret key", serializer=orjson_text)
    cookies = [signer.dumps(fields) for _ in range(64)]

    def change_cookie(n):
        data = signer.loads(cookies[n % 64], max_age=86_400)
        data[changed] = n
        cookies[n % 64] = signer.dumps(data)

    group.add("itsdangerous (a signed cookie, nothing sealed)", change_cookie)
    flask_stores.add_filesystem(bench, group, size)
    django_stores.add(bench, group, size)
    group.run()


class orjson_text:
    """What itsdangerous wants of a serializer, with the quickest there is."""

    @staticmethod
    def dumps(value):
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text):
        return orjson.loads(text)
