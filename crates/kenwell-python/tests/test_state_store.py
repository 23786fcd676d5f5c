"""Loading and saving: what is stored, and what comes back."""

import copy
import json
import re

import pytest

from kenwell import CorruptValueError, Record, RefusedError, SettingsError, StateStore

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def without_times(text):
    """The same JSON with a word for each time."""
    return TIME.sub("TIME", text)


async def test_what_was_saved_is_loaded_and_nothing_stored_is_none(store_with):
    store = store_with()
    assert await store.load("ada") is None and not await store.has("ada")
    data = {"name": "Ada", "text": '€ 𝄞 \ud83d "\n', "n": [1, -0.5, 1e21, True, None, {}], "big": 2**70}
    await store.save("ada", {"user": {"data": data}})
    record = await store.load("ada")
    assert record["user"] == {"data": data} and isinstance(record, dict) and json.loads(json.dumps(record)) == record
    assert record["createdAt"] == record["updatedAt"] and TIME.fullmatch(record["createdAt"])
    assert await store.has("ada") and await store.delete("ada") and not await store.delete("ada")
    assert await store.load("ada") is None


async def test_the_same_bytes_as_javascript(redis, store_with):
    await store_with(key_prefix="app").save("ada", {"user": {"data": {"b": 1e21, "a": 1.0, "7": "ü\x7f"}}, "createdAt": "2024-01-01T00:00:00.000Z"})
    stored = redis.ask("GET", "app:data:ada")
    assert without_times(stored) == '{"user":{"data":{"7":"ü\x7f","b":1e+21,"a":1}},"createdAt":"TIME","updatedAt":"TIME"}'
    assert '"createdAt":"2024-01-01T00:00:00.000Z"' in stored


async def test_whole_numbers_keep_their_digits(redis, store_with):
    data = {"id": 2**53 + 1, "large": -(10**400), "float": 1e16, "zero": -0.0, 7: "first", "7": "last"}
    await store_with().save("ada", {"user": {"data": data}})
    loaded = (await store_with().load("ada"))["user"]["data"]
    assert loaded == {"7": "last", "id": 2**53 + 1, "large": -(10**400), "float": 10**16, "zero": 0}
    assert isinstance(loaded["float"], int) and isinstance(loaded["zero"], int)


@pytest.mark.parametrize("data, fails", [("1" * 100_000, None), ("[]", RecursionError)])
async def test_what_python_cannot_read_is_an_error_of_its_own(redis, store_with, monkeypatch, data, fails):
    """Numbers of more digits, and nesting, of which each Python bears another depth."""
    if fails is not None:
        monkeypatch.setattr(json, "loads", raising(fails))
    store = store_with(history_list={"id": "turns", "size": 2})
    redis.ask("SET", "data:ada", '{"user":{"data":%s}}' % data)
    redis.ask("RPUSH", "turns:ada", data)
    for call in (store.load("ada"), store.load_many(["ada"]), store.history("ada")):
        with pytest.raises(CorruptValueError) as caught:
            await call
        assert caught.value.__context__ is None


def raising(error):
    def fail(*_):
        raise error

    return fail


async def test_parts_that_a_record_does_not_have_are_not_written(redis, store_with):
    await store_with().save("ada", {"user": None, "history": {}})
    assert without_times(redis.ask("GET", "data:ada")) == '{"createdAt":"TIME","updatedAt":"TIME"}'
    for data in (0, "", None, False, [], {}):
        await store_with().save("ada", {"user": {"data": data}})
        assert (await store_with().load("ada"))["user"] == {"data": data}


async def test_sessions_and_histories_come_back(redis, store_with):
    store = store_with()
    given = {"session": {"id": "s", "data": {"a": 1}, "state": [{"path": "x"}]}, "history": {"items": [{"output": 2}, 1]}}
    await store.save("ada", given)
    record = await store.load("ada")
    assert record["history"] == given["history"]
    assert {**record["session"], "createdAt": 0, "updatedAt": 0} == {**given["session"], "createdAt": 0, "updatedAt": 0}
    assert "updatedAt" not in given and "createdAt" not in given["session"]


