"""Kenwell's state store for asyncio: what a program remembers about a user, in Redis, under keys that anyone can read.

    >>> from kenwell import StateStore
    >>> async with StateStore("redis://localhost:6379", key_prefix="bot") as store:
    ...     record = await store.load_or_new("ada")
    ...     record.setdefault("user", {"data": {}})["data"]["visits"] = 1
    ...     await store.save("ada", record)

The package also has the program ``kenwell``, the server. https://github.com/kenwell/kenwell/blob/main/docs/python.md
"""

from ._connection import Connection, profile
from ._errors import (
    BusyError,
    ClosedError,
    ConflictError,
    CorruptValueError,
    ForkedError,
    KenwellError,
    RedisConnectionError,
    RedisTimeoutError,
    RefusedError,
    SettingsError,
    TlsError,
    TooLargeError,
    UncertainError,
    UnknownNameError,
)
from ._record import Record
from ._store import MAX_UPDATE_ATTEMPTS, StateStore, StoredEntry

__all__ = [
    "MAX_UPDATE_ATTEMPTS",
    "BusyError",
    "ClosedError",
    "ConflictError",
    "Connection",
    "CorruptValueError",
    "ForkedError",
    "KenwellError",
    "Record",
    "RedisConnectionError",
    "RedisTimeoutError",
    "RefusedError",
    "SettingsError",
    "StateStore",
    "StoredEntry",
    "TlsError",
    "TooLargeError",
    "UncertainError",
    "UnknownNameError",
    "profile",
]
