"""The systems that @kenwell/redis has a native part for, and which of them an addon was built for."""

import struct
from dataclasses import dataclass
from pathlib import Path

from . import elf, targets
from .common import Failure

MACH_O, MACH_O_PROCESSORS = 0xFEEDFACF, {0x0100000C: "arm64", 0x01000007: "x64"}
PE_PROCESSORS = {0x8664: "x64"}


@dataclass(frozen=True)
class Platform:
    """A system in npm's words: what `os`, `cpu` and `libc` of a package say."""

    os: str
    cpu: str
    words: str
    libc: str = ""

    @property
    def name(self):
        """As it stands in the name of the package, and in lib/addon.js."""
        return "-".join(filter(None, (self.os, self.cpu, "gnu" if self.libc == "glibc" else self.libc)))


PLATFORMS = {one.name: one for one in (
    Platform("linux", "x64", "Linux on x64 with glibc", "glibc"),
    Platform("linux", "x64", "Linux on x64 with musl, such as Alpine", "musl"),
    Platform("linux", "arm64", "Linux on arm64 with glibc", "glibc"),
    Platform("linux", "arm64", "Linux on arm64 with musl, such as Alpine", "musl"),
    Platform("darwin", "x64", "macOS on Intel"),
    Platform("darwin", "arm64", "macOS on Apple's own processors"),
    Platform("win32", "x64", "Windows on x64"),
)}


def of_target(target):
    """The platform of a target of Rust's."""
    return PLATFORMS[f"linux-{target.npm}-{'musl' if target.static else 'gnu'}"]


def of(addon):
    """The platform that an addon was built for, as its first bytes and its libraries tell."""
    head = Path(addon).read_bytes()[:4096]
    if head[:4] == b"\x7fELF":
        return of_target(targets.of_library(elf.needs(addon)))
    found = None
    try:
        if struct.unpack_from("<I", head)[0] == MACH_O:
            found = f"darwin-{MACH_O_PROCESSORS.get(struct.unpack_from('<I', head, 4)[0])}"
        elif head[:2] == b"MZ":
            found = f"win32-{PE_PROCESSORS.get(struct.unpack_from('<H', head, struct.unpack_from('<I', head, 0x3C)[0] + 4)[0])}"
    except struct.error:
        pass # it ends before it has told
    if found not in PLATFORMS:
        raise Failure(f"{addon} is no addon for a system that there is a package for\n  fix: one of {', '.join(PLATFORMS)}; npm run build in crates/kenwell-node makes one")
    return PLATFORMS[found]
