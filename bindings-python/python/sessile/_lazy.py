"""Modules that are imported when something of them is first asked for.

What `import sessile` needs is a small part of this package. `orjson` and `dataclasses`, and what those two import, take
longer than all the rest: a program that has not opened a store yet does not wait for them.
"""

from __future__ import annotations

import sys


class _Module:
    """Stands for a module. From the first look on it has all that the module has, at the price of a look at it."""

    def __init__(self, name: str) -> None:
        self.__dict__["__name__"] = name

    def __getattr__(self, attribute: str) -> object:
        name = self.__dict__["__name__"]
        __import__(name)
        module = sys.modules[name]
        self.__dict__.update(vars(module))
        return getattr(module, attribute)


def lazy(name: str) -> _Module:
    """A module of ours (``._check``) or another's (``orjson``)."""
    return _Module(__package__ + name if name.startswith(".") else name)
