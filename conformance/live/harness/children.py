"""Child processes that never outlive the run."""

import atexit
import os
import random
import signal
import socket
import subprocess

_LIVING = []


# Below the ports that systems give to outgoing connections: a server that is stopped and started again
# must find its port still free.
_PORTS = range(20_000, 32_000)


def free_port():
    """A port that nobody listens on right now."""
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port found")


def track(child):
    """Remembers a child (the leader of its own session), so that the end of the run ends it too."""
    _LIVING.append(child)
    return child


def stop(child, seconds=30):
    """Asks a child to stop, then makes it; returns its exit status."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            _kill(child)
    return child.wait()


def _kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


@atexit.register
def _end_all():
    for child in reversed(_LIVING):
        if child.poll() is None:
            _kill(child)
