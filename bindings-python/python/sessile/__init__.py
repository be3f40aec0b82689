"""In-process, encrypted sessions for pipelines and products: Local, Scoped and Global.

>>> with Store.open("memory:") as store, store.execution() as run:
...     run.local.put({"cart": ["tea"]})
...     run.step({"operation": "GET", "fields": ["cart"]}, '{"id": 7}')
'{"id": 7,"cart":["tea"]}'

`sessile.aio` has the same names, awaitable. Errors are in `sessile.errors`.
"""

from . import _fork as _fork
from ._check import CheckReport, Problem
from ._configs import Config, Configs, Imported, SelectorOption, selector_options
from ._execution import Execution, Subprocess
from ._lint import Finding, lint
from ._records import Page
from ._session import Session
from ._sessions import Dashboard, SessionEntry, Sessions, Started, User, Verification
from ._store import Store, Tokens
from ._types import DELETE, Clock, Committed, Info, Keyring, Step, VerifiedToken
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

__all__ = [
    "DELETE",
    "ArgumentTypeError",
    "BackendError",
    "BackendTimeoutError",
    "CheckReport",
    "Clock",
    "ClosedError",
    "Committed",
    "Config",
    "Configs",
    "ConflictError",
    "Dashboard",
    "DataError",
    "Execution",
    "Finding",
    "IdentityError",
    "Imported",
    "Info",
    "InternalError",
    "InvalidArgumentError",
    "Keyring",
    "KeyringError",
    "NotFoundError",
    "Page",
    "Problem",
    "SchemaError",
    "SelectorOption",
    "SessileError",
    "Session",
    "SessionEndedError",
    "SessionEntry",
    "Sessions",
    "Started",
    "StateError",
    "Step",
    "Store",
    "Subprocess",
    "Tokens",
    "UnsupportedError",
    "User",
    "Verification",
    "VerifiedToken",
    "lint",
    "selector_options",
]