async def test_entries_have_keys_and_times_to_live_of_their_own(redis, store_with):
    store = store_with(entries=[{"id": "user", "user": True, "ttl_seconds": 0}, {"id": "session", "session": True}], ttl_seconds=100)
    await store.save("ada", {"user": {"data": {}}, "session": {"id": "s"}})
    assert sorted(redis.ask("KEYS", "*")) == ["session:ada", "user:ada"]
    assert redis.ask("TTL", "user:ada") == -1 and 90 < redis.ask("TTL", "session:ada") <= 100
    await store.save("ada", {"user": {"data": 1}}, ttl_seconds=500)
    assert 490 < redis.ask("TTL", "user:ada") <= 500 and 490 < redis.ask("TTL", "session:ada") <= 500
    assert await store.touch("ada") and 90 < redis.ask("TTL", "session:ada") <= 100
    assert await store.touch("ada", ttl_seconds=900) and redis.ask("TTL", "user:ada") > 890
    assert not await store.touch("nobody")


async def test_many_users_come_in_one_round_trip_in_their_order(redis, store_with):
    store = store_with()
    await store.save("b", {"user": {"data": "b"}})
    redis.ask("CONFIG", "RESETSTAT")
    records = await store.load_many(["a", "b", "c"])
    assert [record and record["user"]["data"] for record in records] == [None, "b", None]
    with pytest.raises(SettingsError, match="10001 keys"):
        await store.load_many(["a"] * 10_001)


async def test_what_is_stored_can_be_listed(store_with):
    store = store_with(entries=[{"id": "a", "user": True, "ttl_seconds": 60}, {"id": "b", "session": True}])
    assert await store.list("ada") == []
    await store.save("ada", {"user": {"data": 1}})
    first, second = await store.list("ada")
    assert (first.entry, first.key, first.value) == ("a", b"a:ada", b'{"user":{"data":1}}') and 50 < first.expires_in <= 60
    assert (second.entry, second.value, second.expires_in) == ("b", b"{}", None)


async def test_a_history_list_grows_beside_the_record(redis, store_with):
    store = store_with(history_list={"id": "turns", "size": 2, "fields": ["text"], "ttl_seconds": 50})
    for number in range(3):
        await store.append_history("ada", {"text": number, "other": 1})
    assert await store.history("ada") == [{"text": 2}, {"text": 1}]
    assert redis.ask("LRANGE", "turns:ada", 0, -1) == ['{"text":2}', '{"text":1}'] and redis.ask("TTL", "turns:ada") > 40
    assert await store.delete("ada") and await store.history("ada") == []
    with pytest.raises(SettingsError, match="history_list"):
        await store_with().append_history("ada", 1)


async def test_what_is_no_value_of_the_store_keeps_its_own_time_to_live(redis, store_with):
    store = store_with(ttl_seconds=60, history_list={"id": "turns", "size": 2, "ttl_seconds": 60})
    redis.ask("SET", "turns:ada", "text")
    for call in (store.append_history("ada", 1), store.touch("ada")):
        with pytest.raises(RefusedError, match="WRONGTYPE") as refused:
            await call
        assert refused.value.entry == "turns"
    assert redis.ask("TTL", "turns:ada") == -1 and redis.ask("GET", "turns:ada") == "text"


async def test_the_profile_comes_along_and_is_never_saved(redis, store_with):
    redis.ask("HSET", "user:ada", "plan.name", "pro")
    redis.ask("HSET", "p:user:ada", "plan.name", "free")
    record = await store_with(profile=True).load_or_new("ada")
    assert record.profile == {"plan.name": "pro"} and record == {} and record.is_new
    await store_with().save("ada", record)
    assert "pro" not in redis.ask("GET", "data:ada") and not record.is_new
    assert (await store_with(profile={"prefix": "p"}).load("ada")).profile == {"plan.name": "free"}
    assert (await store_with(profile=True).load_or_new("bob")).profile is None


