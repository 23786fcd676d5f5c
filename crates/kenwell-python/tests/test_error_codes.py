"""What goes wrong has the same codes as in Rust and in Node, which have tests of the same table."""

import json
import socket
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hostile_server import hostile_server

import kenwell

CASES = json.loads((Path(__file__).resolve().parents[3] / "conformance" / "state-errors.json").read_text(encoding="utf-8"))


def outside():
    """An address of this machine that servers do not take for the machine itself, if it has one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.254", 9))
        except OSError:
            return None
        return asked.getsockname()[0]


@pytest.fixture
def server_for(redis, redis_of_its_own):
    """The common server, unless a case needs options; as it was before in the end."""
    yield lambda options: redis_of_its_own(*options) if options else redis
    redis.ask("CONFIG", "SET", "maxmemory", "0")
    redis.ask("ACL", "DELUSER", "app")


@asynccontextmanager
async def port_for(server_for, case):
    """The port of the server that a case is about, prepared for it."""
    if "answers" in case:
        async with hostile_server(case["answers"]) as port:
            yield port
        return
    redis = server_for(case.get("server", []))
    for command in case.get("setup", []):
        redis.ask(*command)
    yield redis.port


CALLS = {
    "load": lambda store: store.load("ada"),
    "save": lambda store: store.save("ada", {}),
    "delete": lambda store: store.delete("ada"),
    "saveIfUnchanged": lambda store: store.save_if_unchanged("ada", {}),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
async def test_a_case_of_the_common_table(server_for, case):
    host = outside() if "host" in case else "127.0.0.1"
    if host is None:
        pytest.skip("this machine has no address but its own")
    entries = [{"id": name, "user": True} for name in case.get("entries", ["data"])]
    async with port_for(server_for, case) as port:
        async with kenwell.StateStore(f"redis://{case.get('login', '')}{host}:{port}{case.get('path', '')}", entries=entries) as store:
            with pytest.raises(kenwell.KenwellError) as caught:
                await CALLS[case.get("call", "load")](store)
    error = caught.value
    assert (error.code, error.redis_code, error.retryable) == (case["code"], case.get("redisCode"), case["retryable"]), error
