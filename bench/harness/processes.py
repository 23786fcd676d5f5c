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

from ports import free_port

START_SECONDS = 30
STOP_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """\
data_dir = "data"

[gateway]
listen = "127.0.0.1:{gateway}"
{tls}

[private]
listen = "127.0.0.1:{private}"
admin_key = "{admin_key}"
"""

SOURCE = """
[[sources]]
id = "{source}"
write_key = "{source}"
destinations = [{destinations}]
"""

DESTINATION = """
[[destinations]]
id = "{destination}"
address = "{redis}"
prefix = "{prefix}"
{settings}
"""


class Broken(Exception):
    """The benchmark cannot go on; the text says why and what to do."""


def listens(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


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
        """Seconds of processor time since its start: the number of its clock is made of its id (clock_getcpuclockid)."""
        return time.clock_gettime((~self.child.pid << 3) | 2)

    def system_seconds(self):
        """Those that the kernel had, to a hundredth."""
        stat = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text(encoding="utf-8")
        return int(stat.rpartition(")")[2].split()[12]) / TICKS

    def thread_seconds(self, name):
        """Seconds of its threads that are called so, in the 15 characters that the kernel keeps."""
        total = 0
        for thread in pathlib.Path(f"/proc/{self.child.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                if (thread / "comm").read_text(encoding="utf-8").strip() == name:
                    total += int((thread / "schedstat").read_text(encoding="utf-8").split()[0])
        return total / 1e9

    def memory(self):
        """(resident, most that was resident since its start) in MiB."""
        lines = pathlib.Path(f"/proc/{self.child.pid}/status").read_text(encoding="utf-8").splitlines()
        kib = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if name in ("VmRSS", "VmHWM")}
        return kib["VmRSS"] / 1024, kib["VmHWM"] / 1024

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

    def __init__(self, directory, port=None):
        self.port = port or free_port()
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

    def used_memory(self):
        """Bytes that it has allocated."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(b"INFO memory\r\n")
            lines = iter(connection.makefile("rb").readline, b"")
            return next(int(line.split(b":")[1]) for line in lines if line.startswith(b"used_memory:"))

    def clear(self):
        if self.ask("FLUSHALL SYNC") != "+OK":
            raise Broken("Redis could not be emptied")

    def version(self):
        out = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout
        return next(word[2:] for word in out.split() if word.startswith("v="))


class Kenwell(Process):
    """`kenwell serve`, everything else than these at its default: sources that all send to all destinations, of which
    all but the first have a prefix, and the (certificate, key) of a gateway that speaks TLS."""

    def __init__(self, binary, directory, address, sources=1, destinations=1, identity=None, settings=""):
        self.gateway, self.private = free_port(), free_port()
        self.admin_key = f"kwa_{secrets.token_urlsafe(32)}"
        self.write_keys = [f"bench-{number}" for number in range(sources)]
        self.url = f"{'https' if identity else 'http'}://127.0.0.1:{self.gateway}"
        tls = 'tls_certificate = "{}"\ntls_key = "{}"'.format(*identity) if identity else ""
        names = [f"redis-{number}" for number in range(destinations)]
        listed = ", ".join(f'"{name}"' for name in names)
        text = CONFIG.format(gateway=self.gateway, private=self.private, admin_key=self.admin_key, tls=tls)
        text += "".join(SOURCE.format(source=key, destinations=listed) for key in self.write_keys)
        text += "".join(DESTINATION.format(destination=name, redis=address, prefix=name if number else "", settings=settings) for number, name in enumerate(names))
        directory.mkdir(parents=True, exist_ok=True)
        config = directory / "kenwell.toml"
        config.touch(mode=0o600)
        config.write_text(text, encoding="utf-8")
        self.binary, self.config = str(binary), str(config)
        super().__init__([self.binary, "serve", "--config", self.config], directory)

    def ready(self):
        with contextlib.suppress(OSError, urllib.error.URLError):
            return '"ready"' in self.get("/ready")
        return False

    def accepts(self):
        """Whether it takes events, with its Redis there or not."""
        return listens(self.gateway)

    def journal_bytes(self):
        """Bytes of the records in the journal with their framing, without what is preallocated."""
        command = [self.binary, "journal", "stats", "--config", self.config, "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["bytes"]

    def get(self, path):
        url, key = f"http://127.0.0.1:{self.private}{path}", {"Authorization": f"Bearer {self.admin_key}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=key), timeout=10) as answer:
            return answer.read().decode()


class EmptyServer(Process):
    """The HTTP server that only answers."""

    def __init__(self, binary, directory):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__([str(binary), f"127.0.0.1:{self.port}"], directory)

    def ready(self):
        return listens(self.port)


@contextlib.contextmanager
def running(process, ready):
    """The process, once `ready(process)`; ended whatever happens."""
    try:
        process.wait_until(lambda: ready(process))
        yield process
    finally:
        process.stop()
