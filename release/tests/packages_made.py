"""The directory of packages that is tested."""

import os
import tarfile
from pathlib import Path

from packages import licences, version, wheel
from packages.common import Failure


def has_licences(directory, crate):
    """Complains unless the licences of third parties are there, with those of this crate among them."""
    path = Path(directory) / licences.NAME
    if not path.is_file() or f"\n{crate} " not in path.read_text():
        raise Failure(f"{path} is not there, or says nothing of {crate}")


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

    def all(self, pattern):
        """The packages whose names are such; there must be one for this machine."""
        found = sorted(self.directory.glob(pattern))
        if not any(os.uname().machine in path.name for path in found):
            raise Failure(f"no {pattern} for {os.uname().machine} is in {self.directory}\n  fix: release/build --out {self.directory}, or --only others")
        return found

    def tarball(self):
        """The tarball for this machine; the one with the static program when there are several."""
        found = [path for path in self.all(f"kenwell-{self.version()}-*-unknown-linux-*.tar.gz") if os.uname().machine in path.name]
        return next((path for path in found if "musl" in path.name), found[0])

    def wheels(self):
        """platform -> wheel, the platforms in pip's words."""
        found = self.all(f"kenwell-{wheel.python_version(self.version())}-*.whl")
        return {path.stem.split("-")[-1].split(".")[0]: path for path in found}

    def program(self, work):
        """The program of the tarball."""
        with tarfile.open(self.tarball()) as archive:
            (member,) = [one for one in archive if one.name.endswith("/kenwell")]
            archive.extract(member, work)
        return Path(work) / member.name
