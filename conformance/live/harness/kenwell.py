"""The Kenwell under test: which binary, with which configuration, up or down."""

import os
import pathlib
import secrets
import subprocess
import time
import urllib.error
import urllib.request

from ports import free_port

from .children import stop, track

ROOT = pathlib.Path(__file__).resolve().parents[3]


def find_binary():
    """KENWELL_BIN, or the most recently built one; None when there is none."""
    named = os.environ.get("KENWELL_BIN")
    if named:
        return pathlib.Path(named).resolve()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [path for profile in ("release", "debug") if (path := target / profile / "kenwell").is_file()]
    return max(built, key=lambda path: path.stat().st_mtime, default=None)


class Kenwell:
    """A kenwell child with a generated configuration: one source and one destination per SDK."""

    def __init__(self, binary, directory, redis, sources):
        self._binary = binary
        self._directory = directory
        self._child = None
        self.log = directory / "kenwell.log"
        gateway, private = free_port(), free_port()
        self.url = f"http://127.0.0.1:{gateway}"
        self.private_url = f"http://127.0.0.1:{private}"
        self.admin_key = f"kwa_{secrets.token_urlsafe(32)}"
        self._config = directory / "kenwell.toml"
        self._config.write_text(_config(directory / "data", gateway, private, self.admin_key, redis.address, sources))

    def start(self):
        """Starts the server and waits until it says that it is ready."""
        log = open(self.log, "ab")
        self._child = track(subprocess.Popen(
            [str(self._binary), "serve", "--config", str(self._config)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "NO_COLOR": "1"}))
        log.close()
        deadline = time.monotonic() + 30
        while not (_answers(f"{self.url}/health") and _answers(f"{self.private_url}/ready")):
            if self._child.poll() is not None:
                raise RuntimeError(f"kenwell ended with status {self._child.returncode}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"kenwell was not ready after 30 s:\n{self.log_tail()}")
            time.sleep(0.05)

    def stop(self):
        """Stops the server as an operator would; returns its exit status."""
        if self._child is None:
            return 0
        status = stop(self._child)
        self._child = None
        return status

    def log_tail(self, lines=30):
        """The last lines that the server logged."""
        if not self.log.is_file():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _answers(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _config(data, gateway, private, admin_key, redis_address, sources):
    text = [
        f'data_dir = "{data}"',
        f'[gateway]\nlisten = "127.0.0.1:{gateway}"',
        f'[private]\nlisten = "127.0.0.1:{private}"\nadmin_key = "{admin_key}"',
    ]
    for source in sources:
        feeds = ", ".join(f'"{name}"' for name in [source.id, *source.copies])
        text.append(
            f'[[sources]]\nid = "{source.id}"\nname = "{source.id}"\nwrite_key = "{source.write_key}"\n'
            f'enabled = {"true" if source.enabled else "false"}\ndestinations = [{feeds}]')
        text.append(
            f'[[destinations]]\nid = "{source.id}"\nname = "{source.id}"\ntype = "redis"\n'
            f'address = "{redis_address}"\nprefix = "{source.id}"')
        for number, name in enumerate(source.copies, start=1):
            text.append(
                f'[[destinations]]\nid = "{name}"\nname = "{name}"\ntype = "redis"\n'
                f'address = "{redis_address}"\ndatabase = {number}')
    return "\n\n".join(text) + "\n"
