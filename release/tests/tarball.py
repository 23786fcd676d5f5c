"""The tarball, unpacked into an empty directory."""

import tarfile
from pathlib import Path

from packages.common import Failure, run

from . import running
from .packages_made import has_licences


def test(packages, work, redis):
    """Every file of it is there, the example is valid, and the program serves."""
    tarball = packages.tarball()
    with tarfile.open(tarball) as archive:
        archive.extractall(work)
    (directory,) = [path for path in Path(work).iterdir() if path.is_dir()]
    missing = [name for name in ("README.md", "LICENSE", "CHANGELOG.md", "kenwell.service", "completions/kenwell.bash", "man/kenwell.1")
               if not (directory / name).is_file()]
    if missing:
        raise Failure(f"{tarball.name} lacks {', '.join(missing)}")
    has_licences(directory, "hyper")
    run([directory / "kenwell", "config", "check", directory / "kenwell.toml"], env={})
    (work / "kenwell.toml").write_text(running.configuration(redis))
    yield "first event", running.first_event(redis, work, [directory / "kenwell"], config=work / "kenwell.toml")
