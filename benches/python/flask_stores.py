"""Flask-Session, through the interface that Flask calls: open_session before the request, save_session after it."""

import flask
from cachelib.file import FileSystemCache
from flask.sessions import SecureCookieSessionInterface
from flask_session import Session


def add_filesystem(bench, group, size):
    # Without a threshold it throws sessions away as soon as there are more than 500.
    cache = FileSystemCache(f"{bench.plan['folder']}/flask-{size}", threshold=0, mode=0o600)
    add(bench, group, size, "Flask-Session FileSystem", {"SESSION_TYPE": "cachelib", "SESSION_CACHELIB": cache})


def add_redis(bench, group, client):
    add(bench, group, "small", "Flask-Session Redis", {"SESSION_TYPE": "redis", "SESSION_REDIS": client})


def add(bench, group, size, name, config):
    app = flask.Flask("bench")
    app.config.update(SECRET_KEY="a secret key", **config)
    Session(app)
    interface = app.session_interface
    assert not isinstance(interface, SecureCookieSessionInterface)
    fields, changed = bench.payloads[size], bench.payloads["changed"]

    with app.test_request_context():
        request = flask.request._get_current_object()
        ids = []
        for _ in range(bench.sessions):
            session = interface.open_session(app, request)
            session.update(fields)
            interface.save_session(app, session, app.response_class())
            ids.append(session.sid)
    cookie = app.config["SESSION_COOKIE_NAME"]
    response = app.response_class()
    # The requests are made before: only their sessions are measured.
    with app.test_request_context():
        request = flask.request._get_current_object()

    def change(n):
        request.cookies = {cookie: ids[bench.key(n)]}
        with context:
            session = interface.open_session(app, request)
            session[changed] = n
            interface.save_session(app, session, response)

    context = app.app_context()
    group.add(name, change)
