"""Event loops, threads, cancelled tasks, forks, and the end of the interpreter."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref

import pytest

import kenwell
from kenwell import StateStore

LIMIT = 30  # seconds that a process may take, on a busy machine too


def run_python(code, *arguments):
    """Runs a program in a process of its own, to its end."""
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=LIMIT, check=False)


async def test_a_cancelled_task_stops_waiting_and_hurts_nobody(redis_of_its_own):
    redis = redis_of_its_own()
    store = StateStore(redis.url)
    await store.save("ada", {"user": {"data": 1}})
    redis.stand_still()
    waiting = asyncio.ensure_future(store.load("ada"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(store.save("ada", {"user": {"data": 2}}), 0.05)
    redis.go_on()
    assert (await store.load("ada"))["user"]["data"] == 2  # the save was on its way


async def test_the_event_loop_runs_on_while_redis_takes_its_time(redis_of_its_own):
    redis = redis_of_its_own()
    store = StateStore(redis.url)
    await store.save("ada", {})
    redis.stand_still()
    waiting = asyncio.ensure_future(store.load("ada"))
    began = time.monotonic()
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not waiting.done() and time.monotonic() - began < 2
    redis.go_on()
    assert await waiting is not None


def test_one_store_serves_event_loops_one_after_the_other(redis):
    store = StateStore(redis.url)
    for number in range(3):
        asyncio.run(store.save("ada", {"user": {"data": number}}))
    assert asyncio.run(store.load("ada"))["user"]["data"] == 2


def test_one_store_serves_event_loops_of_several_threads(redis):
    store, failed = StateStore(redis.url), []

    async def count(thread):
        for number in range(50):
            await store.save(f"user {thread}", {"user": {"data": number}})
            await store.update("all", lambda record: {"user": {"data": record.get("user", {"data": 0})["data"] + 1}}, attempts=10_000)
            assert (await store.load(f"user {thread}"))["user"]["data"] == number

    def run(thread):
        try:
            asyncio.run(count(thread))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert not failed and asyncio.run(store.load("all"))["user"]["data"] == 200


def test_an_event_loop_that_is_gone_leaves_nothing_behind(redis):
    store, loops = StateStore(redis.url), []
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None

    async def leave_a_call_behind():
        loops.append(weakref.ref(asyncio.get_running_loop()))
        kenwell._calls.begin(store._native.load, "ada")

    for _ in range(20):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(leave_a_call_behind())
        loop.close()
        del loop
    asyncio.run(store.has("ada"))
    gc.collect()
    asyncio.run(store.has("ada"))
    gc.collect()
    assert sum(loop() is not None for loop in loops) <= 1
    if descriptors is not None:
        assert len(os.listdir("/proc/self/fd")) <= descriptors + 8


async def test_an_answer_that_nobody_waits_for_is_dropped(store_with):
    """A call whose beginning failed half way has a number that no future has."""
    store, failed, loop = store_with(), [], asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failed.append(context))
    await store.has("ada")
    store._native.has(kenwell._calls._by_loop[loop].outbox, 0, "ada")
    assert not await store.has("ada") and not failed


def test_without_an_event_loop_there_is_an_error(redis):
    coroutine = StateStore(redis.url).load("ada")
    with pytest.raises(RuntimeError, match="no running event loop"):
        coroutine.send(None)


async def test_many_calls_at_once_are_all_answered(store_with):
    store = store_with()
    await asyncio.gather(*(store.save(str(number), {"user": {"data": number}}) for number in range(2000)))
    records = await asyncio.gather(*(store.load(str(number)) for number in range(2000)))
    assert [record["user"]["data"] for record in records] == list(range(2000))


ENDS_AT_ONCE = """
import asyncio, sys
from kenwell import StateStore
store = StateStore(sys.argv[1])
async def main():
    await store.save("ada", {})
    for number in range(100):
        asyncio.ensure_future(store.save("ada", {"user": {"data": number}}))
    await asyncio.sleep(0)
    if sys.argv[2] == "raise":
        raise KeyboardInterrupt
    if sys.argv[2] == "exit":
        sys.exit(0)
asyncio.run(main())
print("done")
"""


@pytest.mark.parametrize("how, status", [("return", 0), ("exit", 0), ("raise", None)])
@pytest.mark.parametrize("is_still", [False, True])
def test_the_interpreter_ends_while_calls_are_under_way(redis_of_its_own, how, status, is_still):
    redis = redis_of_its_own()
    if is_still:
        code = ENDS_AT_ONCE.replace('await store.save("ada", {})', "pass")
        redis.stand_still()
    else:
        code = ENDS_AT_ONCE
    ended = run_python(code, redis.url, how)
    assert ended.returncode == status if status is not None else ended.returncode not in (-6, -11), ended.stderr
    assert "panicked" not in ended.stderr and "Fatal" not in ended.stderr


FORKS = """
import asyncio, os, sys
import kenwell
used, unused = kenwell.StateStore(sys.argv[1]), kenwell.StateStore(sys.argv[1])
asyncio.run(used.save("ada", {"user": {"data": "parent"}}))
child = os.fork()
if child == 0:
    async def in_the_child():
        try:
            await used.load("ada")
        except kenwell.ForkedError as error:
            assert error.code == "KENWELL_FORKED" and "in the child" in str(error), error
        else:
            raise AssertionError("no error")
        assert (await unused.load("ada"))["user"]["data"] == "parent"
        async with kenwell.StateStore(sys.argv[1]) as made_here:
            await made_here.save("bob", {"user": {"data": "child"}})
    try:
        asyncio.run(in_the_child())
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert asyncio.run(used.load("bob"))["user"]["data"] == "child"
print("both")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")
def test_a_forked_child_has_an_error_that_says_so_and_works_with_stores_of_its_own(redis):
    ended = run_python(FORKS, redis.url)
    assert ended.stdout == "both\n", ended


FORKS_WITHIN_AN_APPLICATION = """
import asyncio, os, signal, sys, threading
import kenwell
from kenwell import _calls
store, loop = kenwell.StateStore(sys.argv[1]), asyncio.new_event_loop()
loop.run_until_complete(store.save("ada", {}))
parents = _calls._by_loop[loop].outbox.fileno()
taken, free = threading.Event(), threading.Event()
def begin_in_another_thread():
    with _calls._lock:
        taken.set()
        free.wait()
thread = threading.Thread(target=begin_in_another_thread)
thread.start()
taken.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    async def in_the_child():
        assert await kenwell.StateStore(sys.argv[1]).load("ada") is not None
    asyncio.run(in_the_child())
    loop.run_until_complete(in_the_child())
    os._exit(0 if _calls._by_loop[loop].outbox.fileno() != parents else 1)
free.set()
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks on this system")
def test_a_forked_child_shares_no_lock_and_no_socket_with_its_parent(redis):
    ended = run_python(FORKS_WITHIN_AN_APPLICATION, redis.url)
    assert ended.returncode == 0, ended


async def test_a_defect_of_the_native_half_is_an_error(redis, store_with):
    store = store_with()
    with pytest.raises(TypeError):
        store._native.load("no outbox", 1, "ada")
    assert issubclass(kenwell.KenwellError, Exception) and await store.load("ada") is None
