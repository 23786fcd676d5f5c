"""The facts of aiogram's storages, and that a running bot can switch: same keys, same values."""

import asyncio
import json
from datetime import timedelta

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import DataNotDictLikeError
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import StorageKey
from aiogram.types import Update

from kenwell import Connection, CorruptValueError, SettingsError
from kenwell.aiogram import DefaultKeyBuilder, RedisStorage

KEY = StorageKey(bot_id=1, chat_id=-42, user_id=7)


class Order(StatesGroup):
    """The states of a bot."""

    size = State()
    paid = State()


@pytest.fixture
def storage(redis):
    return RedisStorage.from_url(redis.url)


async def test_states_are_set_read_and_deleted(redis, storage):
    assert await storage.get_state(KEY) is None
    await storage.set_state(KEY, "state")
    assert await storage.get_state(KEY) == "state" and redis.ask("GET", "fsm:-42:7:state") == "state"
    await storage.set_state(KEY, Order.size)
    assert await storage.get_state(KEY) == "Order:size"
    await storage.set_state(KEY, None)
    assert await storage.get_state(KEY) is None and redis.ask("DBSIZE") == 0
    await storage.set_state(KEY, State(None))
    assert await storage.get_state(KEY) is None


async def test_data_is_set_read_and_deleted(redis, storage):
    assert await storage.get_data(KEY) == {}
    await storage.set_data(KEY, {"foo": "bar", "ü": [1, None]})
    assert await storage.get_data(KEY) == {"foo": "bar", "ü": [1, None]}
    assert redis.ask("GET", "fsm:-42:7:data") == json.dumps({"foo": "bar", "ü": [1, None]})
    await storage.set_data(KEY, {})
    assert await storage.get_data(KEY) == {} and redis.ask("DBSIZE") == 0
    for data in ((), [], "text"):
        with pytest.raises(DataNotDictLikeError):
            await storage.set_data(KEY, data)


async def test_single_values_are_read(storage):
    await storage.set_data(KEY, {"foo": "bar"})
    assert await storage.get_value(KEY, "foo") == "bar"
    assert await storage.get_value(KEY, "other") is None and await storage.get_value(KEY, "other", 5) == 5


async def test_data_is_updated_and_given(redis, storage):
    assert await storage.update_data(KEY, {}) == {} and redis.ask("DBSIZE") == 0
    given = await storage.update_data(KEY, {"foo": 1})
    given["foo"] = 9
    assert await storage.update_data(KEY, {"bar": 2}) == {"foo": 1, "bar": 2}
    assert await storage.get_data(KEY) == {"foo": 1, "bar": 2}


async def test_overlapping_updates_lose_nothing(redis, storage):
    other = RedisStorage.from_url(redis.url)
    await asyncio.gather(*(one.update_data(KEY, {str(number): number}) for number in range(0, 40, 2) for one in (storage,)), *(other.update_data(KEY, {str(number): number}) for number in range(1, 40, 2)))
    assert await storage.get_data(KEY) == {str(number): number for number in range(40)}


async def test_keys_are_those_of_aiogram(redis):
    builder = DefaultKeyBuilder(prefix="p", separator="/", with_bot_id=True, with_business_connection_id=True, with_destiny=True)
    storage = RedisStorage.from_url(redis.url, key_builder=builder)
    await storage.set_state(StorageKey(bot_id=1, chat_id=2, user_id=3, thread_id=4, business_connection_id="b", destiny="d"), "s")
    assert redis.ask("KEYS", "*") == ["p/1/b/2/4/3/d/state"]
    with pytest.raises(ValueError, match="destiny"):
        await RedisStorage.from_url(redis.url).get_state(StorageKey(bot_id=1, chat_id=2, user_id=3, destiny="d"))


async def test_what_aiograms_own_storage_has_stored_is_read(redis, storage):
    """What it sends is SET with the state's text and with json.dumps of the data."""
    redis.ask("SET", "fsm:-42:7:state", "Order:paid")
    redis.ask("SET", "fsm:-42:7:data", json.dumps({"name": "Ада", "n": 1}))
    assert await storage.get_state(KEY) == "Order:paid"
    assert await storage.update_data(KEY, {"n": 2}) == {"name": "Ада", "n": 2}
    assert redis.ask("GET", "fsm:-42:7:data") == json.dumps({"name": "Ада", "n": 2})


