"""One release that is being packed: its version, its time, its programs, and where the packages go."""

import os
from functools import cached_property
from pathlib import Path

from . import programs, version
from .common import ROOT, TARGET, Failure, run, say, write
from .targets import find


class Release:
    """What the packers share. Programs are built when the first packer asks for them."""

    def __init__(self, out, targets, binary=None, addon=None):
        self.out = Path(out).resolve()
        self.version = version.current()
        self.targets = [find(triple) for triple in targets]
        self.made = []
        self._programs, self._addons = {}, {}
        if binary:
            target, path = programs.given(binary)
            self.targets = [target]
            self._programs[target] = path
        self._given_addon = addon

    @cached_property
    def epoch(self):
        """The time that everything in the packages bears: SOURCE_DATE_EPOCH, or that of the last commit."""
        said = os.environ.get("SOURCE_DATE_EPOCH") or run(["git", "-C", ROOT, "log", "-1", "--format=%ct"],
                                                          "set SOURCE_DATE_EPOCH to a time in seconds").strip()
        if not said.isdigit():
            raise Failure(f"SOURCE_DATE_EPOCH is {said!r}\n  fix: a whole number of seconds since 1970")
        return int(said)

    def program(self, target):
        """The program `kenwell` for a target, as a file."""
        if target not in self._programs:
            self._programs[target] = programs.built(target)
        return self._programs[target]

    def addon(self, target):
        """The native half of @kenwell/redis for a target, as a file."""
        if target not in self._addons:
            self._addons[target] = self._given_one() if self._given_addon else programs.built_addon(target)
        return self._addons[target]

    def _given_one(self):
        path = Path(self._given_addon).resolve()
        if not path.is_file():
            raise Failure(f"there is no addon {path}\n  fix: npm run build in crates/kenwell-node")
        return programs.stripped(path, TARGET / "packages" / "given" / "kenwell.node")

    def one_for_each_processor(self):
        """A target for each processor: the static one where there is one, since it runs on every Linux."""
        best = {}
        for target in self.targets:
            if target.static or target.processor not in best:
                best[target.processor] = target
        return list(best.values())

    def native_program(self):
        """A program that runs on this machine."""
        for target in self.targets:
            if target.processor == os.uname().machine:
                return self.program(target)
        return self.program(find(f"{os.uname().machine}-unknown-linux-musl"))

    def keep(self, name, content):
        """Puts a package into the directory."""
        return self.add(write(self.out / name, content))

    def add(self, path):
        """Counts a file that is in the directory already as one of the packages."""
        self.made.append(path)
        say(f"    {path.name}  {path.stat().st_size / 1e6:.1f} MB")
        return path
