"""In-process, encrypted sessions for pipelines and products: Local, Scoped and Global.

>>> with Store.open("memory:") as store, store.execution() as run:
...     run.local.put({"cart": ["tea"]})
...     run.step({"operation": "GET", "fields": ["cart"]}, '{"id": 7}')
'{"id": 7,"cart":["tea"]}'

`sessile.aio` has the same names, awaitable. Errors are in `sessile.errors`.
"""

from typing import TYPE_CHECKING

from . import _fork as _fork
from ._execution import Execution, Subprocess
from ._lazy import lazy
from ._options import Tls
from ._session import Session
from ._store import Store, Tokens
from ._types import DELETE, Clock, Step, VerifiedToken
from .errors import (
    ArgumentTypeError,
    BackendError,
    BackendTimeoutError,
    ClosedError,
    ConflictError,
    DataError,
    IdentityError,
    InternalError,
    InvalidArgumentError,
    KeyringError,
    NotFoundError,
    SchemaError,
    SessileError,
    SessionEndedError,
    StateError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from ._check import CheckReport, Problem
    from ._configs import Config, Configs, Imported, SelectorOption, selector_options
    from ._copy import Copied
    from ._health import Health, HealthFailure
    from ._info import Committed, Info
    from ._issuer import Issuer
    from ._keyring import DataKey, Keyring, KeyringDescription, SigningKey
    from ._keys import DataKeyUsage, KeyringProblem, KeyUsage, Rewrapped, SigningKeyUsage
    from ._lint import Finding, lint
    from ._records import Page
    from ._sessions import Dashboard, SessionEntry, Sessions, Started, User, Verification
    from ._stats import BackendStats, Connections, IssuerStats, RefusedKey, Stats, TokenCache
else:
    # What calls give, and what is called now and then: imported when it is first asked for, see `_lazy`.
    _LAZY = {
        "_check": ("CheckReport", "Problem"),
        "_configs": ("Config", "Configs", "Imported", "SelectorOption", "selector_options"),
        "_copy": ("Copied",),
        "_health": ("Health", "HealthFailure"),
        "_info": ("Committed", "Info"),
        "_issuer": ("Issuer",),
        "_keyring": ("DataKey", "Keyring", "KeyringDescription", "SigningKey"),
        "_keys": ("DataKeyUsage", "KeyUsage", "KeyringProblem", "Rewrapped", "SigningKeyUsage"),
        "_lint": ("Finding", "lint"),
        "_records": ("Page",),
        "_sessions": ("Dashboard", "SessionEntry", "Sessions", "Started", "User", "Verification"),
        "_stats": ("BackendStats", "Connections", "IssuerStats", "RefusedKey", "Stats", "TokenCache"),
    }
    _MODULES = {name: module for module, names in _LAZY.items() for name in names}

    def __getattr__(name):
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(lazy(f".{_MODULES[name]}"), name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "DELETE",
    "ArgumentTypeError",
    "BackendError",
    "BackendStats",
    "BackendTimeoutError",
    "CheckReport",
    "Clock",
    "ClosedError",
    "Committed",
    "Config",
    "Configs",
    "ConflictError",
    "Connections",
    "Copied",
    "Dashboard",
    "DataError",
    "DataKey",
    "DataKeyUsage",
    "Execution",
    "Finding",
    "Health",
    "HealthFailure",
    "IdentityError",
    "Imported",
    "Info",
    "InternalError",
    "InvalidArgumentError",
    "Issuer",
    "IssuerStats",
    "KeyUsage",
    "Keyring",
    "KeyringDescription",
    "KeyringError",
    "KeyringProblem",
    "NotFoundError",
    "Page",
    "Problem",
    "RefusedKey",
    "Rewrapped",
    "SchemaError",
    "SelectorOption",
    "SessileError",
    "Session",
    "SessionEndedError",
    "SessionEntry",
    "Sessions",
    "SigningKey",
    "SigningKeyUsage",
    "Started",
    "StateError",
    "Stats",
    "Step",
    "Store",
    "Subprocess",
    "Tls",
    "TokenCache",
    "Tokens",
    "UnsupportedError",
    "User",
    "Verification",
    "VerifiedToken",
    "lint",
    "selector_options",
]
