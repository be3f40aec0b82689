"""How a store is opened: everything but secrets as JSON, secrets through doors of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from . import _native
from ._json import dumps
from ._lazy import lazy
from ._types import Clock, Path, Text
from .errors import ArgumentTypeError, InvalidArgumentError

if TYPE_CHECKING:
    from . import _issuer, _keys
else:
    _issuer, _keys = lazy("._issuer"), lazy("._keys")

Durability: TypeAlias = Literal["interval", "commit"]

NativeOptions: TypeAlias = tuple[
    bytes, Path | None, Text | None, str | None, str | None, dict[str, bytes], _native.Clock | None
]


class Tls(TypedDict, total=False):
    """The files, in PEM form, with which a store speaks TLS to its server: ``Store.open(tls={…})``.

    * ``ca``: the authorities to trust instead of the system's.
    * ``cert``, ``key``: the client's certificate and its key, together.
    """

    ca: Path
    cert: Path
    key: Path


def options(
    url: str,
    keyring: Path | None,
    keyring_bytes: Text | None,
    keyring_env: str | None,
    keyring_callback: object,
    workspace: str | None,
    product: str | None,
    env: str | None,
    issuers: Sequence[_issuer.Issuer | Mapping[str, Any]] | None,
    issuer_secrets: Mapping[str, bytes] | None,
    backend_password: str | None,
    password_env: str | None,
    tls: Tls | Mapping[str, Path] | None,
    secrets: str | None,
    schema: str | None,
    limits: Mapping[str, int] | None,
    durability: Durability | None,
    read_only: bool,
    allow_network_filesystem: bool,
    allow_eviction: bool,
    lazy: bool,
    audit: bool,
    clock: Clock | None,
) -> NativeOptions:
    """What the native module opens a store with, but for what a callback is still to give; see `with_keyring`."""
    if sum(source is not None for source in (keyring, keyring_bytes, keyring_env, keyring_callback)) > 1:
        one = "one of keyring, keyring_bytes, keyring_env and keyring_callback"
        raise InvalidArgumentError(one, "INVALID_ARGUMENT")
    if keyring_callback is not None:
        _keys.check_callback(keyring_callback)
    if clock is not None and not isinstance(clock, Clock):
        raise ArgumentTypeError(f"clock is a sessile.Clock, not {type(clock).__name__}", "INVALID_ARGUMENT")
    if issuer_secrets is not None and not isinstance(issuer_secrets, Mapping):
        wrong = f"issuer_secrets is a mapping of issuers to bytes, not {type(issuer_secrets).__name__}"
        raise ArgumentTypeError(wrong, "INVALID_ARGUMENT")
    members = {
        "url": url,
        "workspace": workspace,
        "product": product,
        "env": env,
        "issuers": issuers,
        "limits": limits,
        "durability": durability,
        "readOnly": read_only,
        "allowNetworkFilesystem": allow_network_filesystem,
        "allowEviction": allow_eviction,
        "lazy": lazy,
        "audit": audit,
        "passwordEnv": password_env,
        "tls": _tls(tls),
        "secrets": secrets,
        "schema": schema,
    }
    text = dumps({name: value for name, value in members.items() if value is not None})
    by_issuer = dict(issuer_secrets or {})
    native_clock = None if clock is None else clock._native
    return text, keyring, keyring_bytes, keyring_env, backend_password, by_issuer, native_clock


def _tls(tls: Tls | Mapping[str, Path] | None) -> dict[str, object] | None:
    """The option with its paths as text; what else is wrong with it, the core says."""
    if tls is None:
        return None
    if not isinstance(tls, Mapping):
        raise ArgumentTypeError(f"tls is a mapping of ca, cert and key to paths, not {type(tls).__name__}", "INVALID_ARGUMENT")
    return {name: fspath(path) if isinstance(path, PathLike) else path for name, path in tls.items()}


def with_keyring(native: NativeOptions, keyring: Text) -> NativeOptions:
    """The same, with the keyring that a callback gave."""
    text, file, _, variable, password, secrets, clock = native
    return text, file, keyring, variable, password, secrets, clock
