"""Ports for servers that tests start, also when many tests run at once."""

import os
import socket

# Below the range from which systems give clients their ports, so that no connection takes one between our look and the
# server's start, or while a server is down.
RANGE = range(10_000, 32_000)

_looked = os.getpid() * 37  # processes that start together begin elsewhere
_held = []


def free_port():
    """A port that nobody listens on, and that no other test is given before this process ends: whoever holds the UDP port of
    the same number has it. tools/ports.js and the Rust tests' ports.rs do the same."""
    global _looked
    for _ in RANGE:
        port = RANGE[_looked % len(RANGE)]
        _looked += 1
        held = _bound(socket.SOCK_DGRAM, port)
        if held is None:
            continue
        probe = _bound(socket.SOCK_STREAM, port)
        if probe is None:
            held.close()
            continue
        probe.close()
        _held.append(held)
        return port
    raise OSError("no port is free")


def _bound(kind, port):
    one = socket.socket(socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            one.listen()
        return one
    except OSError:
        one.close()
        return None
