"""Data directories that earlier versions left when they were killed, opened by this version: nothing is lost, and there is a way back."""

import json
import os
import shutil
import time
from base64 import urlsafe_b64encode
from contextlib import contextmanager
from hashlib import sha256

from packages.common import ROOT, Failure

from .running import Redis
from .server import Server, settings

VERSIONS = ROOT / "conformance" / "upgrade"
REDIS = "127.0.0.1:26379" # stands in the files for wherever the Redis is
# An earlier version for the way back; otherwise it is this one.
OLDER = "KENWELL_OLDER"


def test(program, work):
    """Goes through the directories of all versions."""
    for version in sorted(path for path in VERSIONS.iterdir() if path.is_dir()):
        began = time.monotonic()
        directory = work / f"directory-{version.name}"
        shutil.copytree(version, directory)
        with Redis(directory) as redis:
            expected = put_here(directory, redis)
            upgraded(program, directory, redis, expected)
            and_back(program, directory, redis, expected)
        yield f"data directory of version {version.name}", time.monotonic() - began


def put_here(directory, redis):
    """Writes where the Redis is, and lets the history be of today: after a week there would be nothing to show."""
    for file in [directory / "kenwell.toml", *directory.glob("data/redis/*.json")]:
        file.write_text(file.read_text().replace(REDIS, f"127.0.0.1:{redis.port}"))
    file = directory / "data" / "history.json"
    begin, kept = file.read_text().split("\n", 1)
    ranges = json.loads(kept)
    steps = [step for one in ranges for step in [*one["steps"], one["running"]] if step]
    # By whole half hours: the longest steps there are.
    shift = (int(time.time() * 1000) - max(step[0] for step in steps)) // 1_800_000 * 1_800_000
    for step in steps:
        step[0] += shift
    kept = json.dumps(ranges, separators=(",", ":"))
    digest = urlsafe_b64encode(sha256(kept.encode()).digest()).decode().rstrip("=")
    file.write_text(f"{begin.rsplit(' ', 1)[0]} {digest}\n{kept}")
    return json.loads((directory / "expected.json").read_text())


@contextmanager
def serving(program, directory, expected):
    """A server that says nothing worse than that a destination is retired, and ends in order."""
    server = Server(program, directory, expected["admin_key"])
    with server.child:
        yield server
        if server.child.stop() != 0:
            raise Failure(f"kenwell did not end in order\n{server.child.said()}")
    bad = [line for line in server.child.said().splitlines() if "ERROR" in line and "not configured, with events waiting" not in line]
    if bad:
        raise Failure("\n".join(bad))


def same(what, found, wanted):
    """Fails when something is not exactly as it was."""
    if found != wanted:
        raise Failure(f"{what}: {found}\ninstead of {wanted}")


def kept(what, found, wanted):
    """Fails when something of what was is gone; newer versions may say more."""
    if not includes(found, wanted):
        raise Failure(f"{what}: {json.dumps(found)}\ninstead of {json.dumps(wanted)}")


