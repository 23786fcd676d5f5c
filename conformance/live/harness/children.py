"""Child processes that never outlive the run."""

import atexit
import os
import signal
import subprocess

_LIVING = []


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
