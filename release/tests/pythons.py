"""A Python for each system that can be had here beside this machine's own: Debian's for arm64 in qemu, and those for musl."""

import os
import sys
import sysconfig

from packages.common import write

from . import systems

# A Python for musl is in the wheels of a package that makes programs of Python's: it runs what programs begin with, which is ours.
# It has the modules in C; those in Python are this machine's, so it must be the same Python.
MUSL_WHEEL = "freeze-core==0.8.1"
MUSL_VERSION = (3, 11)
BEGIN = """
import sys
def run(name):
    library, option, code = sys.argv[1:4]
    assert option == "-c"
    sys.path[:0] = ["", library]
    sys.argv[:] = ["-c", *sys.argv[4:]]
    exec(code, sys.modules["__main__"].__dict__)
"""


def command(platform):
    """How to start a Python for a platform in pip's words: the words before its arguments, of which the first is -c."""
    libc, machine = platform.split("_")[0], platform.split("_", 3)[-1]
    if machine not in ("aarch64", os.uname().machine):
        raise systems.NotHere(f"it is for {machine}")
    return musl(machine) if libc == "musllinux" else arm64()


def arm64():
    """Debian's."""
    root = systems.arm64()
    return [systems.qemu(), "-L", root, root / "usr/bin/python3"]


def musl(machine):
    """Started by Debian's musl."""
    if sys.version_info[:2] != MUSL_VERSION:
        raise systems.NotHere(f"Python for musl is tried with Python {'.'.join(map(str, MUSL_VERSION))}")
    directory = systems.musl_wheel(MUSL_WHEEL, machine)
    program, libraries = directory / "freeze_core" / "python", directory / "freeze_core.libs"
    if not program.exists():
        next(program.parent.glob("bases/console-*-linux-musl")).rename(program)
        program.chmod(0o755)
    write(program.parent / "lib" / "__init__python.py", BEGIN)
    systems.shared(machine, "crc32.c", libraries / "libz.so.1")
    # Loaded before the program begins, as older_musl.c needs it; the module ssl asks for them.
    first = [next(libraries.glob(f"{name}-*")) for name in ("libcrypto", "libssl")]
    return [*systems.musl(machine, libraries, first), program, sysconfig.get_path("stdlib")]
