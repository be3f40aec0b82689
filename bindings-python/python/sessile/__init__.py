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
from ._copy import Copied
from ._execution import Execution, Subprocess
from ._health import Health, HealthFailure
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
from ._types import DELETE, Clock, Committed, Info, Step, VerifiedToken
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
