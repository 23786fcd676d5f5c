"""Changes that a framework hands over once: the newest of each place arrives, whatever fails."""

import asyncio

import pytest

import kenwell
from kenwell import _changes
from kenwell._changes import Changes


def error_of(kind, retryable):
    error = kind("away")
    error.retryable = retryable
    return error


class Places:
    """What would be Redis: it fails as it is told to, and holds writes up until they may go."""

    def __init__(self, pause=0.0):
        self.stored, self.tried, self.fails, self.gate = {}, 0, None, None
        self.changes = Changes(self.write, pause)

    async def write(self, place, text):
        self.tried += 1
        fails, gate = self.fails, self.gate
        if gate is not None:
            await gate.wait()
        if fails is not None:
            raise fails
        self.stored[place] = text

    async def fail(self, error, place, text):
        self.fails = error
        with pytest.raises(type(error)):
            await self.changes.make(place, text)
        self.fails = None


@pytest.mark.parametrize("error", [error_of(kenwell.RefusedError, True), error_of(kenwell.UncertainError, False), asyncio.CancelledError()])
async def test_a_change_that_can_succeed_later_is_sent_with_the_next_one(error):
    places = Places()
    await places.fail(error, "a", "1")
    await places.fail(error, "b", None)
    await places.changes.make("c", "3")
    assert places.stored == {"a": "1", "b": None, "c": "3"}
    places.tried = 0
    await places.changes.flush()
    assert places.tried == 0


@pytest.mark.parametrize("error", [error_of(kenwell.SettingsError, False), TypeError("no")])
async def test_a_change_that_cannot_succeed_is_given_up(error):
    places = Places()
    await places.fail(error, "a", "1")
    await places.changes.flush()
    assert places.stored == {}


async def test_what_was_kept_does_not_undo_what_is_newer():
    places = Places()
    await places.fail(error_of(kenwell.BusyError, True), "a", "old")
    await places.changes.make("a", "new")
    await places.changes.flush()
    assert places.stored == {"a": "new"}

    # The older one fails when the newer one has begun, and when it is over.
    for is_over in (False, True):
        places.fails, places.gate = error_of(kenwell.BusyError, True), asyncio.Event()
        older = asyncio.ensure_future(places.changes.make("a", "old"))
        await asyncio.sleep(0)
        gate, places.fails, places.gate = places.gate, None, None if is_over else asyncio.Event()
        newer = asyncio.ensure_future(places.changes.make("a", "newest"))
        await asyncio.sleep(0)
        gate.set()
        with pytest.raises(kenwell.BusyError):
            await older
        if places.gate is not None:
            places.gate.set()
        await newer
        await places.changes.flush()
        assert places.stored == {"a": "newest"}


async def test_flushing_tells_what_fails_again_and_keeps_it():
    places = Places()
    places.fails = error_of(kenwell.RedisConnectionError, True)
    for place in "ab":
        with pytest.raises(kenwell.RedisConnectionError):
            await places.changes.make(place, "1")
    with pytest.raises(kenwell.RedisConnectionError):
        await places.changes.flush()
    places.fails = None
    await places.changes.flush()
    assert places.stored == {"a": "1", "b": "1"}


async def test_what_is_refused_again_and_again_is_tried_once_in_a_pause(monkeypatch):
    now = 0.0
    monkeypatch.setattr(_changes.time, "monotonic", lambda: now)
    places = Places(pause=60)
    refused = error_of(kenwell.RefusedError, True)

    async def only_b(place, text):
        places.tried += 1
        if place != "b":
            raise refused

    places.changes._write = only_b
    with pytest.raises(kenwell.RefusedError):
        await places.changes.make("a", "1")
    places.tried = 0
    for _ in range(100):
        await places.changes.make("b", "1")
    assert places.tried == 101
    now = 60.0
    await places.changes.make("b", "1")
    assert places.tried == 103


async def test_changes_that_are_kept_have_a_bound(monkeypatch):
    monkeypatch.setattr(_changes, "MAX_KEPT", 2)
    places = Places()
    for place in "abc":
        await places.fail(error_of(kenwell.BusyError, True), place, "1")
    await places.changes.flush()
    assert places.stored == {"a": "1", "b": "1"}
