"""A Kenwell with a data directory of its own, and its two listeners."""

import json
import re
import time
from http.client import HTTPConnection

from .running import LIMIT, LISTENING, Child, Failure, post


class Server:
    """A running kenwell, its two listeners, and the admin key that it printed once."""

    def __init__(self, program, directory, key=None):
        """Serves with the `kenwell.toml` of the directory. `key`: the admin key of an earlier run."""
        self.child = Child([program, "serve", "--config", "kenwell.toml"], directory / "kenwell.log", cwd=directory, env={})
        found = self.child.until(LISTENING)
        self.gateway, self.private = found[1], found[2]
        self.key = key or re.search(r"kwa_[\w-]{43}", self.child.said())[0]

    def identify(self, user, traits, at=None):
        """Sends an event, of this time if it is given; true when it was answered with 200."""
        event = {"type": "identify", "userId": user, "traits": traits}
        if at:
            event |= {"originalTimestamp": at, "sentAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        status, _ = post(self.gateway, event)
        return status == 200

    def ask(self, method, path, body=None):
        """A call of the API."""
        connection = HTTPConnection(self.private, timeout=LIMIT)
        connection.request(method, f"/api/v1{path}", json.dumps(body) if body is not None else None,
                           {"authorization": f"Bearer {self.key}", "content-type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status >= 300:
            raise Failure(f"{method} {path}: {response.status} {text.decode()}")
        return json.loads(text) if text else None

    def until(self, what, test):
        """Waits until the API's answer is as it should be."""
        end = time.monotonic() + LIMIT
        while not (found := test()):
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {LIMIT} s\n{self.child.said()}")
            time.sleep(0.05)
        return found


def settings(listed):
    """What was set, without what changes by itself."""
    moving = ("status", "accepted", "last_seen_at", "revision", "refused", "address")
    return {one["id"]: {name: value for name, value in one.items() if name not in moving} for one in listed}
