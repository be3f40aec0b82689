"""Executions and their sub-processes."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import _native
from ._json import text_or_dumps
from ._lazy import lazy
from ._message import incoming, is_object, outgoing
from ._session import Session
from ._types import Step, Text

if TYPE_CHECKING:
    from . import _info
else:
    _info = lazy("._info")

E = TypeVar("E", bound="Execution")
Message = TypeVar("Message", bound=str | bytes | bytearray | dict[Any, Any])


def parsed(execution: _native.Execution, step: Step | Mapping[str, Any] | Text) -> _native.Step:
    """The step, parsed within the store's limits if it was not yet."""
    return step._native if isinstance(step, Step) else execution.parse(text_or_dumps(step))


class Execution:
    """One run of one pipeline. Any thread may use it; leaving the ``with`` block ends it.

    Local data is gone when the execution ends. Global sessions open at their first verb, and only where the trigger is
    ``rest`` or ``http`` with security ``jwt`` and the token verifies.
    """

    __slots__ = ("_local", "_native", "_scoped")

    def __init__(self, native: _native.Execution) -> None:
        self._native = native
        self._local: Session | None = None
        self._scoped: Session | None = None

    @property
    def id(self) -> str:
        """The execution's id (32 hex digits), the same for all its sub-processes."""
        return self._native.id

    @property
    def subprocess_id(self) -> str:
        """The id of this sub-process: its path from the root, ``"1"``, ``"1.3"``; ``""`` for the execution itself."""
        return self._native.subprocess_id

    @property
    def name(self) -> str:
        """The name given to this sub-process; ``""`` for the execution itself."""
        return self._native.name

    @overload
    def step(self, step: Step | Mapping[str, Any] | Text, message: Message) -> Message: ...

    @overload
    def step(self, step: Step | Mapping[str, Any] | Text, message: None = None) -> dict[str, Any] | None: ...

    def step(self, step: Step | Mapping[str, Any] | Text, message: Any = None) -> Any:
        """Runs a session step: message in, message out.

        ``step``: a `Step`, a dict, or JSON text: ``operation`` (``GET``, ``PUT``, ``DELETE``), ``sessionType``
        (``LOCAL``, ``GLOBAL``), ``fields``, ``scoped``, ``session``. ``message``:

        * ``str``, ``bytes``, ``bytearray``: JSON text. PUT and DELETE give that same object, GET the same type of text,
          changed only where it sets fields.
        * a dict: only the members that the step names are read. PUT and DELETE give that same dict, GET a shallow copy
          with the fields that the session holds.
        * None counts as ``{}``: GET gives a dict.

        `InvalidArgumentError` (``INVALID_STEP``, ``INVALID_JSON``, ``MESSAGE_NOT_OBJECT``, ``LIMIT_EXCEEDED``), and
        for a Global step all that a Global session's verbs have.
        """
        native = parsed(self._native, step)
        text = self._native.step(native, outgoing(native, message), is_object(message))
        return incoming(message, text)

    @property
    def local(self) -> Session:
        """The Local session that all of the execution shares, at any nesting level."""
        if self._local is None:
            self._local = Session(self._native.local())
        return self._local

    @property
    def scoped(self) -> Session:
        """This sub-process's own version of the Local session; for the execution itself the shared one."""
        if self._scoped is None:
            self._scoped = Session(self._native.scoped())
        return self._scoped

    def global_(self, tag: str | None = None, scoped: bool = False) -> Session:
        """The user's Global session of config ``tag`` (None: the token's own session, else ``global``).

        ``scoped``: this sub-process's own version of it, written by ``Session.commit``. It opens at its first verb:
        that one gives ``GLOBAL_NOT_ALLOWED`` or ``TOKEN_*``.
        """
        return Session(self._native.global_(tag, scoped))

    def subprocess(self, name: str) -> Subprocess:
        """Starts a sub-process below this one, with its own version of the Local session: a snapshot."""
        return Subprocess(self._native.subprocess(name))

    def subprocess_by_id(self, id: str) -> Subprocess:
        """The open sub-process with that ``subprocess_id``, after ``Store.resume``. `NotFoundError`."""
        return Subprocess(self._native.subprocess_by_id(id))

    def commit(self, exclusive: bool = False) -> _info.Committed:
        """Applies this sub-process's Local changes to its parent's version, at once; it goes on from a new snapshot.

        ``exclusive``: `ConflictError`, naming them, if fields that it changes were changed in the parent meanwhile.
        """
        return _info.to_committed(self._native.commit(exclusive))

    def end(self) -> None:
        """Ends it and all sub-processes below; what was not committed is gone. Ending twice is fine."""
        self._native.end()

    def checkpoint(self) -> bytes:
        """The Local state, sealed: for ``Store.resume``, in any process, within 24 hours."""
        return self._native.checkpoint()

    def renew(self, token: Text) -> None:
        """Puts a fresh token of the same user in place. `IdentityError` if it is not good, or another's."""
        self._native.renew(token)

    def __enter__(self: E) -> E:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()

    def __repr__(self) -> str:
        path = f" {self.subprocess_id} {self.name!r}" if self.subprocess_id else ""
        return f"<sessile.{type(self).__name__} {self.id}{path}>"


class Subprocess(Execution):
    """A part of an execution run on its own: one iteration, a parallel line, a retry. Leaving the ``with`` block ends
    it and discards what it did not `commit`."""

    __slots__ = ()
