"""What Kenwell is built for, and what each system of packages calls it."""

import os
from dataclasses import dataclass

from .common import Failure

# The oldest glibc that a program for glibc runs with: that of Rust's own standard library.
OLDEST_GLIBC = "2.17"


@dataclass(frozen=True)
class Target:
    """A target of Rust's, and its processor's name in Debian, OCI and npm."""

    triple: str
    processor: str
    debian: str
    oci: str
    npm: str

    @property
    def static(self):
        """Whether a program for it needs nothing of its system."""
        return self.triple.endswith("-musl")

    @property
    def zig(self):
        """What cargo-zigbuild calls it."""
        return self.triple if self.static else f"{self.triple}.{OLDEST_GLIBC}"


TARGETS = {target.triple: target for target in (
    Target("x86_64-unknown-linux-gnu", "x86_64", "amd64", "amd64", "x64"),
    Target("x86_64-unknown-linux-musl", "x86_64", "amd64", "amd64", "x64"),
    Target("aarch64-unknown-linux-gnu", "aarch64", "arm64", "arm64", "arm64"),
    Target("aarch64-unknown-linux-musl", "aarch64", "arm64", "arm64", "arm64"),
)}


def find(triple):
    """The target of that name."""
    if triple not in TARGETS:
        raise Failure(f"unknown target {triple}\n  fix: one of {', '.join(TARGETS)}")
    return TARGETS[triple]


def of_library(needs):
    """The target that a shared library was built for, by the C library that it needs."""
    if needs.static:
        raise Failure("it is a static program, no shared library\n  fix: name a library that cargo has built")
    return TARGETS[f"{needs.processor}-unknown-linux-{'gnu' if needs.glibc else 'musl'}"]


def of_this_machine():
    """The target whose programs run on this machine, whatever its C library is."""
    return find(f"{os.uname().machine}-unknown-linux-musl")
