"""A private redis-server, and just enough of its protocol to read it back."""

import socket
import subprocess
import time

from ports import free_port

from .children import stop, track


class Redis:
    """A redis-server child on its own port and directory; keeps its data over a stop and a start."""

    def __init__(self, directory):
        self.port = free_port()
        self._directory = directory
        self._child = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Starts the server and waits until it answers."""
        log = open(self._directory / "redis.log", "ab")
        self._child = track(subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._directory),
             "--appendonly", "yes", "--save", "", "--daemonize", "no"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True))
        log.close()
        deadline = time.monotonic() + 20
        while not self.is_up():
            if time.monotonic() > deadline or self._child.poll() is not None:
                raise RuntimeError(f"redis-server did not start: see {self._directory}/redis.log")
            time.sleep(0.05)

    def stop(self):
        """Stops the server; what it held is on disk."""
        if self._child is not None:
            stop(self._child)
            self._child = None

    def is_up(self):
        try:
            return self.command("PING") == "PONG"
        except (OSError, RuntimeError):
            return False

    def keys(self, pattern="*", database=0):
        """The names of all keys that match, sorted, without Kenwell's own markers."""
        found = self.command("KEYS", pattern, database=database)
        return sorted(key for key in found if "kenwell:applied:" not in key)

    def hash(self, key, database=0):
        """A hash as a dictionary; empty when there is none."""
        flat = self.command("HGETALL", key, database=database)
        return dict(zip(flat[::2], flat[1::2]))

    def command(self, *words, database=0):
        """Sends one command on a connection of its own and reads the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(_encode("SELECT", str(database)) + _encode(*words))
            with connection.makefile("rb") as answers:
                _decode(answers)
                return _decode(answers)


def _encode(*words):
    parts = [word.encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _decode(answers):
    line = answers.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return rest.decode()
    if kind == b":":
        return int(rest)
    if kind == b"$":
        length = int(rest)
        return None if length < 0 else answers.read(length + 2)[:-2].decode()
    if kind == b"*":
        return [_decode(answers) for _ in range(int(rest))]
    raise RuntimeError(f"Redis answered {line!r}")
