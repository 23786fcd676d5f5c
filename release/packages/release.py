"""One release that is being packed: its version, its time, its programs, and where the packages go."""

import os
from functools import cached_property
from pathlib import Path

from . import licences, parts, platforms, programs, version
from .common import ROOT, Failure, run, say, write
from .targets import find, of_this_machine


class Release:
    """What the packers share. A program or library is built when the first packer asks for it."""

    def __init__(self, out, targets, binary=None, addons=(), extensions=()):
        self.out = Path(out).resolve()
        self.version = version.current()
        self.targets = [find(triple) for triple in targets]
        self.made = []
        self._programs = {}
        self._licences = {}
        if binary:
            target, path = programs.given(binary)
            self.targets = [target]
            self._programs[target] = path
        self._addons = dict(map(programs.given_addon, addons))
        self._extensions = dict(map(programs.given_extension, extensions))

    @cached_property
    def epoch(self):
        """The time of every file in the packages: SOURCE_DATE_EPOCH, or that of the last commit."""
        said = os.environ.get("SOURCE_DATE_EPOCH") or run(["git", "-C", ROOT, "log", "-1", "--format=%ct"],
                                                          "set SOURCE_DATE_EPOCH to a time in seconds").strip()
        if not said.isdigit():
            raise Failure(f"SOURCE_DATE_EPOCH is {said!r}\n  fix: a whole number of seconds since 1970")
        return int(said)

    @cached_property
    def crates(self):
        """What cargo says of the crates that the binaries are made of, for all systems that something is packed for."""
        others = [parts.OTHER_SYSTEMS[platform.name] for platform in self._addons if platform.name in parts.OTHER_SYSTEMS]
        return parts.metadata([*(target.triple for target in self.targets), *others])

    def licences(self, *crates):
        """The licences of what binaries of these crates are made of, as a file."""
        if crates not in self._licences:
            self._licences[crates] = licences.text(crates, self.crates)
        return self._licences[crates]

    def program(self, target):
        """The program `kenwell` for a target, as a file."""
        if target not in self._programs:
            self._programs[target] = programs.built(target)
        return self._programs[target]

    def addons(self):
        """The native part of @kenwell/redis for each system, as files: those that were given, and one for each target."""
        for target in self.targets:
            platform = platforms.of_target(target)
            if platform not in self._addons:
                self._addons[platform] = programs.built_addon(target)
        return self._addons

    def extension(self, target):
        """The native half of the Python package for a target, as a file."""
        if target not in self._extensions:
            self._extensions[target] = programs.built_extension(target)
        return self._extensions[target]

    def one_for_each_processor(self):
        """One of the targets for each processor: the static one if it is among them, since it runs on every Linux."""
        best = {}
        for target in self.targets:
            if target.static or target.processor not in best:
                best[target.processor] = target
        return list(best.values())

    def native_program(self):
        """A program that runs on this machine: one of the targets' if there is one."""
        here = of_this_machine()
        return self.program(next((target for target in self.targets if target.processor == here.processor), here))

    def keep(self, name, content):
        """Puts a package into the directory."""
        return self.add(write(self.out / name, content))

    def add(self, path):
        """Counts a file that is in the directory already as one of the packages."""
        self.made.append(path)
        say(f"    {path.name}  {path.stat().st_size / 1e6:.1f} MB")
        return path