async def test_times_to_live_begin_with_each_write(redis):
    storage = RedisStorage.from_url(redis.url, state_ttl=100, data_ttl=timedelta(minutes=10))
    await storage.set_state(KEY, "s")
    await storage.set_data(KEY, {"a": 1})
    assert 90 < redis.ask("TTL", "fsm:-42:7:state") <= 100 and 590 < redis.ask("TTL", "fsm:-42:7:data") <= 600
    redis.ask("EXPIRE", "fsm:-42:7:data", 5)
    await storage.update_data(KEY, {"b": 1})
    assert redis.ask("TTL", "fsm:-42:7:data") > 590
    for wrong in ({"state_ttl": 0}, {"data_ttl": 1.5}, {"data_ttl": timedelta(milliseconds=5)}):
        with pytest.raises(SettingsError, match="ttl"):
            RedisStorage.from_url(redis.url, **wrong)


async def test_other_json_can_be_used(redis):
    storage = RedisStorage.from_url(redis.url, json_dumps=lambda data: "x" + json.dumps(data), json_loads=lambda text: json.loads(text[1:]))
    await storage.set_data(KEY, {"a": 1})
    assert redis.ask("GET", "fsm:-42:7:data") == 'x{"a": 1}' and await storage.get_data(KEY) == {"a": 1}


async def test_json_of_another_library_may_be_bytes(redis):
    storage = RedisStorage.from_url(redis.url, json_dumps=lambda data: json.dumps(data).encode())
    await storage.set_data(KEY, {"a": 1})
    assert await storage.update_data(KEY, {"b": 2}) == {"a": 1, "b": 2}
    assert redis.ask("GET", "fsm:-42:7:data") == '{"a": 1, "b": 2}'


@pytest.mark.parametrize("stored", ['{"hunter2', "[1]", b"\xff"])
async def test_what_is_no_data_is_an_error_that_tells_no_value_and_is_not_overwritten(redis, storage, stored):
    redis.ask("SET", "fsm:-42:7:data", stored)
    for call in (storage.get_data(KEY), storage.update_data(KEY, {"a": 1})):
        with pytest.raises(CorruptValueError, match="fsm:-42:7:data") as caught:
            await call
        assert "hunter2" not in repr(caught.value) and caught.value.__cause__ is None and caught.value.__context__ is None
    assert redis.ask("STRLEN", "fsm:-42:7:data") == len(stored)


async def test_a_state_that_is_no_text_is_an_error_that_tells_no_value(redis, storage):
    redis.ask("SET", "fsm:-42:7:state", b"hunter2\xff")
    with pytest.raises(CorruptValueError, match="fsm:-42:7:state") as caught:
        await storage.get_state(KEY)
    assert caught.value.__context__ is None and caught.value.key == "fsm:-42:7:state"


async def test_keys_are_shown_on_one_line_and_not_for_ever(redis):
    storage = RedisStorage.from_url(redis.url, key_builder=DefaultKeyBuilder(prefix="a\n\x1bä" + 300 * "x"))
    redis.ask("SET", storage.key_builder.build(KEY, "data"), "[]")
    with pytest.raises(CorruptValueError) as caught:
        await storage.get_data(KEY)
    assert caught.value.key == "a\\n\\x1bä" + 196 * "x" + "…" and caught.value.key in str(caught.value)


async def test_a_shared_connection_stays_open(redis):
    async with Connection(redis.url) as connection:
        await RedisStorage(connection).close()
        await RedisStorage(connection).set_state(KEY, "s")
    own = RedisStorage.from_url(redis.url, connection_kwargs={"command_timeout_ms": 1000})
    await own.close()
    with pytest.raises(Exception, match="closed"):
        await own.get_state(KEY)


async def test_a_dispatcher_runs_on_it(redis, storage):
    dispatcher, bot = Dispatcher(storage=storage), Bot("1:token")

    @dispatcher.message(Order.size)
    async def size(message, state: FSMContext):
        await state.update_data(size=message.text)
        await state.set_state(Order.paid)

    @dispatcher.message()
    async def start(message, state: FSMContext):
        await state.set_state(Order.size)

    for number, text in enumerate(("/start", "large")):
        message = {"message_id": number, "date": 1, "chat": {"id": 5, "type": "private"}, "from": {"id": 5, "is_bot": False, "first_name": "Ada"}, "text": text}
        await dispatcher.feed_update(bot, Update.model_validate({"update_id": number, "message": message}))
    assert redis.ask("GET", "fsm:5:5:state") == "Order:paid" and redis.ask("GET", "fsm:5:5:data") == '{"size": "large"}'
    await dispatcher.storage.close()
    await bot.session.close()


@pytest.mark.parametrize("name, given", [("key_builder", "fsm"), ("json_loads", 5), ("json_dumps", "json")])
def test_what_is_of_another_kind_is_refused_when_the_storage_is_made(name, given):
    with pytest.raises(SettingsError, match=name):
        RedisStorage("redis://127.0.0.1:1", **{name: given})
