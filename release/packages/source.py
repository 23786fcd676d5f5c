"""kenwell-VERSION-source.tar.gz: the files of the last commit."""

import subprocess

from .archive import compress
from .common import ROOT, Failure


def build(release):
    """What git keeps, as of the last commit."""
    done = subprocess.run(["git", "-C", ROOT, "archive", "--format=tar", f"--prefix=kenwell-{release.version}/", "HEAD"],
                          stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Failure("git cannot pack the last commit\n  fix: run it in a clone of the repository")
    release.keep(f"kenwell-{release.version}-source.tar.gz", compress(done.stdout))
