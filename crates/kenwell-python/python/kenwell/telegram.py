"""Persistence for python-telegram-bot, one Redis key for each user, chat and conversation.

    >>> from kenwell.telegram import RedisPersistence
    >>> application = ApplicationBuilder().token(TOKEN).persistence(RedisPersistence("redis://localhost:6379")).build()

Data is JSON, as with DictPersistence; nothing is pickled, so whoever can write to Redis cannot run code in the bot.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional, Tuple, Union

from telegram.ext import BasePersistence, PersistenceInput

from ._calls import begin
from ._changes import Changes
from ._connection import Connection
from ._errors import corrupt
from ._names import natural, typed
from ._record import text_of
from ._telegram_values import CallbackData, decoded, decoded_callbacks, decoded_state, encoded, encoded_callbacks

__all__ = ["RedisPersistence"]

Data = Dict[Any, Any]
ConversationKey = Tuple[Union[int, str], ...]

_KEYS_A_PAGE = 1000
"""How many values are read in one round trip."""

_ID = re.compile(r"0|-?[1-9][0-9]{0,18}")
"""A user or a chat."""


class RedisPersistence(BasePersistence[Data, Data, Data]):
    """Keeps what a bot remembers in Redis: ``<key_prefix>:user_data:<user id>``, ``chat_data:<chat id>``, ``bot_data``,
    ``callback_data``, and ``conversations:["<name>", ...]`` for each conversation.

    ``connection`` is a URL, or a :class:`kenwell.Connection` that others use too, which ``close`` leaves open. ``ttl_seconds`` is how long
    what is written stays; 0 means for ever. Two bots on one Redis need different prefixes.

    The application hands over each change once, whether it succeeds or not. One that Redis does not take is an error that the
    application logs, and is kept, and written with the next update that Redis takes, or by ``flush`` when the application stops.
    """

    def __init__(
        self,
        connection: Union[str, Connection],
        *,
        key_prefix: str = "telegram",
        ttl_seconds: int = 0,
        store_data: Optional[PersistenceInput] = None,
        update_interval: float = 60,
    ) -> None:
        super().__init__(store_data=store_data, update_interval=update_interval)
        self._prefix: str = typed("key_prefix", key_prefix, str) + ":"
        self._ttl = natural("ttl_seconds", ttl_seconds)
        self._owns_connection = not isinstance(connection, Connection)
        self._connection = connection if isinstance(connection, Connection) else Connection(connection)
        self._changes = Changes(self._write, update_interval)

    async def close(self) -> None:
        """Closes the connection if it is the persistence's own, when calls that have begun have ended: after the application."""
        if self._owns_connection:
            await self._connection.close()

    async def flush(self) -> None:
        """Writes what Redis has not taken yet; raises what it says if it does not take it now either."""
        await self._changes.flush()

    async def get_user_data(self) -> Dict[int, Data]:
        """The data of all users."""
        return await self._all("user_data:")

    async def get_chat_data(self) -> Dict[int, Data]:
        """The data of all chats."""
        return await self._all("chat_data:")

    async def get_bot_data(self) -> Data:
        """The data of the bot."""
        (found,) = await self._read(["bot_data"])
        return {} if found is None else self._data("bot_data", found)

    async def get_callback_data(self) -> Optional[CallbackData]:
        """The metadata of inline keyboards, or None."""
        (found,) = await self._read(["callback_data"])
        if found is None:
            return None
        try:
            return decoded_callbacks(found)
        except (TypeError, ValueError, RecursionError):
            pass
        raise corrupt(self._prefix + "callback_data", "is not the metadata of keyboards")

    async def get_conversations(self, name: str) -> Dict[ConversationKey, object]:
        """The states of all conversations of the handler with this name."""
        found = await self._found(_conversation(name, ())[:-1])
        return {self._conversation_key(place): decoded_state(state) for place, state in found.items()}

    async def update_user_data(self, user_id: int, data: Data) -> None:
        """Stores the data of a user."""
        await self._put(f"user_data:{user_id}", encoded(data))

    async def update_chat_data(self, chat_id: int, data: Data) -> None:
        """Stores the data of a chat."""
        await self._put(f"chat_data:{chat_id}", encoded(data))

    async def update_bot_data(self, data: Data) -> None:
        """Stores the data of the bot."""
        await self._put("bot_data", encoded(data))

    async def update_callback_data(self, data: CallbackData) -> None:
        """Stores the metadata of inline keyboards."""
        await self._put("callback_data", encoded_callbacks(data))

    async def update_conversation(self, name: str, key: ConversationKey, new_state: Optional[object]) -> None:
        """Stores the state of a conversation; None ends it."""
        place = _conversation(name, key)
        if new_state is None:
            await self._changes.make(place, None)
        else:
            await self._put(place, new_state)

    async def drop_user_data(self, user_id: int) -> None:
        """Deletes the data of a user."""
        await self._changes.make(f"user_data:{user_id}", None)

    async def drop_chat_data(self, chat_id: int) -> None:
        """Deletes the data of a chat."""
        await self._changes.make(f"chat_data:{chat_id}", None)

    async def refresh_user_data(self, user_id: int, user_data: Data) -> None:
        """Does nothing: the application's own data is the newest."""

    async def refresh_chat_data(self, chat_id: int, chat_data: Data) -> None:
        """Does nothing: the application's own data is the newest."""

    async def refresh_bot_data(self, bot_data: Data) -> None:
        """Does nothing: the application's own data is the newest."""

    async def _all(self, begins: str) -> Dict[int, Data]:
        """What is stored of each user, or of each chat."""
        found: Dict[int, Data] = {}
        for place, data in (await self._found(begins)).items():
            number = place[len(begins) :]
            if not _ID.fullmatch(number):
                raise corrupt(self._prefix + place, "is of nobody: its key does not end with an id")
            found[int(number)] = self._data(place, data)
        return found

    async def _found(self, begins: str) -> Dict[str, Any]:
        """What is stored at all places that begin so."""
        keys = await begin(self._connection._native.keys_beginning, self._prefix + begins)
        places = [self._place(key) for key in keys]
        found: Dict[str, Any] = {}
        for start in range(0, len(places), _KEYS_A_PAGE):
            page = places[start : start + _KEYS_A_PAGE]
            # What is gone since it was found is not there any more.
            found.update((place, value) for place, value in zip(page, await self._read(page)) if value is not None)
        return found

    def _place(self, key: bytes) -> str:
        try:
            return key.decode()[len(self._prefix) :]
        except UnicodeDecodeError:
            pass
        raise corrupt(key, "has a key that is no UTF-8")

    async def _read(self, places: List[str]) -> List[Any]:
        values = await begin(self._connection._native.fetch, [(self._prefix + place).encode() for place in places])
        return [None if value is None else self._parsed(place, value) for place, value in zip(places, values)]

    def _parsed(self, place: str, value: bytes) -> Any:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
        # No traceback of the decoder: it would show what is stored.
        raise corrupt(self._prefix + place, "is no JSON, or nested too deep")

    def _data(self, place: str, value: Any) -> Data:
        try:
            data = decoded(value)
        except (ValueError, RecursionError):
            data = None
        if isinstance(data, dict):
            return data
        raise corrupt(self._prefix + place, "is no JSON object that was stored here")

    def _conversation_key(self, place: str) -> ConversationKey:
        key: List[Any] = [None]
        try:
            _, *key = json.loads(place[len("conversations:") :])
        except (TypeError, ValueError, RecursionError):
            pass
        if all(isinstance(part, (int, str)) for part in key):
            return tuple(key)
        raise corrupt(self._prefix + place, "is of no conversation: its key does not end with a list of ids")

    async def _put(self, place: str, value: Any) -> None:
        await self._changes.make(place, text_of(value))

    async def _write(self, place: str, text: Optional[str]) -> None:
        key = (self._prefix + place).encode()
        if text is None:
            await begin(self._connection._native.remove, [key])
        else:
            await begin(self._connection._native.store, [(key, text.encode(), self._ttl)])


def _conversation(name: str, key: ConversationKey) -> str:
    return "conversations:" + text_of([name, *key])