async def test_encrypted_entries_and_hashed_ids(redis, store_with):
    old, new = {"id": "a", "secret": "ab" * 32}, {"id": "b", "secret": "cd" * 32}
    await store_with(encryption={"keys": [old]}, hash_user_ids={"secret": "sixteen bytes or more"}).save("ada", {"user": {"data": "hunter2"}})
    (key,) = redis.ask("KEYS", "*")
    assert re.fullmatch("data:[0-9a-f]{64}", key) and redis.ask("GET", key).startswith("kw1.a.")
    rotated = store_with(encryption={"keys": [new, old]}, hash_user_ids={"secret": "sixteen bytes or more"})
    record = await rotated.load("ada")
    assert record["user"]["data"] == "hunter2"
    await rotated.save_if_unchanged("ada", record)
    assert redis.ask("GET", key).startswith("kw1.b.")
    entries = [{"id": "open", "session": True}, {"id": "sealed", "user": True}]
    await store_with(entries=entries, encryption={"keys": [old], "entries": ["sealed"]}).save("bob", {"user": {"data": 1}})
    assert redis.ask("GET", "open:bob") == "{}" and redis.ask("GET", "sealed:bob").startswith("kw1.a.")


async def test_stored_elements_say_what_is_kept(redis, store_with):
    store = store_with(stored_elements={"session": {"expires_after_seconds": 0}, "history": {"size": 2, "fields": ["a"]}, "updated_at": False})
    record = Record(session={"id": "s"}, history={"items": [{"a": 1, "b": 2}] * 3})
    await store.save("ada", record)
    assert without_times(redis.ask("GET", "data:ada")).endswith('"history":{"items":[{"a":1},{"a":1}]},"createdAt":"TIME"}')
    stored = redis.ask("GET", "data:ada")
    redis.ask("SET", "data:ada", re.sub(r'("updatedAt":")\d{4}', r"\g<1>2020", stored))
    assert "session" not in await store.load("ada")
    store = store_with(stored_elements={"session": False, "history": False})
    await store.save("ada", copy.copy(record))
    assert without_times(redis.ask("GET", "data:ada")) == '{"createdAt":"TIME","updatedAt":"TIME"}'


async def test_hash_tags_and_refreshing_loads(redis, store_with):
    store = store_with(cluster_hash_tag=True, refresh_on_load=True, ttl_seconds=100, key_prefix="p", key_separator="/")
    await store.save("ada", {})
    redis.ask("EXPIRE", "p/data/{ada}", 5)
    await store.load("ada")
    assert redis.ask("TTL", "p/data/{ada}") > 90


async def test_large_values_and_odd_ids_come_back_as_they_were(store_with):
    store = store_with()
    text = "ä€𝄞\x00\n" * 5_000
    for user in ("a b", "a:b", "\n\x00", "ü€𝄞", "x" * 5000):
        await store.save(user, {"user": {"data": {"user": user, "text": text}}})
        assert (await store.load(user))["user"]["data"] == {"user": user, "text": text}


async def test_what_is_changed_after_the_call_is_no_part_of_it(store_with):
    import asyncio

    store, record = store_with(), {"user": {"data": {"n": 1}}}
    saving = asyncio.ensure_future(store.save("ada", record))
    await asyncio.sleep(0)
    record["user"]["data"]["n"] = 2
    await saving
    assert (await store.load("ada"))["user"]["data"]["n"] == 1


async def test_calls_on_one_key_take_effect_in_their_order(store_with):
    import asyncio

    store = store_with()
    saves = [store.save("ada", {"user": {"data": number}}) for number in range(500)]
    loads = store.load("ada")
    *_, record = await asyncio.gather(*saves, loads)
    assert record["user"]["data"] == 499


async def test_an_async_context_closes(redis):
    async with StateStore(redis.url) as store:
        await store.save("ada", {})
    with pytest.raises(Exception, match="closed"):
        await store.load("ada")
