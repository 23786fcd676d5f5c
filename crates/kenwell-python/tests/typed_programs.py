"""What programs write must be accepted by type checkers, and what they misspell must not: mypy reads this, nobody runs it."""

from typing import Any, Dict, List, Optional

from aiogram import Dispatcher
from telegram.ext import ApplicationBuilder

from kenwell import Connection, ConflictError, KenwellError, Record, StateStore, StoredEntry, profile
from kenwell.aiogram import RedisStorage
from kenwell.telegram import RedisPersistence


async def accepted() -> None:
    """All calls."""
    connection = Connection("redis://localhost", tls={"ca": "/ca.pem"}, command_timeout_ms=500)
    async with StateStore(
        connection,
        key_prefix="bot",
        entries=[{"id": "user", "user": True}, {"id": "session", "session": True, "ttl_seconds": 900}],
        stored_elements={"session": {"expires_after_seconds": 60}, "history": False},
        encryption={"keys": [{"id": "2026", "secret": ""}], "entries": ["user"]},
        hash_user_ids={"secret": ""},
        history_list={"id": "turns", "size": 5},
        profile={"prefix": "p"},
    ) as store:
        record: Optional[Record] = await store.load("ada")
        records: List[Optional[Record]] = await store.load_many(["ada"])
        new: Record = await store.load_or_new("ada")
        await store.save("ada", new, ttl_seconds=5)
        await store.save("ada", {"user": {"data": {}}})
        saved: Record = await store.update("ada", change)
        saved = await store.update("ada", change_slowly, attempts=3)
        saved = await store.update("ada", lambda record: {"user": {"data": 1}})
        entries: List[StoredEntry] = await store.list("ada")
        found: bool = await store.touch("ada") and await store.has("ada") and await store.delete("ada")
        traits: Optional[Dict[str, str]] = await profile(connection, "ada")
        print(record, records, saved, entries, found, traits, new.is_new, new.profile)
    StateStore("redis://localhost", sentinel={"master": "mymaster"}, cluster=False)
    Dispatcher(storage=RedisStorage.from_url("redis://localhost"))
    RedisStorage(connection, json_dumps=json_bytes)
    ApplicationBuilder().token("t").persistence(RedisPersistence(connection)).build()


def json_bytes(data: object) -> bytes:
    """As orjson has it."""
    return repr(data).encode()


def change(record: Record) -> None:
    """Changes it."""
    record["user"] = {"data": 1}


async def change_slowly(record: Record) -> Dict[str, Any]:
    """Gives another one."""
    return {"user": {"data": len(record)}}


def codes(error: KenwellError) -> "tuple[str, Optional[str], bool]":
    """What programs match on."""
    return error.code if isinstance(error, ConflictError) else "", error.redis_code, error.retryable


async def refused(store: StateStore) -> None:
    """Each line is a mistake that a type checker finds."""
    StateStore("redis://localhost", encrytion={"keys": []})  # type: ignore[arg-type]
    StateStore("redis://localhost", entries=[{"id": "a", "usr": True}])  # type: ignore[typeddict-unknown-key]
    StateStore("redis://localhost", entries=[{"user": True}])  # type: ignore[typeddict-item]
    StateStore("redis://localhost", ttl_seconds="5")  # type: ignore[arg-type]
    await store.load(5)  # type: ignore[arg-type]
    await store.save("ada", [])  # type: ignore[arg-type]
