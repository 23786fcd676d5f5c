"""kenwell.rb: the Homebrew formula, with the version, and the checksums of the tarballs that are in the directory."""

import re

from .checksums import sha256
from .common import PACKAGING, Failure

FORMULA = PACKAGING / "homebrew" / "kenwell.rb"
CHECKSUM = re.compile(r"@SHA256 ([\w-]+)@")


def targets():
    """The targets whose tarballs the formula names."""
    return set(CHECKSUM.findall(FORMULA.read_text())) - {"source"}


def build(release):
    """One file."""
    def checksum(match):
        path = release.out / f"kenwell-{release.version}-{match[1]}.tar.gz"
        if not path.exists():
            raise Failure(f"the formula names {path.name}, which is not there\n  fix: make tarball and source for all targets, or leave homebrew out")
        return sha256(path.read_bytes())

    text = FORMULA.read_text().replace("@VERSION@", release.version)
    release.keep("kenwell.rb", CHECKSUM.sub(checksum, text))
