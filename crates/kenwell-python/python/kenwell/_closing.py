"""What ``async with`` closes at its end."""

from __future__ import annotations

from typing import TypeVar

CLOSE_TIMEOUT_MS = 5000
"""How long closing waits for calls that have begun, unless something else is said."""

Self = TypeVar("Self", bound="ClosedAtTheEnd")


class ClosedAtTheEnd:
    """Something that has an end."""

    async def close(self, timeout_ms: int = CLOSE_TIMEOUT_MS) -> None:
        """Lets no more calls begin, and waits for those that have."""
        raise NotImplementedError

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
