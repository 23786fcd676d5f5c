"""The SDKs under test and the small programs that drive them."""

import dataclasses
import json
import os
import queue
import secrets
import subprocess
import threading
import time

from .children import stop, track
from .install import HERE, PYTHON
from .toolchains import GO, java

MARK = "@kenwell "

# In every write key of this run: the Kotlin SDK keeps what it has not sent in a directory of that name.
RUN = secrets.token_hex(4)


@dataclasses.dataclass(frozen=True)
class Source:
    """A configured source: who sends, with which key, and which further destinations get a copy."""

    id: str
    enabled: bool = True
    copies: tuple = ()

    @property
    def write_key(self):
        return f"live-{self.id}-{RUN}-key"


@dataclasses.dataclass(frozen=True)
class Sdk:
    """An SDK, named as its source is, and the program that makes its calls."""

    id: str
    package: str
    command: tuple
    # Where the hashes stand that `everything` must leave behind.
    expected: str
    # What the SDK shows its user of a refusal.
    shows: frozenset = frozenset(("status", "words"))
    # Whether it can send with and without gzip.
    gzip: bool = False
    # Whether it speaks https:// only.
    tls: bool = False
    # How many identifies `ordered` makes: several batches, or fewer where each waits for the one before.
    steps: int = 600


_PYTHON = (str(PYTHON), "drivers/python_sdk.py")
_SEGMENT_NODE = ("node", "drivers/segment-node.mjs")
_STATUS, _WORDS = frozenset(("status",)), frozenset(("words",))

SDKS = {
    sdk.id: sdk
    for sdk in (
        Sdk("rudder-node", "@rudderstack/rudder-sdk-node", ("node", "drivers/rudder-node.mjs"), "rudder-node",
            gzip=True, steps=50),
        Sdk("rudder-python", "rudderstack.analytics", _PYTHON, "python", gzip=True),
        Sdk("rudder-go", "github.com/rudderlabs/analytics-go/v4", (str(GO / "rudder"),), "go", _STATUS,
            gzip=True, steps=50),
        Sdk("rudder-java", "com.rudderstack.sdk.java.analytics", java("rudder-java"), "java", _WORDS, gzip=True),
        Sdk("segment-node", "@segment/analytics-node", _SEGMENT_NODE, "segment-node", _STATUS, steps=50),
        Sdk("segment-node-3", "segment-node-3", _SEGMENT_NODE, "segment-node", _STATUS, steps=50),
        Sdk("segment-node-2", "segment-node-2", _SEGMENT_NODE, "segment-node", _STATUS, steps=50),
        Sdk("segment-python", "segment.analytics", _PYTHON, "python", gzip=True),
        Sdk("segment-go", "github.com/segmentio/analytics-go/v3", (str(GO / "segment"),), "go", _STATUS, steps=50),
        Sdk("segment-java", "com.segment.analytics.java", java("segment-java"), "java", _WORDS),
        Sdk("segment-kotlin", "com.segment.analytics.kotlin", java("segment-kotlin"), "segment-kotlin", _WORDS,
            tls=True),
        Sdk("browser", "@rudderstack/analytics-js", ("node", "drivers/browser.mjs"), "browser"),
        Sdk("segment-browser", "@segment/analytics-next", ("node", "drivers/segment-browser.mjs"), "segment-browser",
            _STATUS),
    )
}


class Driver:
    """A running driver: its reports come in as events, and it can be told to go on."""

    def __init__(self, sdk, scenario, url, write_key, trust_store, user="single", gzip=True):
        environment = {
            **os.environ,
            "KENWELL_URL": url,
            "KENWELL_WRITE_KEY": write_key,
            "KENWELL_USER": user,
            "KENWELL_TRUST_STORE": str(trust_store),
            "KENWELL_STEPS": str(sdk.steps),
            "SDK_NAME": sdk.id,
            "SDK_PACKAGE": sdk.package,
            "SDK_GZIP": "1" if gzip else "0",
            "NO_PROXY": "*",
            "PYTHONIOENCODING": "utf-8",
        }
        self._chatter = []
        self._events = queue.Queue()
        self._child = track(subprocess.Popen(
            [*sdk.command, scenario], cwd=HERE, env=environment, text=True, encoding="utf-8",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        for line in self._child.stdout:
            if line.startswith(MARK):
                self._events.put(json.loads(line[len(MARK):]))
            else:
                self._chatter.append(line.rstrip())
        self._events.put(None)

    def wait_for(self, name, seconds=90):
        """The next event of that name; a driver that ends or stays silent instead is an error."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise RuntimeError(f"no '{name}' from the SDK within {seconds} s\n{self._said()}") from None
            if event is None:
                raise RuntimeError(f"the SDK's program ended before '{name}'\n{self._said()}")
            if event["event"] == name:
                return event

    def go_on(self):
        """Lets a driver continue that waits for us."""
        self._child.stdin.write("\n")
        self._child.stdin.flush()

    def finish(self, seconds=90):
        """What the SDK reported in the end, after its program has ended well."""
        event = self.wait_for("done", seconds)
        try:
            status = self._child.wait(30)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the SDK's program did not end\n{self._said()}") from None
        if status != 0:
            raise RuntimeError(f"the SDK's program ended with status {status}\n{self._said()}")
        return event

    def end(self):
        """Ends the driver if it still runs."""
        stop(self._child, seconds=5)

    def _said(self):
        return "\n".join(self._chatter[-15:])
