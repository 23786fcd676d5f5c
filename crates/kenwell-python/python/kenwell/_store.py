"""The state store: what a program remembers about a user between two requests."""

from __future__ import annotations

import inspect
from typing import Any, Awaitable, Callable, Dict, List, Mapping, NamedTuple, NoReturn, Optional, Sequence, Union

from . import _native
from ._calls import begin, end, opened
from ._closing import CLOSE_TIMEOUT_MS, ClosedAtTheEnd
from ._connection import CONNECTION_OPTIONS, Connection, named
from ._errors import ConflictError, error_of
from ._names import natural, refuse_unknown, texts, wrong
from ._option_types import (
    Cluster,
    Encryption,
    Entry,
    HashUserIds,
    HistoryList,
    ProfilePlace,
    Sentinel,
    StoredElements,
    Tls,
)
from ._options import store_json
from ._record import Record, document_of, record_of, text_of, value_of, version_of

MAX_UPDATE_ATTEMPTS = 100
"""How often ``update`` loads, changes and saves, unless something else is said."""

_OPTIONS = (
    "key_prefix",
    "key_separator",
    "entries",
    "ttl_seconds",
    "stored_elements",
    "history_list",
    "encryption",
    "hash_user_ids",
    "cluster_hash_tag",
    "refresh_on_load",
    "max_entry_bytes",
    "profile",
)


class StoredEntry(NamedTuple):
    """An entry as it lies in Redis."""

    entry: str
    """Its id."""
    key: bytes
    value: Optional[bytes]
    """What is stored, encrypted where entries are; None when it is no string."""
    expires_in: Optional[float]
    """The seconds that Redis will keep it; None for ever."""


Change = Callable[[Record], Union[None, Dict[str, Any], Awaitable[Optional[Dict[str, Any]]]]]
"""What ``update`` takes: it changes the record, or gives another one."""


