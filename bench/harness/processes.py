"""Redis and Kenwell as child processes on free ports, and what they used."""

import contextlib
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

START_SECONDS = 30
STOP_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """\
data_dir = "data"

[gateway]
listen = "127.0.0.1:{gateway}"

[private]
listen = "127.0.0.1:{private}"
admin_key = "{admin_key}"

[[sources]]
id = "bench"
write_key = "bench"
destinations = ["profiles"]

[[destinations]]
id = "profiles"
address = "{redis}"
"""


class Broken(Exception):
    """The benchmark cannot go on; the text says why and what to do."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A child that is ended for certain, with its output in a file."""

    def __init__(self, command, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.name = pathlib.Path(command[0]).name
        self.output = directory / f"{self.name}.log"
        with open(self.output, "wb") as output:
            # A session of its own: Ctrl-C reaches the benchmark alone, which then ends things in order.
            self.child = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)

    def wait_until(self, ready):
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.child.poll() is not None or time.monotonic() > deadline:
                state = "did not start" if self.child.poll() is None else f"ended with {self.child.returncode}"
                log = "\n".join(self.output.read_text(errors="replace").splitlines()[-20:])
                raise Broken(f"{self.name} {state}; it said:\n{log}")
            time.sleep(0.02)

    def cpu_seconds(self):
        """(user, system) seconds of processor time since its start."""
        stat = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text(encoding="utf-8")
        fields = stat.rpartition(")")[2].split()
        return int(fields[11]) / TICKS, int(fields[12]) / TICKS

    def written_bytes(self):
        """Bytes that its writes brought to the disk since its start."""
        lines = pathlib.Path(f"/proc/{self.child.pid}/io").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
                raise Broken(f"{self.name} did not stop in {STOP_SECONDS} seconds") from None


class Redis(Process):
    """A Redis without persistence: the same one serves Kenwell and redis-benchmark."""

    def __init__(self, directory):
        self.port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        super().__init__([*command, "--dir", str(directory)], directory)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def answers(self):
        with contextlib.suppress(OSError):
            return self.ask("PING") == "+PONG"
        return False

    def ask(self, command):
        """First line of the answer to an inline command."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.makefile("rb").readline().decode().strip()

    def clear(self):
        if self.ask("FLUSHALL SYNC") != "+OK":
            raise Broken("Redis could not be emptied")

    def version(self):
        out = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
        return next(word[2:] for word in out.split() if word.startswith("v="))


class Kenwell(Process):
    """`kenwell serve` with one source and one destination, everything else at its default."""

    def __init__(self, binary, directory, redis):
        self.gateway, self.private = free_port(), free_port()
        self.admin_key = f"kwa_{secrets.token_urlsafe(32)}"
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "kenwell.toml"
        values = {"gateway": self.gateway, "private": self.private, "admin_key": self.admin_key, "redis": redis.address}
        config.write_text(CONFIG.format(**values), encoding="utf-8")
        self.binary, self.config = str(binary), str(config)
        super().__init__([self.binary, "serve", "--config", self.config], directory)

    def ready(self):
        with contextlib.suppress(OSError, urllib.error.URLError):
            return '"ready"' in self.get("/ready")
        return False

    def journal_bytes(self):
        """Bytes of the records in the journal with their framing, without what is preallocated."""
        command = [self.binary, "journal", "stats", "--config", self.config, "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["bytes"]

    def get(self, path):
        url, key = f"http://127.0.0.1:{self.private}{path}", {"Authorization": f"Bearer {self.admin_key}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=key), timeout=10) as answer:
            return answer.read().decode()


@contextlib.contextmanager
def running(process, ready):
    """The process, once `ready(process)`; ended whatever happens."""
    try:
        process.wait_until(lambda: ready(process))
        yield process
    finally:
        process.stop()
