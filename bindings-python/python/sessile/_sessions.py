"""The life of users' sessions: started, verified, refreshed, listed, revoked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from . import _native
from ._json import dumps, loads, object_text
from ._records import Page, page_text, to_page, to_record
from ._types import Text, Ttl, to_optional_datetime
from .errors import ArgumentTypeError

Identifier: TypeAlias = str | int | float | bool
"""What names a user under a configuration. ``1`` and ``"1"`` are two."""
UserArgument: TypeAlias = Identifier | Mapping[str, Any]
"""A user of the store's own realm, or of another: ``{"realm": …, "subject": …}``."""


@dataclass(frozen=True, slots=True)
class Started:
    """A session that was started or refreshed, with its tokens; the repr does not show those."""

    token: str = field(repr=False)
    """The session token, for `Sessions.verify` and for an execution: ``"<tag>:<jwt>"``."""
    token_expires_at: datetime
    """When it ends."""
    refresh_token: str = field(repr=False)
    """Good for one `Sessions.refresh`."""
    session_id: str
    """The session's id."""
    expires_at: datetime | None
    """When the session ends; None: never."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying a session token gave. It is true if the token is good; the repr does not show the data."""

    valid: bool
    """Whether it is good. If not, all but ``reason`` is None."""
    session_id: str | None
    """The session's id."""
    identifier: Identifier | None
    """The session's user."""
    expires_at: datetime | None
    """When the session ends; None: never."""
    data: dict[str, Any] | None = field(repr=False)
    """The session's fields."""
    reason: (
        Literal["untrusted", "not_yet", "expired", "session_expired", "revoked", "ended", "evicted"] | None
    )
    """Why it is not good: ``untrusted`` (no session token of this store), ``not_yet``, ``expired`` (the token: refresh
    it), ``session_expired``, ``revoked``, ``ended``, ``evicted`` (by the quota); None if it is."""

    def __bool__(self) -> bool:
        return self.valid


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session in a list: alive, or at its end for less than 24 hours."""

    session_id: str
    """The session's id."""
    identifier: Identifier | None
    """Its user."""
    realm: str | None
    """The user's realm."""
    standing: bool | None
    """Whether it is the one session that login tokens of its user act on."""
    started_at: datetime | None
    """When it began."""
    last_seen_at: datetime | None
    """When it was last used; noted at most once a minute."""
    expires_at: datetime | None
    """When it ends; None: never."""
    active: bool | None
    """Whether it is alive."""
    unreadable: str | None
    """The name of the error, if it can't be opened: then all but ``session_id`` is None."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of a configuration."""

    identifier: Identifier | None
    """What names them."""
    realm: str | None
    """Their realm."""
    state: Literal["active", "inactive", "expired"] | None
    """``active``: a session is alive; ``expired``: none is, the last one reached its end; ``inactive``: none is, the
    last one was ended or revoked."""
    first_seen_at: datetime | None
    """When their first session began."""
    last_seen_at: datetime | None
    """When they last used one."""
    total_sessions: int | None
    """The sessions ever begun."""
    active_sessions: int | None
    """The sessions alive."""
    sessions: tuple[SessionEntry, ...] | None
    """Their sessions, from `Sessions.user`; None in a list."""
    unreadable: str | None
    """The name of the error, if the record can't be opened: then all else is None."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The numbers of a configuration's users and sessions. Days are UTC's, weeks begin on Monday."""

    total_users: int
    """Users remembered."""
    active_users: int
    """Users with a session alive."""
    inactive_users: int
    """Users whose last session was ended or revoked."""
    expired_users: int
    """Users whose last session reached its end."""
    new_users_today: int
    """Users first seen today."""
    new_users_this_week: int
    """Users first seen this week."""
    total_sessions: int
    """Sessions ever begun by them."""
    active_sessions: int
    """Sessions alive."""
    average_sessions_per_user: float
    """``total_sessions`` by ``total_users``; 0 without users."""
    unreadable: int
    """Records that can't be opened and are not counted above."""


