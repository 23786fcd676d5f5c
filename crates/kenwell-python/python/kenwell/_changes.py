"""Changes that a framework hands over only once: what Redis has not confirmed is kept, and sent again."""

from __future__ import annotations

import asyncio
import time
from typing import Awaitable, Callable, Dict, Optional

from ._errors import KenwellError, UncertainError

MAX_KEPT = 65_536
"""How many changes are kept at most, one of each place. The framework has all of them in memory itself."""


class _Change:
    """What a place is to hold: a text, or nothing."""

    __slots__ = ("text",)

    def __init__(self, text: Optional[str]) -> None:
        self.text = text


class Changes:
    """Changes on their way to Redis, the newest of each place. One event loop uses it."""

    def __init__(self, write: Callable[[str, Optional[str]], Awaitable[None]], pause: float) -> None:
        self._write = write
        self._pause = pause
        self._may_repeat_at = 0.0
        self._under_way: Dict[str, _Change] = {}
        self._kept: Dict[str, _Change] = {}

    async def make(self, place: str, text: Optional[str]) -> None:
        """Sends a change, and then, once in a pause, what was kept. A change that fails raises, and is kept if it can succeed later."""
        await self._send(place, _Change(text))
        if self._kept and time.monotonic() >= self._may_repeat_at:
            self._may_repeat_at = time.monotonic() + self._pause
            # What fails again was told when it failed first.
            await self._repeat()

    async def flush(self) -> None:
        """Sends what was kept. Raises for the first that fails again, which is kept again."""
        for outcome in await self._repeat():
            if outcome is not None:
                raise outcome

    async def _repeat(self) -> "list[Optional[BaseException]]":
        return await asyncio.gather(*(self._send_again(place, change) for place, change in list(self._kept.items())), return_exceptions=True)

    async def _send_again(self, place: str, change: _Change) -> None:
        if self._kept.get(place) is change:  # no newer one has come meanwhile
            await self._send(place, change)

    async def _send(self, place: str, change: _Change) -> None:
        self._kept.pop(place, None)
        self._under_way[place] = change
        try:
            await self._write(place, change.text)
        except BaseException as error:
            if self._under_way.get(place) is change and _can_succeed(error) and len(self._kept) < MAX_KEPT:
                self._kept[place] = change
            raise
        finally:
            if self._under_way.get(place) is change:
                del self._under_way[place]


def _can_succeed(error: BaseException) -> bool:
    """Whether the same change can succeed later. A cancelled one may have, and twice does no harm: no newer one has come."""
    if isinstance(error, KenwellError):
        return error.retryable or isinstance(error, UncertainError)
    return isinstance(error, asyncio.CancelledError)
