"""Options and records that cannot work are errors with words that help, and no secret is shown."""

import enum
import math

import pytest

import kenwell
from kenwell import Connection, KenwellError, SettingsError, StateStore, UnknownNameError

URL = "redis://127.0.0.1:1"


@pytest.mark.parametrize(
    "options, words",
    [
        ({"encrytion": {}}, "did you mean 'encryption'?"),
        ({"keyPrefix": "a"}, "did you mean 'key_prefix'?"),
        ({"entries": [{"id": "a", "ttlSeconds": 5}]}, "did you mean 'ttl_seconds'?"),
        ({"entries": [{"id": "a", "usr": True}]}, "did you mean 'user'?"),
        ({"tls": {"keys": "x"}}, "did you mean 'key'?"),
        ({"tls": {"skipVerify": True}}, "did you mean 'skip_verify'?"),
        ({"encryption": {"keys": [], "acceptPlaintext": True}}, "did you mean 'accept_plaintext'?"),
        ({"encryption": {"keys": [{"id": "a", "secrt": "hunter2"}]}}, "did you mean 'secret'?"),
        ({"encryption": {"keys": [], "entries": ["dat"]}}, "did you mean 'data'?"),
        ({"hash_user_ids": {"secrets": "hunter2"}}, "did you mean 'secret'?"),
        ({"profile": {"prfix": "a"}}, "did you mean 'prefix'?"),
        ({"cluster": {"node": []}}, "did you mean 'nodes'?"),
        ({"sentinel": {"name": "mymaster"}}, "'name'"),
        ({"stored_elements": {"sesion": False}}, "did you mean 'session'?"),
        ({"stored_elements": {"history": {"length": 3}}}, "'length'"),
        ({"history_list": {"id": "a", "size": 3, "ttl": 5}}, "did you mean 'ttl_seconds'?"),
        ({"ttl": 5}, "did you mean 'ttl_seconds'?"),
        ({"wholly_unlike": 1}, "there is"),
    ],
)
def test_names_that_do_not_exist_are_type_errors_with_a_suggestion(options, words):
    with pytest.raises(UnknownNameError) as caught:
        StateStore(URL, **options)
    assert isinstance(caught.value, TypeError) and caught.value.code == "KENWELL_SETTINGS"
    assert words in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_connection_knows_its_names_too():
    with pytest.raises(UnknownNameError, match="did you mean 'command_timeout_ms'"):
        Connection(URL, commandTimeoutMs=5)


