"""In-process, encrypted sessions for pipelines and products: Local, Scoped and Global.

>>> with Store.open("memory:") as store, store.execution() as run:
...     run.local.put({"cart": ["tea"]})
...     run.step({"operation": "GET", "fields": ["cart"]}, '{"id": 7}')
'{"id": 7,"cart":["tea"]}'

`sessile.aio` has the same names, awaitable. Errors are in `sessile.errors`.
"""

from ._execution import Execution, Subprocess
from ._lint import Finding, lint
from ._session import Session
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
    "Clock",
    "ClosedError",
    "Committed",
    "ConflictError",
    "DataError",
    "Execution",
    "Finding",
    "IdentityError",
    "Info",
    "InternalError",
    "InvalidArgumentError",
    "Keyring",
    "KeyringError",
    "NotFoundError",
    "SchemaError",
    "SessileError",
    "Session",
    "SessionEndedError",
    "StateError",
    "Step",
    "Store",
    "Subprocess",
    "Tokens",
    "UnsupportedError",
    "VerifiedToken",
    "lint",
]
