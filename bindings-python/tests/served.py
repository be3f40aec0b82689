"""What gunicorn serves in `test_gunicorn.py`: each request counts up one field, and says by whom."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import sessile

# Opened at import: in the master with --preload, in each worker without.
_store = sessile.Store.open(**json.loads(os.environ["SESSILE_SERVED"]), limits={"deadline": 20_000})
_session = _store.execution(
    {"type": "rest", "security": "jwt"}, _store.tokens.issue({"sub": "served"}, ttl=600)
).global_()
_session.increment("opened")


def app(environ: dict[str, Any], start: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Counts, and answers with the worker and the count."""
    count = _session.increment("served")
    start("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {count}".encode()]
