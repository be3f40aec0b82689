"""Django's sessions: SessionStore.load and save of db, file and cached_db; db on SQLite as Django ships it, and with what
its documentation offers for SQLite: WAL and NORMAL."""

from importlib import import_module
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections

CONNECTIONS = {
    "default": None,
    "wal": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


class ToDatabase:
    """Sends the sessions' model to one of the databases."""

    name = "default"

    def db_for_read(self, model, **hints):
        return ToDatabase.name

    db_for_write = db_for_read

    def allow_migrate(self, *_, **__):
        return True


def set_up(folder):
    """Once for the process: settings can't be changed."""
    if settings.configured:
        return
    Path(folder, "django-files").mkdir()
    databases = {}
    for name, pragmas in CONNECTIONS.items():
        databases[name] = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/django-{name}.db", "CONN_MAX_AGE": None}
        if pragmas:
            databases[name]["OPTIONS"] = {"init_command": pragmas}
    settings.configure(
        SECRET_KEY="a secret key",
        DATABASES=databases,
        DATABASE_ROUTERS=[f"{__name__}.ToDatabase"],
        INSTALLED_APPS=["django.contrib.sessions"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 1_000_000}}},
        SESSION_FILE_PATH=f"{folder}/django-files",
        USE_TZ=True,
    )
    django.setup()
    for name in databases:
        call_command("migrate", database=name, verbosity=0)


def add(bench, group, size):
    set_up(bench.plan["folder"])
    add_engine(bench, group, size, "Django db (as shipped)", "db", "default")
    add_engine(bench, group, size, "Django db (WAL, NORMAL)", "db", "wal")
    add_engine(bench, group, size, "Django cached_db (as shipped)", "cached_db", "default")
    add_engine(bench, group, size, "Django cached_db (WAL, NORMAL)", "cached_db", "wal")
    add_engine(bench, group, size, "Django file", "file", "default")


def add_engine(bench, group, size, name, engine, database):
    module = import_module(f"django.contrib.sessions.backends.{engine}")
    fields, changed = bench.payloads[size], bench.payloads["changed"]
    keys = fill(module, engine, database, fields, bench.sessions)

    def change(n):
        ToDatabase.name = database
        session = module.SessionStore(keys[bench.key(n)])
        session[changed] = n
        session.save()

    group.add(name, change)


def fill(module, engine, database, fields, count):
    ToDatabase.name = database
    keys = []
    made = None
    if engine == "file":
        for _ in range(count):
            made = module.SessionStore()
            made.update(fields)
            made.create()
            made.save()
            keys.append(made.session_key)
        return keys
    # One by one, each would wait for the disk.
    store = module.SessionStore()
    store.update(fields)
    rows = []
    for number in range(count):
        store._session_key = f"{engine.replace('_', '')}{number:020}"
        rows.append(store.create_model_instance(store._get_session(no_load=True)))
        keys.append(store._session_key)
    store.model.objects.using(database).bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    if engine == "cached_db":
        for key in keys:
            assert module.SessionStore(key)["visits"]
    connections[database].close()
    return keys
