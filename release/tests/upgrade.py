"""What earlier versions left, with events waiting in it, opened by this version: journals, and whole data directories."""

import shutil
import time
from pathlib import Path

from packages.common import ROOT, Failure

from . import data_directories, running

JOURNALS = ROOT / "conformance" / "journal"


def test(packages, work, redis):
    """What waited for each destination is delivered, from its own place on."""
    program = packages.program(work)
    yield from data_directories.test(program, work)
    for version in sorted(path for path in JOURNALS.iterdir() if path.is_dir()):
        began = time.monotonic()
        redis.ask("FLUSHALL")
        directory = work / version.name
        shutil.copytree(version / "journal", directory / "data" / "journal")
        first, last = places(version)
        (directory / "kenwell.toml").write_text(running.configuration(redis, tuple(first)) + "[journal]\nretain = \"36500d\"\n")
        with running.Child([program, "serve", "--config", directory / "kenwell.toml"], directory / "kenwell.log", env={}) as kenwell:
            for destination, place in first.items():
                for number in range(place, last + 1):
                    found = redis.wait_for(f"{destination}:user:user-{number}")
                    if found.get("number") != str(number):
                        raise Failure(f"user-{number} of a journal of version {version.name} became {found}")
                if place and redis.hash(f"{destination}:user:user-{place - 1}"):
                    raise Failure(f"{destination} got an event again that it had, of a journal of version {version.name}")
            if kenwell.stop() != 0:
                raise Failure(f"kenwell did not end in order\n{kenwell.said()}")
        yield f"journal of version {version.name}", time.monotonic() - began


def places(version):
    """destination -> the first event that it has not got; and the last event there is."""
    cursors = dict(line.split() for line in (version / "cursors.txt").read_text().splitlines())
    last = int(Path(version / "records.txt").read_text().splitlines()[-1].split()[0])
    return {name: int(place) for name, place in cursors.items()}, last