def includes(found, wanted):
    """Whether all that is wanted is in what was found, to any depth."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and includes(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(includes, found, wanted))
    return found == wanted


def upgraded(program, directory, redis, expected):
    """This version on the directory: what is kept is kept, what waits is delivered in order, letters are retried."""
    with serving(program, directory, expected) as server:
        ask = server.ask
        kept("sources", settings(ask("GET", "/sources")["sources"]), expected["sources"])
        kept("destinations", settings(ask("GET", "/destinations")["destinations"]), expected["destinations"])
        same("the retired destination", {one["id"]: one["queued"] for one in ask("GET", "/destinations")["retired"]}, expected["retired"])
        kept("dead letters", ask("GET", "/dead-letters"), expected["letters"])
        deeds = ask("GET", "/audit?limit=500")["entries"]
        kept("audit log", deeds[len(deeds) - len(expected["audit"]):], expected["audit"])
        shown = sum(step["accepted"] for step in ask("GET", "/history?range=week")["samples"])
        if shown < expected["accepted"]:
            raise Failure(f"the chart shows {shown} accepted events instead of {expected['accepted']}")
        delivered(server, redis, expected, "user:", "ordered:user:")
        retried(server, redis, expected)
        ask("POST", "/destinations/held/resume")
        everything(server, redis, expected, "held:user:")
        ask("POST", "/destinations", {"id": "old", "name": "old", "address": f"127.0.0.1:{redis.port}", "prefix": "old", "sources": ["web"]})
        server.until("what waited for the retired one", lambda: redis.hash("old:user:late") and redis.hash("old:user:user-4"))
        same("what was for the retired one", redis.hash("old:user:user-4"), {"name": "User 4", "number": "4", "plan.tier": "pro"})
        same("an edit", ask("PATCH", "/sources/web", {"name": "Web shop 2"})["name"], "Web shop 2")
        comments = (directory / "kenwell.toml").read_text()
        for comment in ("# Written by hand; edits over the API keep this line.", "# small files", "# no older event overwrites a newer one"):
            if comment not in comments:
                raise Failure(f"{comment!r} is gone from kenwell.toml\n{comments}")


def delivered(server, redis, expected, *prefixes):
    """What waited while the Redis was away, the last value of each field; nothing of it twice or too late."""
    for prefix in prefixes:
        busy = server.until(f"what {prefix}busy had sent", lambda: at_least(redis.hash(f"{prefix}busy"), expected["acknowledged"]))
        if int(busy["n"]) > expected["acknowledged"] + 1:
            raise Failure(f"{prefix}busy became {busy}, and {expected['acknowledged']} was acknowledged last")
        queued = redis.hash(f"{prefix}queued")
        same(f"{prefix}queued", queued, {"n": "19", **{f"field-{number}": "true" for number in range(20)}})
        for number in range(5):
            same(f"{prefix}user-{number}", redis.hash(f"{prefix}user-{number}"), {"name": f"User {number}", "number": str(number), "plan.tier": "pro"})
    # In the order in which they came; and in that of their own times.
    same("user:late", redis.hash("user:late"), {"plan": "older", "seen": "late"})
    same("ordered:user:late", redis.hash("ordered:user:late"), {"plan": "newer", "seen": "late"})


def everything(server, redis, expected, prefix):
    """All that a destination was held back for, from the first event on."""
    server.until(f"all of {prefix}", lambda: at_least(redis.hash(f"{prefix}busy"), expected["acknowledged"]))
    for user, wanted in {"refused": {"name": "Refused", "city": "Pune"}, "overtaken": {"name": "Newer", "city": "Oslo"}, "late": {"plan": "older", "seen": "late"}}.items():
        same(f"{prefix}{user}", redis.hash(f"{prefix}{user}"), wanted)


def at_least(found, number):
    """The hash, once its field n has come so far."""
    return found if int(found.get("n", 0)) >= number else None


def retried(server, redis, expected):
    """The letters can be read and written; what a newer event has set stays."""
    redis.ask("DEL", "user:refused")
    answer = server.ask("POST", "/dead-letters/retry", {"destination": "profiles", "all": True})
    same("retried letters", answer["retried"], expected["letters"]["total"])
    same("user:refused", redis.hash("user:refused"), {"name": "Refused", "city": "Pune"})
    same("user:overtaken", redis.hash("user:overtaken"), {"name": "Newer", "city": "Oslo"})
    same("letters that are left", server.ask("GET", "/dead-letters")["total"], 0)


def and_back(program, directory, redis, expected):
    """As the guide has it: nothing waits any more, the journal is moved away, and the older version goes on with the rest."""
    shutil.move(directory / "data" / "journal", directory / "journal-of-the-newer")
    older = os.environ.get(OLDER, program)
    with serving(older, directory, expected) as server:
        if not server.identify("after", {"name": "After"}):
            raise Failure("no event is accepted after the way back")
        for prefix in ("user:", "ordered:user:", "held:user:", "old:user:"):
            server.until(f"{prefix}after", lambda key=f"{prefix}after": redis.hash(key))
        names = {one["name"] for one in server.ask("GET", "/sources")["sources"]}
        same("sources after the way back", names, {"Web shop 2"})
        same("hashes after the way back", redis.hash("user:user-0"), {"name": "User 0", "number": "0", "plan.tier": "pro"})
