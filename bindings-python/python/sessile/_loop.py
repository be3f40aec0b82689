"""The receiver of an event loop: finished work comes through a descriptor that the loop watches."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, cast

from . import _native
from .errors import UnsupportedError

T = TypeVar("T")


class Receiver:
    """One event loop's mailbox, kept alive by the loop's own watch on it and gone with the loop."""

    __slots__ = ("__weakref__", "_futures", "mailbox")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.mailbox = _native.Receiver()
        self._futures: dict[int, asyncio.Future[Any]] = {}
        try:
            loop.add_reader(self.mailbox.fileno(), self._deliver)
        except NotImplementedError:
            raise UnsupportedError("an event loop without add_reader can't run sessile.aio", "UNSUPPORTED") from None

    def expect(self, loop: asyncio.AbstractEventLoop, pending: _native.Pending) -> asyncio.Future[Any]:
        """A future for an operation under way. Cancelling it drops the result, not the operation."""
        # The result can't have been delivered yet: that is done by this very thread, later.
        future = loop.create_future()
        self._futures[pending.number] = future
        return future

    def _deliver(self) -> None:
        for number, value, error in self.mailbox.drain():
            future = self._futures.pop(number, None)
            if future is None or future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)


class _Here(threading.local):
    """The receivers of this thread's loops, and the one used last."""

    def __init__(self) -> None:
        self.last: tuple[Callable[[], object], Callable[[], Receiver | None]] = (lambda: None, lambda: None)
        self.receivers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Receiver]] = (
            weakref.WeakKeyDictionary()
        )


_here = _Here()


def forget() -> None:
    """In a forked child: the receivers are those of the parent's loops."""
    global _here
    _here = _Here()


def _receiver(loop: asyncio.AbstractEventLoop) -> Receiver:
    last_loop, last_receiver = _here.last
    if last_loop() is loop and (receiver := last_receiver()) is not None:
        return receiver
    known = _here.receivers.get(loop)
    receiver = None if known is None else known()
    if receiver is None:
        receiver = Receiver(loop)
        _here.receivers[loop] = weakref.ref(receiver)
    _here.last = (weakref.ref(loop), weakref.ref(receiver))
    return receiver


async def later(call: Callable[..., T], *arguments: Any) -> T:
    """Calls the native module without waiting. What is ready at once is given without suspending; what is not, the
    core does on its own threads, and the loop goes on meanwhile."""
    loop = asyncio.get_running_loop()
    receiver = _receiver(loop)
    result: object = call(*arguments, receiver.mailbox)
    if isinstance(result, _native.Pending):
        result = await receiver.expect(loop, result)
    return cast(T, result)
