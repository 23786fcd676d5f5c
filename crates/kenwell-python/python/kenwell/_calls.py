"""Waiting for the native half: which future of which event loop an answer belongs to.

The native half never enters Python by itself: it writes one byte to a socket that the event loop watches, and the loop takes
all answers that are there.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import Any, Callable, Dict
from weakref import WeakKeyDictionary

from ._errors import BusyError, RedisTimeoutError, error_of
from ._native import Failure, Outbox

MAX_WAITING = 65_536
"""How many calls of one event loop may wait for Redis."""


class _Calls:
    """The calls of one event loop that wait for an answer. Only the loop's own thread uses it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.outbox = Outbox()
        self.waiting: Dict[int, asyncio.Future[Any]] = {}
        self.last = 0
        loop.add_reader(self.outbox.fileno(), self.deliver)

    def begin(self, method: Callable[..., None], arguments: "tuple[Any, ...]") -> "asyncio.Future[Any]":
        self.last += 1
        method(self.outbox, self.last, *arguments)
        # The loop is asked each time: whoever keeps it keeps it from being collected.
        future = asyncio.get_running_loop().create_future()
        self.waiting[self.last] = future
        return future

    def deliver(self) -> None:
        for call, answer in self.outbox.take():
            future = self.waiting.pop(call, None)
            if future is None or future.done():  # it could not begin, or whoever waited was cancelled
                continue
            if isinstance(answer, Failure):
                future.set_exception(error_of(answer))
            elif isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)


_lock = threading.Lock()
_by_loop: "WeakKeyDictionary[asyncio.AbstractEventLoop, _Calls]" = WeakKeyDictionary()


def begin(method: Callable[..., None], *arguments: Any) -> "asyncio.Future[Any]":
    """Begins a call of the native half. Cancelling the future ends the wait, not the call."""
    calls = _of_this_loop()
    if len(calls.waiting) >= MAX_WAITING:
        raise BusyError(f"{MAX_WAITING} calls of this event loop wait for Redis")
    return calls.begin(method, arguments)


async def end(method: Callable[..., None], timeout_ms: int) -> None:
    """Ends the use of something, however many calls wait for Redis."""
    if not await _of_this_loop().begin(method, (timeout_ms,)):
        raise RedisTimeoutError(f"calls that had begun took longer than {timeout_ms} ms to end; whether they took effect is not known")


def _of_this_loop() -> _Calls:
    loop = asyncio.get_running_loop()
    calls = _by_loop.get(loop)
    if calls is None:
        with _lock:
            # What a loop has not taken before it was closed nobody takes any more.
            for closed in [other for other in _by_loop if other.is_closed()]:
                del _by_loop[closed]
            calls = _by_loop[loop] = _Calls(loop)
    return calls


def _begin_anew() -> None:
    """In a child after a fork: it would share the sockets of its parent's outboxes, and the lock may be held by nobody."""
    global _lock, _by_loop
    _lock, _by_loop = threading.Lock(), WeakKeyDictionary()


os.register_at_fork(after_in_child=_begin_anew)


def opened(made: Any) -> Any:
    """What the native half has made of settings; raises what it says about them."""
    if isinstance(made, Failure):
        raise error_of(made)
    return made
