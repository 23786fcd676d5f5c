"""Other systems whose programs run on this machine: arm64 in qemu, and musl."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from packages.common import TARGET, program, run, say
from packages.programs import zig_tools

from .deb import this_systems_suite

KEPT = TARGET / "release-tools" / "systems"
HERE = Path(__file__).resolve().parent
# The first musl with packed relocations, and the first with all that programs of today ask for; older_musl.c helps those before.
MUSL_WITH_RELR, MUSL_WITH_ALL = (1, 2, 4), (1, 2, 5)


class NotHere(Exception):
    """Why a system cannot be had on this machine."""


def missing(name):
    """Ends with what to install."""
    raise NotHere(f"{name} is missing: apt-get install {name}")


def fresh(directory, what):
    """An empty directory for something that is brought."""
    say(f"    bringing {what} …")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def qemu():
    """Runs programs for arm64."""
    return shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static") or missing("qemu-user")


def arm64():
    """A Debian for arm64 with Python and musl: its packages unpacked, and none of their scripts run."""
    if os.geteuid() != 0:
        raise NotHere("debootstrap needs root")
    suite = this_systems_suite()
    made = KEPT / f"arm64-{suite}"
    if not made.is_dir():
        part = Path(f"{made}.part")
        fresh(part, f"a Debian for arm64 ({suite})")
        run([program("debootstrap", "apt-get install debootstrap"), "--foreign", "--arch=arm64", "--variant=minbase", "--include=python3,musl", suite, part],
            "see the end of debootstrap's words, and try again with the network")
        for package in (part / "var/cache/apt/archives").glob("*.deb"):
            run(["dpkg-deb", "--extract", package, part])
            package.unlink()
        part.rename(made)
    return made


def debian_packages(directory, *names):
    """Unpacks packages of Debian, without installing them."""
    if not shutil.which("apt-get"):
        raise NotHere("its libraries come from Debian, with apt-get")
    for name in names:
        run(["apt-get", "download", "-qq", name], "apt-get update, as root", cwd=directory)
    for package in directory.glob("*.deb"):
        run(["dpkg-deb", "--extract", package, directory])
        package.unlink()


def musl(machine, libraries, first=()):
    """What comes before a program that is linked with musl: musl's loader, a directory of libraries, and those to load first."""
    words, number = musl_loader(machine)
    first = list(first)
    if number < MUSL_WITH_ALL:
        relr = ["-DWITHOUT_RELR"] if number < MUSL_WITH_RELR else []
        first.insert(0, shared(machine, "older_musl.c", KEPT / f"musl-{machine}" / "older_musl.so", *relr))
    return [*words, *(["--preload", ":".join(map(str, first))] if first else []), "--library-path", libraries]


def musl_loader(machine):
    """Debian's loader of musl, in qemu where it must be, and its version."""
    here = machine == os.uname().machine
    directory = KEPT / f"musl-{machine}"
    if here and not (directory / "ready").exists():
        fresh(directory, "musl")
        debian_packages(directory, "musl")
        (directory / "ready").touch()
    loader = next((directory if here else arm64()).glob("**/*-linux-musl/libc.so"))
    words = [loader] if here else [qemu(), loader]
    usage = subprocess.run(words, capture_output=True, text=True, check=False).stderr # all that it says without a program
    return words, tuple(map(int, re.search(r"Version ([\d.]+)", usage)[1].split(".")))


def shared(machine, source, library, *more):
    """A library of one of the C files here. The C compiler of this machine knows glibc, and must leave it out."""
    compiler = ["cc", "-nostdlib"] if machine == os.uname().machine else [zig_tools() / "python", "-m", "ziglang", "cc", "-target", f"{machine}-linux-musl"]
    library.parent.mkdir(parents=True, exist_ok=True)
    run([*compiler, "-shared", "-fPIC", "-O1", "-fno-builtin", "-fno-stack-protector", *more, "-o", library, HERE / source],
        "apt-get install gcc")
    return library


def musl_wheel(requirement, machine):
    """The files of a wheel for musl from PyPI, in a directory of their own."""
    directory = KEPT / f"{requirement.split('=')[0]}-{machine}"
    if not (directory / "ready").exists():
        fresh(directory, f"{requirement} for musl on {machine}")
        run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--platform",
             f"musllinux_1_2_{machine}", "--dest", directory, requirement], "apt-get install python3-pip, and try again with the network")
        (wheel,) = directory.glob("*.whl")
        shutil.unpack_archive(wheel, directory, "zip")
        wheel.unlink()
        (directory / "ready").touch()
    return directory
