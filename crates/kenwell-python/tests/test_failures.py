"""What Redis says, and a Redis that says nothing: an exception of its own for each code."""

import asyncio
import socket

import pytest

import kenwell
from kenwell import Connection, StateStore


async def test_refusals_name_entry_and_key_and_keep_redis_own_code(redis, store_with):
    redis.ask("RPUSH", "data:ada", "hunter2")
    with pytest.raises(kenwell.RefusedError) as caught:
        await store_with().load("ada")
    error = caught.value
    assert (error.code, error.redis_code, error.entry, error.key, error.retryable) == ("KENWELL_REFUSED", "WRONGTYPE", "data", "data:ada", False)
    assert "hunter2" not in str(error)


async def test_the_real_reason_of_a_refused_save_is_told(redis_of_its_own):
    redis = redis_of_its_own("--maxmemory", "1")
    store = StateStore(redis.url, entries=[{"id": "a", "user": True}, {"id": "b", "user": True}])
    with pytest.raises(kenwell.RefusedError) as caught:
        await store.save("ada", {})
    assert (caught.value.redis_code, caught.value.entry, caught.value.key) == ("OOM", "a", "a:ada") and caught.value.retryable


@pytest.mark.parametrize("stored", ['{"hunter2', "[]", "5", '{"user":5}', "kw1.a.hunter2"])
async def test_what_cannot_be_decoded_is_an_error_that_tells_no_value(redis, store_with, stored):
    redis.ask("SET", "data:ada", stored)
    for load in (store_with().load("ada"), store_with().load_many(["bob", "ada"])):
        with pytest.raises(kenwell.CorruptValueError) as caught:
            await load
        assert (caught.value.code, caught.value.entry, caught.value.key) == ("KENWELL_CORRUPT_VALUE", "data", "data:ada")
        assert "hunter2" not in str(caught.value)
    with pytest.raises(kenwell.CorruptValueError):
        await store_with().update("ada", lambda record: None)
    assert redis.ask("GET", "data:ada") == stored


async def test_values_of_other_keys_and_plaintext_are_not_decrypted(redis, store_with):
    store = store_with(encryption={"keys": [{"id": "a", "secret": "ab" * 32}]})
    await store.save("ada", {"user": {"data": 1}})
    redis.ask("SET", "data:bob", redis.ask("GET", "data:ada"))
    redis.ask("SET", "data:eve", "{}")
    for user in ("bob", "eve"):
        with pytest.raises(kenwell.CorruptValueError, match=f"data:{user}"):
            await store.load(user)


async def test_too_large_entries_are_not_sent(redis, store_with):
    with pytest.raises(kenwell.TooLargeError) as caught:
        await store_with(max_entry_bytes=100).save("ada", {"user": {"data": "x" * 100}})
    assert caught.value.entry == "data" and redis.ask("DBSIZE") == 0


