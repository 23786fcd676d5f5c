"""The facts of python-telegram-bot's persistences, and a bot that goes on where it was."""

import enum

import pytest
from telegram import Chat, Message, MessageEntity, Update, User
from telegram.ext import ApplicationBuilder, CommandHandler, ConversationHandler, ExtBot, MessageHandler, PersistenceInput, filters

from kenwell import Connection, CorruptValueError, RefusedError, SettingsError
from kenwell.telegram import RedisPersistence


@pytest.fixture
def persistence(redis):
    return RedisPersistence(redis.url)


async def test_nothing_stored_is_empty(persistence):
    assert (await persistence.get_user_data(), await persistence.get_chat_data(), await persistence.get_bot_data()) == ({}, {}, {})
    assert await persistence.get_callback_data() is None and await persistence.get_conversations("name") == {}


async def test_data_is_kept_for_each_user_and_chat_and_for_the_bot(redis, persistence):
    data = {"text": "ü", 5: [1, {"-7": "text", -7: "number"}], "5": "five", "\\5": None, "": {}}
    await persistence.update_user_data(1, data)
    await persistence.update_user_data(2, {})
    await persistence.update_chat_data(-100, data)
    await persistence.update_bot_data(data)
    other = RedisPersistence(redis.url)
    assert await other.get_user_data() == {1: data, 2: {}}
    assert await other.get_chat_data() == {-100: data} and await other.get_bot_data() == data
    assert redis.ask("GET", "telegram:user_data:2") == "{}"
    await other.drop_user_data(1)
    await other.drop_chat_data(-100)
    await other.drop_chat_data(-100)
    assert await persistence.get_user_data() == {2: {}} and await persistence.get_chat_data() == {}


async def test_enums_as_keys_are_what_they_stand_for(persistence):
    class Number(enum.IntEnum):
        FIVE = 5

    class Digit(str, enum.Enum):
        FIVE = "5"
        WORD = "five"

    await persistence.update_bot_data({Number.FIVE: 1, Digit.FIVE: 2, Digit.WORD: Number.FIVE})
    assert await persistence.get_bot_data() == {5: 1, "5": 2, "five": 5}


async def test_conversations_are_kept_by_name_and_key(persistence):
    for name, key, state in [("a", (1, 2), ("asked", (1,))), ("a", (1, "x"), "state"), ('a","b', (1,), 2), ("a*", (1,), 3)]:
        await persistence.update_conversation(name, key, state)
    assert await persistence.get_conversations("a") == {(1, 2): ("asked", (1,)), (1, "x"): "state"}
    assert await persistence.get_conversations('a","b') == {(1,): 2} and await persistence.get_conversations("a*") == {(1,): 3}
    await persistence.update_conversation("a", (1, 2), None)
    await persistence.update_conversation("a", (1, 2), None)
    assert await persistence.get_conversations("a") == {(1, "x"): "state"}


async def test_callback_data_comes_back_in_its_form(persistence):
    data = ([("keyboard", 1.5, {"button": "5", "other": {1: [2], "1": None}})], {"123": "keyboard"})
    await persistence.update_callback_data(data)
    found = await persistence.get_callback_data()
    assert found == data and isinstance(found, tuple) and isinstance(found[0][0], tuple)


async def test_many_users_are_loaded(persistence):
    import asyncio

    await asyncio.gather(*(persistence.update_user_data(number, {"n": number}) for number in range(1500)))
    assert await persistence.get_user_data() == {number: {"n": number} for number in range(1500)}


async def test_prefixes_and_times_to_live(redis, persistence):
    other = RedisPersistence(redis.url, key_prefix="tele[gram]", ttl_seconds=100)
    await other.update_user_data(1, {"a": 1})
    await persistence.update_user_data(1, {"b": 1})
    assert await other.get_user_data() == {1: {"a": 1}} and await persistence.get_user_data() == {1: {"b": 1}}
    assert 90 < redis.ask("TTL", "tele[gram]:user_data:1") <= 100 and redis.ask("TTL", "telegram:user_data:1") == -1


async def test_what_has_no_json_is_refused_and_what_is_none_is_an_error_that_tells_no_value(redis, persistence):
    await persistence.update_user_data(1, {"a": 1})
    deep = []
    for _ in range(200):
        deep = [deep]
    for data in ({"a": {1, 2}}, {(1, 2): 3}, {True: 1}, {"a": object()}, {"a": float("nan")}, {"a": deep}):
        with pytest.raises((TypeError, ValueError)):
            await persistence.update_user_data(1, data)
    assert await persistence.get_user_data() == {1: {"a": 1}}
    redis.ask("SET", "telegram:bot_data", '{"hunter2')
    with pytest.raises(CorruptValueError, match="telegram:bot_data") as caught:
        await persistence.get_bot_data()
    assert "hunter2" not in repr(caught.value) and caught.value.__context__ is None


