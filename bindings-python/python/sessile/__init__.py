"""In-process, encrypted sessions for pipelines and products: Local, Scoped and Global.

>>> with Store.open("memory:") as store, store.execution() as run:
...     run.local.put({"cart": ["tea"]})
...     run.step({"operation": "GET", "fields": ["cart"]}, '{"id": 7}')
'{"id": 7,"cart":["tea"]}'

`sessile.aio` has the same names, awaitable. Errors are in `sessile.errors`.
"""

import sys as _sys

from . import _fork as _fork

# What `typing` says, which takes as long to import as all of this package.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from . import errors as errors
    from ._check import CheckReport, Problem
    from ._configs import Config, Configs, Imported, SelectorOption, selector_options
    from ._copy import Copied
    from ._execution import Execution, Subprocess
    from ._health import Health, HealthFailure
    from ._info import Committed, Info
    from ._issuer import Issuer
    from ._keyring import DataKey, Keyring, KeyringDescription, SigningKey
    from ._keys import DataKeyUsage, KeyringProblem, KeyUsage, Rewrapped, SigningKeyUsage
    from ._lint import Finding, lint
    from ._options import Tls
    from ._records import Page
    from ._session import Session
    from ._sessions import Dashboard, SessionEntry, Sessions, Started, User, Verification
    from ._stats import BackendStats, Connections, IssuerStats, RefusedKey, Stats, TokenCache
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
else:
    # A name's module is imported when the name is first asked for.
    _NAMES = {
        "_check": "CheckReport Problem",
        "_configs": "Config Configs Imported SelectorOption selector_options",
        "_copy": "Copied",
        "_execution": "Execution Subprocess",
        "_health": "Health HealthFailure",
        "_info": "Committed Info",
        "_issuer": "Issuer",
        "_keyring": "DataKey Keyring KeyringDescription SigningKey",
        "_keys": "DataKeyUsage KeyUsage KeyringProblem Rewrapped SigningKeyUsage",
        "_lint": "Finding lint",
        "_options": "Tls",
        "_records": "Page",
        "_session": "Session",
        "_sessions": "Dashboard SessionEntry Sessions Started User Verification",
        "_stats": "BackendStats Connections IssuerStats RefusedKey Stats TokenCache",
        "_store": "Store Tokens",
        "_types": "DELETE Clock Step VerifiedToken",
        "errors": "ArgumentTypeError BackendError BackendTimeoutError ClosedError ConflictError DataError IdentityError "
        "InternalError InvalidArgumentError KeyringError NotFoundError SchemaError SessileError SessionEndedError "
        "StateError UnsupportedError",
    }
    _MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}
    _MODULES["errors"] = "errors"

    def __getattr__(name):
        module = _MODULES.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        __import__(f"{__name__}.{module}")
        # Another thread may have imported it, and not set it here yet.
        found = _sys.modules[f"{__name__}.{module}"]
        # From now on it is found without asking.
        value = found if name == module else getattr(found, name)
        globals()[name] = value
        return value

    def __dir__():
        return sorted({*globals(), *__all__, "errors"})


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
