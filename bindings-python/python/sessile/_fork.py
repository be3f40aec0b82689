"""What happens around ``os.fork``: open stores close their files before it, and open them on both sides when needed.

Forking with SQLite's files open loses acknowledged writes. Registered at import, once; a process that is forked by other
means than Python's finds its parent's stores refused (``FORKED``).
"""

from __future__ import annotations

import os
import sys

from . import _native


def _in_child() -> None:
    _native.after_fork()
    # Only who uses `sessile.aio` has loops: `asyncio` alone takes longer to import than all of this package.
    if loops := sys.modules.get(f"{__package__}._loop"):
        loops.forget()


os.register_at_fork(before=_native.before_fork, after_in_parent=_native.after_fork, after_in_child=_in_child)
