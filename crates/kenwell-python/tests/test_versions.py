"""Which version a record is: saves that notice somebody else's, and updates."""

import asyncio
import copy
import json
import pickle

import pytest

from kenwell import ConflictError, Record, SettingsError, StateStore


async def test_of_two_overlapping_saves_exactly_one_wins(store_with):
    store = store_with(entries=[{"id": "user", "user": True}, {"id": "times", "updated_at": True}])
    await store.save("ada", {"user": {"data": 0}})
    for number in range(1, 201):
        records = await asyncio.gather(store.load("ada"), store.load("ada"))
        for record in records:
            record["user"]["data"] += 1
        saved = await asyncio.gather(*(store.save_if_unchanged("ada", record) for record in records), return_exceptions=True)
        assert sorted(type(one) for one in saved if one is not None) == [ConflictError], number
    assert (await store.load("ada"))["user"]["data"] == 200


@pytest.mark.parametrize(
    "copied",
    [
        copy.copy,
        copy.deepcopy,
        Record.copy,
        dict,
        lambda record: {**record},
        lambda record: json.loads(json.dumps(record)),
        lambda record: pickle.loads(pickle.dumps(record)),
    ],
)
async def test_copies_are_known(store_with, copied):
    store = store_with()
    await store.save("ada", {"user": {"data": {"n": 1}}})
    record = await store.load("ada")
    first, second = copied(record), copied(record)
    first["user"] = {"data": {"n": 2}}
    await store.save_if_unchanged("ada", first)
    second["user"] = {"data": {"n": 3}}
    with pytest.raises(ConflictError):
        await store.save_if_unchanged("ada", second)
    first["user"]["data"]["n"] = 4
    await store.save_if_unchanged("ada", first)
    loaded = await store.load("ada")
    assert loaded["user"]["data"]["n"] == 4 and loaded["createdAt"] == record["createdAt"] and loaded == first


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, Record.copy])
async def test_copies_of_the_module_copy_are_known_without_a_time(store_with, copied):
    store = store_with(entries=[{"id": "user", "user": True}])
    await store.save("ada", {"user": {"data": 1}})
    record = await store.load("ada")
    with pytest.raises(ConflictError):
        await store.save_if_unchanged("ada", dict(record))
    await store.save_if_unchanged("ada", copied(record))


async def test_a_copy_is_known_however_fast_the_saves_are(store_with):
    store = store_with()
    record = Record(user={"data": 0})
    await store.save("ada", record)
    for number in range(200):
        old = json.loads(json.dumps(record))
        await store.save_if_unchanged("ada", record)
        with pytest.raises(ConflictError):
            await store.save_if_unchanged("ada", old)


async def test_a_new_record_needs_that_nothing_is_stored_and_can_go_on(store_with):
    store, record = store_with(), {"user": {"data": 1}}
    await store.save_if_unchanged("ada", record)
    assert record["updatedAt"] == record["createdAt"]
    with pytest.raises(ConflictError):
        await store.save_if_unchanged("ada", {"user": {"data": 2}})
    with pytest.raises(ConflictError):
        await store.save_if_unchanged("ada", Record(user={"data": 2}))
    record["user"]["data"] = 3
    await store.save_if_unchanged("ada", record)
    await store.delete("ada")
    with pytest.raises(ConflictError):
        await store.save_if_unchanged("ada", record)


async def test_a_version_of_another_server_says_nothing(store_with, redis):
    store, other = store_with(), StateStore(f"{redis.url}/1")
    for one in (store, other):
        await one.save("ada", {})
    with pytest.raises(ConflictError):
        await other.save_if_unchanged("ada", await store.load("ada"))
    redis.ask("FLUSHALL")
    await store.save("ada", {})
    await other.save_if_unchanged("ada", await store.load("ada"))


async def test_created_at_stays_and_updated_at_goes_on(store_with):
    store, record = store_with(), Record(user={"data": 1})
    await store.save("ada", record)
    first = dict(record)
    await store.save("ada", record)
    assert record["createdAt"] == first["createdAt"] and record["updatedAt"] > first["updatedAt"]
    plain = {"user": {"data": 1}, "updatedAt": "2020-01-01T00:00:00.000Z"}
    await store.save("bob", plain)
    assert plain["updatedAt"] > "2026" and "createdAt" not in plain


async def test_concurrent_updates_lose_nothing(store_with):
    first, second = store_with(), store_with()

    def count(record):
        record.setdefault("user", {"data": {"n": 0}})["data"]["n"] += 1

    async def count_slowly(record):
        await asyncio.sleep(0)
        return {"user": {"data": {"n": record.get("user", {"data": {"n": 0}})["data"]["n"] + 1}}}

    saved = await asyncio.gather(*(store.update("ada", change) for store in (first, second) for change in (count, count_slowly) for _ in range(20)))
    assert sorted(record["user"]["data"]["n"] for record in saved) == list(range(1, 81))
    assert (await first.load("ada"))["user"]["data"]["n"] == 80


async def test_an_update_that_fails_saves_nothing(store_with):
    store = store_with()
    with pytest.raises(ZeroDivisionError):
        await store.update("ada", lambda record: 1 / 0)
    with pytest.raises(SettingsError, match="must be a dict"):
        await store.update("ada", lambda record: 5)

    async def somebody_else_is_faster(record):
        await store.save("ada", {})

    with pytest.raises(ConflictError, match="each of 3 times"):
        await store.update("ada", somebody_else_is_faster, attempts=3)
    assert await store.load("ada") == await store.load("ada")
    assert 90 < [entry.expires_in for entry in await _listed_after_update(store)][0] <= 100


async def _listed_after_update(store):
    await store.update("bob", lambda record: None, ttl_seconds=100)
    return await store.list("bob")