class Sessions:
    """The sessions of a store's users, each under the configuration that ``tag`` names.

    A *user* is what the configuration's selector picks: a str, a number or a bool; with its realm,
    ``{"realm": …, "subject": …}``, if that is not the store's own.
    """

    __slots__ = ("_native",)

    def __init__(self, native: _native.Sessions) -> None:
        self._native = native

    def start(self, tag: str, data: Mapping[str, Any] | Text, ttl: Ttl | None = None) -> Started:
        """Starts a session of the user whom ``data`` (a mapping or JSON text) names. ``ttl``: a shorter life than the
        configuration's, in whole seconds.

        `NotFoundError` for the configuration, `SchemaError` for the data, ``QUOTA_EXCEEDED``; ``INVALID_ARGUMENT`` if
        the configuration has no selector.
        """
        return to_started(self._native.start(tag, object_text(data, "start"), ttl))

    def verify(self, token: Text) -> Verification:
        """Verifies a session token, with or without ``<tag>:``, and reads the session. A token that is not good is no
        error: the result is false and has the ``reason``."""
        return to_record(Verification, loads(self._native.verify(token)))

    def refresh(self, refresh_token: Text) -> Started:
        """New tokens for a refresh token, which is used up by that. `IdentityError`: ``TOKEN_*``, or ``REFRESH_REUSED``
        if it was used before, which revokes the session; `SessionEndedError`."""
        return to_started(self._native.refresh(refresh_token))

    def revoke(self, session_id: str) -> None:
        """Ends a session: from now on no token opens it. Revoking twice is fine. `NotFoundError` if there is none."""
        self._native.revoke(session_id)

    def revoke_all(self, tag: str, user: UserArgument, except_: str | None = None) -> int:
        """Ends all sessions of a user, but the one with the id ``except_``. How many were alive."""
        return self._native.revoke_all(tag, user_text(user), except_)

    def list(
        self, tag: str, user: UserArgument | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[SessionEntry]:
        """The sessions that are alive or reached their end less than 24 hours ago, of one user or (None) of all:
        ``limit`` (1 to 1000, default 100) from ``cursor`` on."""
        return to_entries(self._native.list(tag, optional_user_text(user), page_text(limit, cursor)))

    def update(self, session_id: str, data: Mapping[str, Any] | Text) -> None:
        """Puts fields (a mapping or JSON text) into a session, beside those that it has. `NotFoundError`,
        `SchemaError`, `SessionEndedError`."""
        self._native.update(session_id, object_text(data, "update"))

    def extend(self, session_id: str, ttl: Ttl) -> datetime | None:
        """Moves a session's end to ``ttl`` from now, never to an earlier time; the end in force, None: it never ends.
        `NotFoundError`, `SessionEndedError`."""
        return to_optional_datetime(self._native.extend(session_id, ttl))

    def users(self, tag: str, *, limit: int | None = None, cursor: str | None = None) -> Page[User]:
        """The users of a configuration: ``limit`` (1 to 1000, default 100) from ``cursor`` on."""
        return to_users(self._native.users(tag, page_text(limit, cursor)))

    def user(self, tag: str, user: UserArgument) -> User:
        """One user, with their sessions. `NotFoundError`."""
        return to_user(loads(self._native.user(tag, user_text(user))))

    def dashboard(self, tag: str) -> Dashboard:
        """The numbers of a configuration's users and sessions."""
        return to_record(Dashboard, loads(self._native.dashboard(tag)))

    def forget(self, tag: str, user: UserArgument) -> int:
        """Removes a user and all their sessions. How many were alive."""
        return self._native.forget(tag, user_text(user))


def user_text(user: UserArgument) -> bytes:
    """A user as JSON text. A str is the user itself, never JSON text."""
    if isinstance(user, (str, int, float, Mapping)):
        return dumps(user)
    wrong = f"a user is a str, a number, a bool or a mapping with realm and subject, not {type(user).__name__}"
    raise ArgumentTypeError(wrong, "INVALID_ARGUMENT")


def optional_user_text(user: UserArgument | None) -> bytes | None:
    """The same, where None is all users."""
    return None if user is None else user_text(user)


def to_started(text: bytes) -> Started:
    """A `Started` from the core's document."""
    return to_record(Started, loads(text))


def to_entries(text: bytes) -> Page[SessionEntry]:
    """A page of sessions."""
    return to_page(_entry, "sessions", text)


def to_users(text: bytes) -> Page[User]:
    """A page of users."""
    return to_page(to_user, "users", text)


def to_user(found: dict[str, Any]) -> User:
    """A `User` from the core's object."""
    if "sessions" in found:
        found["sessions"] = [_entry(session) for session in found["sessions"]]
    return to_record(User, found)


def _entry(found: dict[str, Any]) -> SessionEntry:
    return to_record(SessionEntry, found)
