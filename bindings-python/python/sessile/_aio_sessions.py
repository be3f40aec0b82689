"""The life of users' sessions, awaitable: the twin of `_sessions`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from . import _native
from ._json import loads, object_text
from ._loop import later
from ._records import Page, page_text, to_record
from ._sessions import (
    Dashboard,
    SessionEntry,
    Started,
    User,
    UserArgument,
    Verification,
    optional_user_text,
    to_entries,
    to_started,
    to_user,
    to_users,
    user_text,
)
from ._types import Text, Ttl, to_optional_datetime


class Sessions:
    """The sessions of a store's users; see `sessile.Sessions`."""

    __slots__ = ("_native",)

    def __init__(self, native: _native.Sessions) -> None:
        self._native = native

    async def start(self, tag: str, data: Mapping[str, Any] | Text, ttl: Ttl | None = None) -> Started:
        """Starts a session of the user whom ``data`` names."""
        return to_started(await later(self._native.start, tag, object_text(data, "start"), ttl))

    async def verify(self, token: Text) -> Verification:
        """Verifies a session token and reads the session. A token that is not good is no error."""
        return to_record(Verification, loads(await later(self._native.verify, token)))

    async def refresh(self, refresh_token: Text) -> Started:
        """New tokens for a refresh token, which is used up by that."""
        return to_started(await later(self._native.refresh, refresh_token))

    async def revoke(self, session_id: str) -> None:
        """Ends a session: from now on no token opens it. Revoking twice is fine."""
        await later(self._native.revoke, session_id)

    async def revoke_all(self, tag: str, user: UserArgument, except_: str | None = None) -> int:
        """Ends all sessions of a user, but the one with the id ``except_``. How many were alive."""
        return await later(self._native.revoke_all, tag, user_text(user), except_)

    async def list(
        self, tag: str, user: UserArgument | None = None, *, limit: int | None = None, cursor: str | None = None
    ) -> Page[SessionEntry]:
        """The sessions of one user or (None) of all: ``limit`` from ``cursor`` on."""
        page = page_text(limit, cursor)
        return to_entries(await later(self._native.list, tag, optional_user_text(user), page))

    async def update(self, session_id: str, data: Mapping[str, Any] | Text) -> None:
        """Puts fields into a session, beside those that it has."""
        await later(self._native.update, session_id, object_text(data, "update"))

    async def extend(self, session_id: str, ttl: Ttl) -> datetime | None:
        """Moves a session's end to ``ttl`` from now, never to an earlier time; the end in force (None: never)."""
        return to_optional_datetime(await later(self._native.extend, session_id, ttl))

    async def users(self, tag: str, *, limit: int | None = None, cursor: str | None = None) -> Page[User]:
        """The users of a configuration: ``limit`` from ``cursor`` on."""
        return to_users(await later(self._native.users, tag, page_text(limit, cursor)))

    async def user(self, tag: str, user: UserArgument) -> User:
        """One user, with their sessions. `NotFoundError`."""
        return to_user(loads(await later(self._native.user, tag, user_text(user))))

    async def dashboard(self, tag: str) -> Dashboard:
        """The numbers of a configuration's users and sessions."""
        return to_record(Dashboard, loads(await later(self._native.dashboard, tag)))

    async def forget(self, tag: str, user: UserArgument) -> int:
        """Removes a user and all their sessions. How many were alive."""
        return await later(self._native.forget, tag, user_text(user))
