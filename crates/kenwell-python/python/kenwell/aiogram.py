"""States and data of aiogram's finite state machines, under the keys that aiogram's own RedisStorage uses.

    >>> from kenwell.aiogram import RedisStorage
    >>> dispatcher = Dispatcher(storage=RedisStorage.from_url("redis://localhost:6379"))

A bot that runs with aiogram's own storage goes on with what it has stored. ``update_data`` loses nothing when two updates of one
user overlap.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, Union, cast

from aiogram.exceptions import DataNotDictLikeError
from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseStorage, DefaultKeyBuilder, KeyBuilder, StateType, StorageKey

from ._calls import begin
from ._connection import Connection
from ._errors import ConflictError, corrupt
from ._names import called, natural, typed, wrong
from ._store import MAX_UPDATE_ATTEMPTS

__all__ = ["DefaultKeyBuilder", "RedisStorage"]

Seconds = Union[int, timedelta, None]


class RedisStorage(BaseStorage):
    """A drop-in replacement for ``aiogram.fsm.storage.redis.RedisStorage``: same keys, same values.

    ``connection`` is a URL, or a :class:`kenwell.Connection` that others use too, which ``close`` leaves open. ``state_ttl`` and
    ``data_ttl`` are whole seconds or a timedelta.
    """

    def __init__(
        self,
        connection: Union[str, Connection],
        key_builder: Optional[KeyBuilder] = None,
        state_ttl: Seconds = None,
        data_ttl: Seconds = None,
        json_loads: Callable[..., Any] = json.loads,
        json_dumps: Callable[..., Union[str, bytes]] = json.dumps,
    ) -> None:
        self.key_builder: KeyBuilder = DefaultKeyBuilder() if key_builder is None else typed("key_builder", key_builder, KeyBuilder)
        self._state_ttl = _seconds("state_ttl", state_ttl)
        self._data_ttl = _seconds("data_ttl", data_ttl)
        self._loads = called("json_loads", json_loads)
        self._dumps = called("json_dumps", json_dumps)
        self._owns_connection = not isinstance(connection, Connection)
        self._connection = connection if isinstance(connection, Connection) else Connection(connection)

    @classmethod
    def from_url(cls, url: str, connection_kwargs: Optional[Dict[str, Any]] = None, **kwargs: Any) -> "RedisStorage":
        """A storage with a connection of its own; ``connection_kwargs`` are options of :class:`kenwell.Connection`."""
        storage = cls(Connection(url, **(connection_kwargs or {})), **kwargs)
        storage._owns_connection = True
        return storage

    async def close(self) -> None:
        """Closes the connection if it is the storage's own, when calls that have begun have ended."""
        if self._owns_connection:
            await self._connection.close()

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        """Stores a state; None deletes it."""
        place = self._key(key, "state")
        text = state.state if isinstance(state, State) else state
        if text is None:
            await begin(self._connection._native.remove, [place])
        else:
            await begin(self._connection._native.store, [(place, text.encode(), self._state_ttl)])

    async def get_state(self, key: StorageKey) -> Optional[str]:
        """The stored state, or None."""
        place = self._key(key, "state")
        stored = await self._fetch(place)
        try:
            return None if stored is None else stored.decode()
        except UnicodeDecodeError:
            pass
        # No traceback of the decoder: it would show what is stored.
        raise corrupt(place, "is no text")

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        """Replaces the data; an empty dict deletes it."""
        if not isinstance(data, dict):
            raise DataNotDictLikeError(f"Data must be a dict or dict-like object, got {type(data).__name__}")
        place = self._key(key, "data")
        if data:
            await begin(self._connection._native.store, [self._written(place, data)])
        else:
            await begin(self._connection._native.remove, [place])

    async def get_data(self, key: StorageKey) -> Dict[str, Any]:
        """The stored data, or an empty dict."""
        place = self._key(key, "data")
        return self._read(place, await self._fetch(place))

    async def update_data(self, key: StorageKey, data: Mapping[str, Any]) -> Dict[str, Any]:
        """Puts these items into the data, in one step with reading them, and gives all of it."""
        place = self._key(key, "data")
        for _ in range(MAX_UPDATE_ATTEMPTS):
            stored = await self._fetch(place)
            updated = self._read(place, stored)
            updated.update(data)
            if not updated and stored is None:
                return updated
            written = [self._written(place, updated)]
            if await begin(self._connection._native.store_unchanged, [(place, stored)], written):
                return updated
        raise ConflictError(f"somebody else was faster each of {MAX_UPDATE_ATTEMPTS} times; nothing was updated")

    def _key(self, key: StorageKey, part: Any) -> bytes:
        return self.key_builder.build(key, part).encode()

    async def _fetch(self, key: bytes) -> Optional[bytes]:
        (value,) = await begin(self._connection._native.fetch, [key])
        return cast("Optional[bytes]", value)

    def _written(self, key: bytes, data: Dict[str, Any]) -> Tuple[bytes, bytes, int]:
        text = self._dumps(data)
        return key, text.encode() if isinstance(text, str) else text, self._data_ttl

    def _read(self, key: bytes, stored: Optional[bytes]) -> Dict[str, Any]:
        if stored is None:
            return {}
        try:
            data = self._loads(stored.decode())
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        raise corrupt(key, "is no JSON object")


def _seconds(name: str, given: Seconds) -> int:
    if given is None:
        return 0
    seconds = int(given.total_seconds()) if isinstance(given, timedelta) else natural(name, given)
    if seconds < 1:
        wrong(name, "it must be a second or more; leave it out for ever")
    return seconds
