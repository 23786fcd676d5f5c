"""What a Linux program needs from the machine that it runs on, as `readelf` tells it."""

import os
import re
from dataclasses import dataclass

from .common import Failure, program, run

MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64"}

# The shared libraries that each C library is made of.
GLIBC = {"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
MUSL = {"libc.so"}


@dataclass(frozen=True)
class Needs:
    """The processor, the oldest glibc (empty: none at all), and the shared libraries."""

    processor: str
    glibc: tuple[int, ...]
    libraries: tuple[str, ...]
    interpreter: str

    @property
    def static(self):
        """Whether it runs on any Linux."""
        return not self.libraries and not self.interpreter

    def glibc_text(self):
        """Such as 2.17."""
        return ".".join(map(str, self.glibc))


def needs(path):
    """What a program needs."""
    readelf = program("readelf", "apt-get install binutils | dnf install binutils")
    text = run([readelf, "--wide", "--file-header", "--program-headers", "--dynamic", "--version-info", path],
               "name a Linux program", env={**os.environ, "LC_ALL": "C"}) # in English, whatever the person speaks
    machine = re.search(r"Machine:\s+(.+)", text)
    if not machine or machine[1].strip() not in MACHINES:
        raise Failure(f"{path} is for another processor than {' and '.join(MACHINES.values())}\n  fix: name a program that Kenwell is packed for")
    versions = {tuple(map(int, version.split("."))) for version in re.findall(r"Name: GLIBC_([\d.]+)\s+Flags", text)}
    interpreter = re.search(r"Requesting program interpreter: ([^\]]+)\]", text)
    return Needs(MACHINES[machine[1].strip()], max(versions, default=()), tuple(re.findall(r"\(NEEDED\)\s+Shared library: \[([^\]]+)\]", text)),
                 interpreter[1] if interpreter else "")
