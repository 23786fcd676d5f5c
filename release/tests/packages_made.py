"""The directory of packages that is tested."""

import os
import tarfile
from pathlib import Path

from packages import version
from packages.common import Failure


class PackagesMade:
    """What `release/build` has put there."""

    def __init__(self, directory):
        self.directory = Path(directory).resolve()

    def version(self):
        """The version of this repository."""
        return version.current()

    def named(self, name):
        """The package of that name."""
        path = self.directory / name
        if not path.exists():
            raise Failure(f"{name} is not in {self.directory}\n  fix: release/build --out {self.directory}, or --only others")
        return path

    def of_this_machine(self, pattern):
        """One package that runs here; the static one when there are several."""
        found = [path for path in sorted(self.directory.glob(pattern)) if os.uname().machine in path.name]
        if not found:
            raise Failure(f"no {pattern} for {os.uname().machine} is in {self.directory}\n  fix: release/build --out {self.directory}, or --only others")
        return [next((path for path in found if "musl" in path.name), found[0])]

    def program(self, work):
        """The program of the tarball."""
        (tarball,) = self.of_this_machine(f"kenwell-{self.version()}-*-unknown-linux-*.tar.gz")
        with tarfile.open(tarball) as archive:
            (member,) = [one for one in archive if one.name.endswith("/kenwell")]
            archive.extract(member, work)
        return Path(work) / member.name