@pytest.mark.parametrize(
    "url, options, words",
    [
        ("<YOUR-REDIS-URI>", {}, "redis"),
        ("http://hunter2@h", {}, "redis://"),
        ("redis://u:hunter2@h:6379/x", {}, "database"),
        (5, {}, "text"),
        (URL, {"connect_timeout_ms": 0}, "connect_timeout_ms"),
        (URL, {"command_timeout_ms": "5s"}, "command_timeout_ms"),
        (URL, {"command_timeout_ms": True}, "command_timeout_ms"),
        (URL, {"sentinel": {}}, "master"),
        (URL, {"cluster": {"nodes": []}}, "nodes"),
        (URL, {"tls": {"cert": "x"}}, "cert and key"),
        (URL, {"address_map": {"a:1": "b:1"}}, "address_map"),
        (URL, {"entries": "data"}, "entries"),
        (URL, {"entries": []}, "entries"),
        (URL, {"entries": [{"user": True}]}, "id"),
        (URL, {"entries": [{"id": "a"}]}, "holds nothing"),
        (URL, {"entries": [{"id": "a"}, {"id": "a"}]}, "two"),
        (URL, {"entries": [{"id": "a", "ttl_seconds": -1}]}, "ttl_seconds"),
        (URL, {"ttl_seconds": 1.5}, "ttl_seconds"),
        (URL, {"max_entry_bytes": 0}, "max_entry_bytes"),
        (URL, {"max_entry_bytes": 2**64}, "max_entry_bytes"),
        (URL, {"ttl_seconds": 2**64}, "ttl_seconds"),
        (URL, {"ttl_seconds": False}, "ttl_seconds"),
        (URL, {"key_prefix": 0}, "key_prefix"),
        (URL, {"stored_elements": []}, "stored_elements"),
        (URL, {"profile": ""}, "profile"),
        (URL, {"address_map": 0}, "address_map"),
        (URL, {"key_prefix": 5}, "key_prefix"),
        (URL, {"encryption": {"keys": []}}, "encryption"),
        (URL, {"encryption": {"keys": [{"id": "a", "secret": "hunter2"}]}}, "openssl"),
        (URL, {"hash_user_ids": {"secret": "hunter2"}}, "16 bytes"),
        (URL, {"history_list": {"id": "a"}}, "size"),
        (URL, {"history_list": {"id": "a", "size": 0}}, "size"),
        (URL, {"cluster_hash_tag": True, "key_prefix": "{"}, "braces"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(url, options, words):
    with pytest.raises(SettingsError) as caught:
        StateStore(url, **options)
    assert words in str(caught.value) and "hunter2" not in repr(caught.value)
    assert not caught.value.retryable and isinstance(caught.value, ValueError)


def test_a_shared_connection_has_its_own_settings():
    with pytest.raises(SettingsError, match="Connection"):
        StateStore(Connection(URL), tls=True)


@pytest.mark.parametrize(
    "record, words",
    [
        ([], "must be a dict"),
        ({"usr": {}}, "did you mean 'user'?"),
        ({"created_at": "2024-01-01T00:00:00.000Z"}, "did you mean 'createdAt'?"),
        ({"user": {"name": "hunter2"}}, "'name'"),
        ({"user": "hunter2"}, "record['user']"),
        ({"session": {"id": 5}}, "record['session']['id']"),
        ({"history": {"items": {}}}, "record['history']['items']"),
        ({"createdAt": "yesterday"}, "date"),
        ({"createdAt": 5}, "createdAt"),
    ],
)
async def test_what_is_no_record_is_refused_and_nothing_is_sent(redis, store_with, record, words):
    for save in (store_with().save, store_with().save_if_unchanged):
        with pytest.raises(SettingsError) as caught:
            await save("ada", record)
        assert words in str(caught.value) and "hunter2" not in str(caught.value)
    assert redis.ask("DBSIZE") == 0


async def test_an_updated_at_that_is_none_is_refused(store_with):
    with pytest.raises(SettingsError, match="date"):
        await store_with().save_if_unchanged("ada", {"updatedAt": "yesterday"})


async def test_what_has_no_json_is_refused_and_nothing_is_sent(redis, store_with):
    nested = []
    for _ in range(3000):
        nested = [nested]
    for data, error in [(math.nan, ValueError), ({1, 2}, TypeError), ({(1, 2): 3}, TypeError), (nested, (SettingsError, RecursionError))]:
        with pytest.raises(error):
            await store_with().save("ada", {"user": {"data": data}})
    assert redis.ask("DBSIZE") == 0


@pytest.mark.parametrize("user_id, error", [("", SettingsError), (5, SettingsError), (None, SettingsError), ("\ud800", UnicodeEncodeError)])
async def test_a_user_id_is_a_text(store_with, user_id, error):
    store = store_with()
    for call in (store.load, store.has, store.touch, store.delete, store.list):
        with pytest.raises(error):
            await call(user_id)
    with pytest.raises(error):
        await store.save(user_id, {})


async def test_a_user_id_may_be_a_text_of_another_class(redis, store_with):
    class User(str, enum.Enum):
        ADA = "ada"

    await store_with().save(User.ADA, {})
    assert redis.ask("KEYS", "*") == ["data:ada"]


async def test_user_ids_are_a_list_and_no_text(store_with):
    for user_ids in ("ada", 5, ["ada", 5]):
        with pytest.raises(SettingsError, match="user_ids"):
            await store_with().load_many(user_ids)


async def test_a_time_to_live_that_redis_cannot_count_is_a_setting(store_with):
    for ttl_seconds in (2**64, 2**63 - 1, -1):
        for call in (store_with().save("ada", {}, ttl_seconds=ttl_seconds), store_with().touch("ada", ttl_seconds=ttl_seconds)):
            with pytest.raises(SettingsError):
                await call


def test_each_code_has_a_class_and_each_class_a_code():
    kinds = [kind for kind in vars(kenwell).values() if isinstance(kind, type) and issubclass(kind, KenwellError)]
    codes = {kind.code for kind in kinds}
    assert len(codes) == len(kinds) - 1  # UnknownNameError is a SettingsError
    assert issubclass(kenwell.RedisTimeoutError, TimeoutError) and issubclass(kenwell.RedisConnectionError, ConnectionError)
