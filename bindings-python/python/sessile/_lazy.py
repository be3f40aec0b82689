"""Modules that are imported when something of them is first asked for.

Most programs need a small part of this package at first. `orjson` and `dataclasses`, and what those two import, take
longer than all the rest: a program that has not opened a store yet does not wait for them.
"""

from __future__ import annotations

import sys
from types import ModuleType


class _Lazy(ModuleType):
    """Stands for a module. With the first look it has all that the module has, and is as quick: a module like any."""

    def __getattr__(self, attribute: str) -> object:
        __import__(self.__name__)
        module = sys.modules[self.__name__]
        # Half made, for its import came round to this place: asked again next time.
        if not getattr(module.__spec__, "_initializing", False):
            self.__dict__.update(vars(module))
            self.__class__ = ModuleType  # type: ignore[assignment]
        return getattr(module, attribute)


def lazy(name: str) -> ModuleType:
    """A module of ours (``._check``) or another's (``orjson``)."""
    return _Lazy(__package__ + name if name.startswith(".") else name)
