"""A forked child must not touch the connections it inherited."""

from __future__ import annotations

import os
import warnings
from typing import Any

import sessile
from conftest import REST


def test_a_child_finds_inherited_connections_and_refuses(on_disk: dict[str, Any]) -> None:
    with sessile.Store.open(**on_disk) as store:
        session = store.execution(REST, store.tokens.issue({"sub": "u"}, ttl=60)).global_()
        session["x"] = 1
        with warnings.catch_warnings():
            # Python warns of a fork where there are threads; ours are started when needed.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            status = 1
            try:
                session["x"] = 2
            except sessile.ClosedError as error:
                status = 0 if error.name == "FORKED" else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert session["x"] == 1