async def test_a_redis_that_is_not_there(redis):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = StateStore(f"redis://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(kenwell.RedisConnectionError) as caught:
            await store.load("ada")
    assert caught.value.code == "KENWELL_CONNECTION" and caught.value.retryable and isinstance(caught.value, ConnectionError)


async def test_a_login_that_is_refused_tells_no_password(redis_of_its_own):
    redis = redis_of_its_own("--requirepass", "secret")
    with pytest.raises(kenwell.RefusedError) as caught:
        await StateStore(f"redis://:hunter2@127.0.0.1:{redis.port}").load("ada")
    assert caught.value.redis_code == "WRONGPASS" and "hunter2" not in repr(caught.value)


async def test_tls_where_there_is_none():
    async def refuse(reader, writer):
        writer.write(b"-ERR this is not TLS\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as plain:
        with pytest.raises(kenwell.TlsError) as caught:
            await StateStore(f"redis://127.0.0.1:{plain.sockets[0].getsockname()[1]}", tls=True).load("ada")
    assert caught.value.code == "KENWELL_TLS"


async def test_a_cluster_where_there_is_none(redis):
    with pytest.raises(kenwell.SettingsError):
        await StateStore(redis.url, cluster=True).load("ada")


async def test_a_redis_that_stands_still(redis_of_its_own):
    redis = redis_of_its_own()
    store = StateStore(redis.url, connect_timeout_ms=300, command_timeout_ms=300)
    await store.save("ada", {})
    redis.stand_still()
    with pytest.raises(kenwell.RedisTimeoutError) as caught:
        await store.load("ada")
    assert caught.value.code == "KENWELL_TIMEOUT" and isinstance(caught.value, TimeoutError)
    with pytest.raises((kenwell.UncertainError, kenwell.RedisTimeoutError)):
        await store.save_if_unchanged("ada", {})
    redis.go_on()
    assert await store.load("ada") is not None


async def test_calls_that_wait_for_redis_have_a_bound(redis_of_its_own, monkeypatch):
    redis = redis_of_its_own()
    store = StateStore(redis.url)
    await store.save("ada", {})
    monkeypatch.setattr(kenwell._calls, "MAX_WAITING", 10)
    redis.stand_still()
    waiting = [asyncio.ensure_future(store.load("ada")) for _ in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(kenwell.BusyError) as caught:
        await store.load("ada")
    assert caught.value.retryable
    closing = asyncio.ensure_future(store.close())
    await asyncio.sleep(0)
    redis.go_on()
    assert None not in await asyncio.gather(*waiting) and await closing is None


async def test_profiles_and_signs_of_life(redis):
    async with Connection(redis.url) as connection:
        await connection.ping()
        redis.ask("HSET", "p:user:ada", "name", "Ada", "bytes", b"\xff")
        redis.ask("SET", "user:ada", "no hash")
        assert await kenwell.profile(connection, "ada", prefix="p") == {"name": "Ada", "bytes": "\ufffd"}
        assert await kenwell.profile(connection, "bob") is None
        with pytest.raises(kenwell.RefusedError) as caught:
            await kenwell.profile(connection, "ada")
        assert caught.value.redis_code == "WRONGTYPE"
    for call in (connection.ping(), kenwell.profile(connection, "ada"), StateStore(connection).load("ada")):
        with pytest.raises(kenwell.ClosedError) as caught:
            await call
        assert not caught.value.retryable


async def test_stores_that_share_a_connection_do_not_cut_each_other_off(redis):
    async with Connection(redis.url) as connection:
        first, second = StateStore(connection), StateStore(connection, key_prefix="second")
        saving = asyncio.gather(*(first.save("ada", {"user": {"data": number}}) for number in range(50)))
        await asyncio.sleep(0)
        await first.close()
        assert all(saved is None for saved in await saving)
        with pytest.raises(kenwell.ClosedError) as caught:
            await first.load("ada")
        assert caught.value.code == "KENWELL_CLOSED"
        await second.save("ada", {})
        await first.close()
    with pytest.raises(kenwell.ClosedError):
        await second.load("ada")


async def test_closing_waits_for_what_has_begun_and_no_longer_than_it_may(redis_of_its_own):
    redis = redis_of_its_own()
    connection = Connection(redis.url)
    store, own, record = StateStore(connection), StateStore(redis.url), {}
    for one in (store, own):
        await one.save("ada", {})
    await own.save_if_unchanged("bob", record)
    redis.stand_still()
    begun = [asyncio.ensure_future(one.save("ada", {})) for one in (store, own)]
    of_two_steps = asyncio.ensure_future(own.save_if_unchanged("bob", record))
    await asyncio.sleep(0)
    for one in (store, own):
        with pytest.raises(kenwell.RedisTimeoutError):
            await one.close(timeout_ms=100)
    redis.go_on()
    await asyncio.gather(*begun, return_exceptions=True)
    with pytest.raises(kenwell.ClosedError) as caught:
        await of_two_steps
    assert not caught.value.retryable


@pytest.mark.parametrize("owns", [True, False])
async def test_closing_waits_for_calls_of_two_steps(redis_of_its_own, owns):
    redis = redis_of_its_own()
    connection = Connection(redis.url)
    store = StateStore(redis.url if owns else connection)
    record = {"user": {"data": 1}}
    await store.save_if_unchanged("ada", record)
    record["user"]["data"] = 2
    redis.stand_still()
    begun = asyncio.ensure_future(store.save_if_unchanged("ada", record))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.close() if owns else connection.close())
    await asyncio.sleep(0.05)
    redis.go_on()
    await asyncio.gather(begun, closing)
    assert '"data":2' in redis.ask("GET", "data:ada")


async def test_closing_for_a_time_that_is_none_closes_nothing(store_with):
    store = store_with()
    for timeout_ms in (-1, 2**64, "5", None):
        with pytest.raises(kenwell.SettingsError, match="timeout_ms"):
            await store.close(timeout_ms=timeout_ms)
    await store.save("ada", {})
    await store.close()


@pytest.mark.parametrize("owns", [True, False])
async def test_who_closes_a_second_time_waits_as_well(redis_of_its_own, owns):
    redis = redis_of_its_own()
    store = StateStore(redis.url if owns else Connection(redis.url))
    await store.save("ada", {})
    redis.stand_still()
    saving, *closing = (asyncio.ensure_future(one) for one in (store.save("ada", {}), store.close(), store.close()))
    await asyncio.sleep(0.05)
    assert not any(one.done() for one in closing)
    redis.go_on()
    await asyncio.gather(saving, *closing)
    await store.close()
