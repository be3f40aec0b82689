"""What worker processes do in `test_fork.py`, in a module that they can import."""

from __future__ import annotations

from typing import Any

import sessile

inherited: sessile.Session | None = None
"""A session of the parent's, for children that are forked."""


def session_of(store: sessile.Store) -> sessile.Session:
    """The one session that all count in."""
    token = store.tokens.issue({"sub": "u"}, ttl=600)
    return store.execution({"type": "rest", "security": "jwt"}, token).global_()


def by_inherited(times: int) -> int:
    """Counts with the parent's store."""
    assert inherited is not None
    for _ in range(times):
        inherited.increment("n")
    return times


def by_opened(options: dict[str, Any], times: int) -> int:
    """Counts with a store of its own."""
    with sessile.Store.open(**options) as store:
        session = session_of(store)
        for _ in range(times):
            session.increment("n")
    return times
