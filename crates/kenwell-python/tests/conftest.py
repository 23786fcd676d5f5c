"""A real redis-server for the tests, on a port of its own, and tests that are coroutines."""

import asyncio
import inspect
import shutil
import signal
import socket
import subprocess
import time

import pytest
from ports import free_port

import kenwell

PATIENCE = 20  # seconds that a server may take to start or to say something, on a busy machine too


class Redis:
    """A server without files."""

    def __init__(self, directory, *arguments):
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail("redis-server is missing. Install it: apt-get install redis-server | brew install redis")
        self.port = free_port()
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory), *arguments]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        until(lambda: self.ask("PING") is not None)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def ask(self, *words):
        """What it answers: text, a number, a list, None, or an exception."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            connection.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            with connection.makefile("rb") as answer:
                return reply(answer)

    def stand_still(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.process.kill()
        self.process.wait(PATIENCE)


def reply(answer):
    """One reply of Redis' protocol."""
    line = answer.readline().rstrip(b"\r\n").decode()
    kind, rest = line[0], line[1:]
    if kind == "+":
        return rest
    if kind == "-":
        return Exception(rest)
    if kind == ":":
        return int(rest)
    if int(rest) < 0:
        return None
    if kind == "*":
        return [reply(answer) for _ in range(int(rest))]
    return answer.read(int(rest) + 2)[:-2].decode(errors="surrogateescape")


def until(question):
    """Asks again and again until the answer is true; fails after a while with the last error."""
    deadline, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < deadline:
        try:
            if found := question():
                return found
        except OSError as error:
            last = error
        time.sleep(0.01)
    raise AssertionError(f"it did not become true within {PATIENCE} s") from last


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests."""
    redis = Redis(tmp_path_factory.mktemp("redis"))
    yield redis
    redis.stop()


@pytest.fixture
def redis(server):
    """The server, empty."""
    server.ask("FLUSHALL")
    return server


@pytest.fixture
def redis_of_its_own(tmp_path):
    """Makes servers with options of their own."""
    made = []

    def make(*arguments):
        made.append(Redis(tmp_path, *arguments))
        return made[-1]

    yield make
    for one in made:
        one.go_on()
        one.stop()


@pytest.fixture
def store_with(redis):
    """Makes stores on the server."""
    return lambda **options: kenwell.StateStore(redis.url, **options)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that is a coroutine has an event loop of its own, and a minute."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


