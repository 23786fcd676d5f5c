"""A Redis, a Kenwell, and the first event that goes from one to the other."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path

from ports import free_port

from packages.common import Failure, program, run

LIMIT = 60 # seconds that anything may take, on a busy machine too
WRITE_KEY = "a-write-key-of-the-tests"
LISTENING = re.compile(r"accepting events gateway=(\S+) private=(\S+)")
LINK = re.compile(r"Open +http://(\S+?)(/sign-in\S+)")


class Child:
    """A program that runs until it is stopped; what it says goes to a file."""

    def __init__(self, command, log, **options):
        self.log = log
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log.open("wb"),
                                        stderr=subprocess.STDOUT, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def said(self):
        """What it has said until now."""
        return self.log.read_text(errors="replace")

    def until(self, pattern):
        """Waits until it has said something."""
        end = time.monotonic() + LIMIT
        while not (found := re.search(pattern, self.said())):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Failure(f"{self.process.args[0]} did not say {getattr(pattern, 'pattern', pattern)!r}, but\n{self.said()}")
            time.sleep(0.05)
        return found

    def stop(self):
        """Asks it to end, and says with which status it did."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failure(f"{self.process.args[0]} did not end within {LIMIT} s of SIGTERM\n{self.said()}") from None


class Redis(Child):
    """A Redis of its own, on 127.0.0.1, without files."""

    def __init__(self, work):
        self.port = free_port()
        server = shutil.which("redis-server") or program("valkey-server", "apt-get install redis-server | dnf install valkey | brew install redis")
        super().__init__([server, "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", work], work / "redis.log")
        self.until("Ready to accept connections")

    def ask(self, *words):
        """What it answers, as lines."""
        with socket.create_connection(("127.0.0.1", self.port), LIMIT) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        return [line for line in answer.split("\r\n") if line and line[0] not in "*$+"]

    def hash(self, key):
        """A hash, as a dictionary."""
        lines = self.ask("HGETALL", key)
        return dict(zip(lines[::2], lines[1::2]))

    def wait_for(self, key):
        """The hash, once it is there."""
        end = time.monotonic() + LIMIT
        while not (found := self.hash(key)):
            if time.monotonic() > end:
                raise Failure(f"{key} was not in Redis after {LIMIT} s")
            time.sleep(0.05)
        return found


def configuration(redis, destinations=("profiles",)):
    """A file with one source, and destinations that differ in their prefix."""
    text = '[gateway]\nlisten = "127.0.0.1:0"\n[private]\nlisten = "127.0.0.1:0"\n'
    text += f'[[sources]]\nid = "web"\nwrite_key = "{WRITE_KEY}"\ndestinations = {json.dumps(destinations)}\n'
    for one in destinations:
        text += f'[[destinations]]\nid = "{one}"\naddress = "127.0.0.1:{redis.port}"\nprefix = "{one}"\n'
    return text


def first_event(redis, work, command, environment=None, config=None, arguments=("serve",)):
    """Serves with a configuration (a path as the command sees it), sends an event as SDKs do, and stops. Says how long it took."""
    redis.ask("FLUSHALL")
    began = time.monotonic()
    environment = {"PATH": "/usr/bin:/bin", "KENWELL_CONFIG": str(config), **(environment or {})}
    with Child([*command, *arguments], Path(work) / "kenwell.log", env=environment, cwd=work) as kenwell:
        gateway = kenwell.until(LISTENING)[1]
        status, answer = post(gateway.replace("0.0.0.0", "127.0.0.1"), {"userId": "ada", "traits": {"name": "Ada", "plan": {"tier": "pro"}}})
        if (status, answer) != (200, "ok"):
            raise Failure(f"the gateway answered {status} {answer!r}")
        found = redis.wait_for("profiles:user:ada")
        took = time.monotonic() - began
        if found != {"name": "Ada", "plan.tier": "pro"}:
            raise Failure(f"the first event became {found}")
        if kenwell.stop() != 0:
            raise Failure(f"kenwell did not end in order\n{kenwell.said()}")
    return took


def dev(directory, command, typed):
    """`kenwell dev` as a person has it: its link signs in once, the lines that it prints do as they stand, Ctrl-C ends all of it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    began = time.monotonic()
    ports = ["--gateway-listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0"]
    with Child([*command, "dev", *ports], directory / "kenwell.log", env=environment, cwd=directory, start_new_session=True) as kenwell:
        kenwell.until("Ctrl-C stops")
        took = time.monotonic() - began
        address, link = kenwell.until(LINK).groups()
        if [get(address, link), get(address, link)] != [200, 401]:
            raise Failure("the link does not sign in once")
        shown = re.findall(r"^  (\S.* (?:identify|profile) .*)$", kenwell.said(), re.MULTILINE)
        if len(shown) != 2 or not all(line.startswith(f"{typed} ") for line in shown):
            raise Failure(f"these lines do not begin with {typed}: {shown}")
        for line in (f"{shown[0]} --wait", shown[1]):
            said = run([*command, *shlex.split(line.removeprefix(f"{typed} "))], cwd=directory, env=environment)
        if "plan.tier  pro" not in said:
            raise Failure(f"after the lines that it prints the profile is\n{said}")
        # As a terminal does: to each process that was started in it.
        os.killpg(kenwell.process.pid, signal.SIGINT)
        kenwell.process.wait(LIMIT) # npx itself ends by the signal, whatever its child says
        end = time.monotonic() + LIMIT
        while "Redis stopped" not in kenwell.said():
            if "stopped at once" in kenwell.said() or time.monotonic() > end:
                raise Failure(f"Ctrl-C does not end it in order\n{kenwell.said()}")
            time.sleep(0.05)
    return took


def get(address, path):
    """The status of an answer."""
    connection = HTTPConnection(address, timeout=LIMIT)
    connection.request("GET", path)
    return connection.getresponse().status


def post(address, event):
    """Sends one identify; the status and the answer."""
    connection = HTTPConnection(address, timeout=LIMIT)
    connection.request("POST", "/v1/identify", json.dumps(event), {"authorization": "Basic " + b64encode(f"{WRITE_KEY}:".encode()).decode(),
                                                                   "content-type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read().decode().strip()