class StateStore(ClosedAtTheEnd):
    """Loads and saves the records of users, byte for byte as Kenwell's stores for Rust and Node do.

    ``connection`` is a URL, or a :class:`Connection` that other stores use too. With a URL the store has a connection of its own, which
    takes ``tls``, ``cluster``, ``sentinel``, ``address_map``, ``connect_timeout_ms`` and ``command_timeout_ms``, and is closed with it.

    A store may be used from several event loops and threads. Nothing is sent before the first call. Cancelling a task that
    waits for a call ends the wait and not the call: whether a write took effect is not known then.
    """

    def __init__(
        self,
        connection: Union[str, Connection],
        *,
        key_prefix: str = "",
        key_separator: str = ":",
        entries: Optional[Sequence[Entry]] = None,
        ttl_seconds: int = 0,
        stored_elements: Optional[StoredElements] = None,
        history_list: Optional[HistoryList] = None,
        encryption: Optional[Encryption] = None,
        hash_user_ids: Optional[HashUserIds] = None,
        cluster_hash_tag: bool = False,
        refresh_on_load: bool = False,
        max_entry_bytes: Optional[int] = None,
        profile: Union[bool, ProfilePlace, None] = None,
        tls: Union[bool, Tls, None] = None,
        cluster: Union[bool, Cluster, None] = None,
        sentinel: Optional[Sentinel] = None,
        address_map: Optional[Mapping[str, str]] = None,
        connect_timeout_ms: Optional[int] = None,
        command_timeout_ms: Optional[int] = None,
        **unknown: NoReturn,
    ) -> None:
        given = dict(locals())
        refuse_unknown("StateStore", unknown, (*_OPTIONS, *CONNECTION_OPTIONS))
        reaching = {name: given[name] for name in CONNECTION_OPTIONS if given[name] is not None}
        self._owns_connection = not isinstance(connection, Connection)
        if isinstance(connection, Connection):
            if reaching:
                wrong(next(iter(reaching)), "it belongs to the Connection")
            self._connection = connection
        else:
            self._connection = Connection(connection, **reaching)
        options = store_json({name: given[name] for name in _OPTIONS})
        self._native: _native.Store = opened(_native.Store.open(self._connection._native, options))

    async def load(self, user_id: str) -> Optional[Record]:
        """The user's record, all entries in one round trip; None when nothing is stored."""
        record = await self.load_or_new(user_id)
        return None if record.is_new else record

    async def load_or_new(self, user_id: str) -> Record:
        """The same, but an empty record instead of None: ``is_new`` tells. It has the user's profile."""
        return record_of(await begin(self._native.load, named(user_id)))

    async def load_many(self, user_ids: Sequence[str]) -> List[Optional[Record]]:
        """The records of several users in one round trip, in the order of their ids; at most 10,000 keys in all.

        Raises for the first record that cannot be read.
        """
        loaded = await begin(self._native.load_many, texts("user_ids", user_ids))
        for one in loaded:
            if isinstance(one, _native.Failure):
                raise error_of(one)
        return [None if one is None else record_of(one) for one in loaded]

    async def save(self, user_id: str, record: Dict[str, Any], *, ttl_seconds: Optional[int] = None) -> None:
        """Replaces what is stored, all entries in one transaction, each with its time to live.

        What is changed in ``record`` after the call is no part of it. ``ttl_seconds`` is for all entries and this save only; 0
        means for ever. ``createdAt`` is stored as ``record`` has it, or as now; ``updatedAt`` becomes now, also in a ``record`` that has one.
        """
        given = (document_of(record), self._ttl(ttl_seconds))
        saved = await begin(self._native.save, named(user_id), version_of(record), given)
        _note(record, saved)

    async def save_if_unchanged(self, user_id: str, record: Dict[str, Any], *, ttl_seconds: Optional[int] = None) -> None:
        """Saves unless somebody else has saved since ``record`` was loaded or saved: raises ConflictError then.

        A dict that is no :class:`Record`, such as JSON that has been to a browser and back, is known by its ``updatedAt``, which
        takes one round trip more; without one it is new, and saved if nothing is stored. Sets ``createdAt`` and ``updatedAt``.
        """
        given = (document_of(record), self._ttl(ttl_seconds), record.get("updatedAt"))
        saved = await begin(self._native.save_if_unchanged, named(user_id), version_of(record), given)
        for name, time in zip(("createdAt", "updatedAt"), saved[1:]):
            if time is not None:
                record[name] = time
        _note(record, saved)

    async def update(
        self, user_id: str, change: Change, *, ttl_seconds: Optional[int] = None, attempts: int = MAX_UPDATE_ATTEMPTS
    ) -> Record:
        """Loads the record, or an empty one, lets ``change`` change it, and saves it if nobody else has saved meanwhile.

        Otherwise it begins again with what is stored then, so ``change`` may be called several times. It may be a coroutine function,
        and may return a dict, which is saved instead. What it raises comes as it is, and nothing is saved. Gives the record
        that was saved. Raises ConflictError when somebody else was faster each time, and UncertainError when the connection
        broke during the save: the change is not made again then, load to see.
        """
        for _ in range(natural("attempts", attempts, least=1)):
            record = await self.load_or_new(user_id)
            given = change(record)
            if inspect.isawaitable(given):
                given = await given
            if given is not None and given is not record:
                document_of(given)
                record.clear()
                record.update(given)
            try:
                await self.save_if_unchanged(user_id, record, ttl_seconds=ttl_seconds)
            except ConflictError:
                continue
            return record
        raise ConflictError(f"somebody else was faster each of {attempts} times; nothing was saved")

    async def touch(self, user_id: str, *, ttl_seconds: Optional[int] = None) -> bool:
        """Lets times to live begin anew without writing, and says whether anything is stored."""
        return bool(await begin(self._native.touch, named(user_id), self._ttl(ttl_seconds)))

    async def has(self, user_id: str) -> bool:
        """Whether anything is stored; reads nothing of it."""
        return bool(await begin(self._native.has, named(user_id)))

    async def delete(self, user_id: str) -> bool:
        """Deletes all entries, the history list included, and says whether there were any."""
        return bool(await begin(self._native.delete, named(user_id)))

    async def append_history(self, user_id: str, item: Any) -> None:
        """Puts the newest turn into the user's history list, at the same cost however long it is. Needs ``history_list``."""
        await begin(self._native.append_history, named(user_id), text_of(item))

    async def history(self, user_id: str) -> List[Any]:
        """The turns of the user's history list, newest first. Needs ``history_list``."""
        return [value_of(turn) for turn in await begin(self._native.history, named(user_id))]

    async def list(self, user_id: str) -> "List[StoredEntry]":
        """The entries of a user that exist, as they lie in Redis: for people and tools."""
        return [StoredEntry(*entry) for entry in await begin(self._native.list, named(user_id))]

    async def close(self, timeout_ms: int = CLOSE_TIMEOUT_MS) -> None:
        """Lets no more calls begin, and waits for those that have. A connection of the store's own is closed.

        An ``update`` that has not come to its save ends with ClosedError. Raises RedisTimeoutError when calls took longer.
        """
        if self._owns_connection:
            await self._connection.close(timeout_ms)
        else:
            await end(self._native.finish, natural("timeout_ms", timeout_ms))

    @staticmethod
    def _ttl(ttl_seconds: Optional[int]) -> Optional[int]:
        return None if ttl_seconds is None else natural("ttl_seconds", ttl_seconds)


def _note(record: Dict[str, Any], saved: "tuple[_native.Version, Optional[str], Optional[str]]") -> None:
    """Tells a record what is stored now."""
    version, created_at, updated_at = saved
    if isinstance(record, Record):
        record._version = version
        if created_at is not None:
            record["createdAt"] = created_at
    # A version that is out of date would make copies conflict.
    if updated_at is not None and (isinstance(record, Record) or record.get("updatedAt")):
        record["updatedAt"] = updated_at