@pytest.mark.parametrize(
    "key, stored, read",
    [
        ("user_data:7", "[1]", "get_user_data"),
        ("user_data:seven", "{}", "get_user_data"),
        ("user_data:7_0", "{}", "get_user_data"),
        ("chat_data:-7", "[" * 100_000, "get_chat_data"),
        ("chat_data:-7", '{"a":' + "[" * 3000 + "]" * 3000 + "}", "get_chat_data"),
        ("bot_data", "0", "get_bot_data"),
        ("callback_data", "[[], 5]", "get_callback_data"),
        ("callback_data", '[[["a", "b", {}]], {}]', "get_callback_data"),
        ('conversations:["order",[7]]', "1", "get_conversations"),
        ('conversations:["order",7', "1", "get_conversations"),
        (b'conversations:["order",\xff]', "1", "get_conversations"),
    ],
)
async def test_what_is_not_of_this_bot_is_an_error_that_names_the_key(redis, persistence, key, stored, read):
    key = b"telegram:" + (key if isinstance(key, bytes) else key.encode())
    redis.ask("SET", key, stored)
    with pytest.raises(CorruptValueError) as caught:
        await getattr(persistence, read)(*(["order"] if read == "get_conversations" else []))
    assert caught.value.key == key.decode(errors="replace") and caught.value.__context__ is None


async def test_what_is_stored_can_be_chosen(redis):
    with pytest.raises(SettingsError, match="key_prefix"):
        RedisPersistence(redis.url, key_prefix=5)
    persistence = RedisPersistence(redis.url, store_data=PersistenceInput(chat_data=False), update_interval=5)
    assert persistence.update_interval == 5 and not persistence.store_data.chat_data and persistence.store_data.user_data


async def test_a_shared_connection_stays_open(redis):
    async with Connection(redis.url) as connection:
        await RedisPersistence(connection).close()
        await RedisPersistence(connection).update_bot_data({})
    own = RedisPersistence(redis.url)
    await own.update_bot_data({})
    await own.flush()
    await own.close()
    with pytest.raises(Exception, match="closed"):
        await own.get_bot_data()


class OfflineBot(ExtBot):
    """A bot without a network."""

    async def initialize(self):
        self._bot_user = User(1, "bot", True, username="bot")
        self._initialized = True

    async def shutdown(self):
        pass


def application_on(redis):
    """A bot with a conversation that remembers."""
    application = ApplicationBuilder().bot(OfflineBot("1:token")).persistence(RedisPersistence(redis.url)).updater(None).job_queue(None).build()

    async def start(update, context):
        context.user_data["visits"] = context.user_data.get("visits", 0) + 1
        context.bot_data[update.effective_user.id] = "known"
        return "asked"

    async def answer(update, context):
        context.chat_data["answer"] = update.message.text
        return ConversationHandler.END

    states = {"asked": [MessageHandler(filters.TEXT & ~filters.COMMAND, answer)]}
    conversation = ConversationHandler([CommandHandler("start", start)], states, [], name="order", persistent=True)
    application.add_handler(conversation)
    return application


async def say(application, number, text):
    """One message of a user."""
    user, chat = User(7, "Ada", False), Chat(7, Chat.PRIVATE)
    entities = [MessageEntity(MessageEntity.BOT_COMMAND, 0, len(text))] if text.startswith("/") else None
    message = Message(number, None, chat, from_user=user, text=text, entities=entities)
    message.set_bot(application.bot)
    await application.process_update(Update(number, message=message))


async def test_a_bot_goes_on_where_it_was(redis):
    for number, text in enumerate(("/start", "large", "/start"), start=1):
        application = application_on(redis)
        await application.initialize()
        await application.start()
        await say(application, number, text)
        await application.stop()
        await application.shutdown()
        await application.persistence.close()
    assert sorted(redis.ask("KEYS", "*")) == ["telegram:bot_data", "telegram:chat_data:7", 'telegram:conversations:["order",7,7]', "telegram:user_data:7"]
    assert redis.ask("GET", "telegram:user_data:7") == '{"visits":2}' and redis.ask("GET", "telegram:chat_data:7") == '{"answer":"large"}'
    assert redis.ask("GET", "telegram:bot_data") == '{"7":"known"}'


async def test_a_change_that_redis_did_not_take_is_not_lost(redis_of_its_own):
    redis = redis_of_its_own()
    application, told = application_on(redis), []

    async def tell(update, context):
        told.append(context.error)

    application.add_error_handler(tell)
    await application.initialize()
    await application.start()
    await say(application, 1, "/start")
    redis.ask("CONFIG", "SET", "maxmemory", "1")
    await application.update_persistence()
    assert {type(error) for error in told} == {RefusedError} and redis.ask("DBSIZE") == 0
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    await application.stop()
    await application.shutdown()
    await application.persistence.close()
    assert redis.ask("GET", "telegram:user_data:7") == '{"visits":1}' and redis.ask("DBSIZE") == 4
