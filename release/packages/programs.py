"""The programs that are packed: built for each target, without symbols, or given by the caller."""

import os
import subprocess
import sys
from pathlib import Path

from . import elf
from .common import ROOT, TARGET, Failure, program, run, say, write
from .targets import OLDEST_GLIBC, TARGETS

TOOLS = TARGET / "release-tools"
REQUIREMENTS = ROOT / "release" / "requirements.txt"


def given(path):
    """The target that a ready program is for, and the program without symbols."""
    path = Path(path).resolve()
    if not path.is_file():
        raise Failure(f"there is no program {path}\n  fix: build it first, or leave --binary out")
    found = elf.needs(path)
    triple = f"{found.processor}-unknown-linux-{'musl' if found.static else 'gnu'}"
    return TARGETS[triple], stripped(path, TARGET / "packages" / "given" / path.name)


def built(target):
    """The program `kenwell` for a target."""
    cargo(target, ["--bin", "kenwell"])
    program_file = stripped(TARGET / target.triple / "release" / "kenwell", TARGET / "packages" / target.triple / "kenwell")
    check(program_file, target)
    return program_file


def built_addon(target):
    """The native half of @kenwell/redis for a target."""
    cargo(target, ["--package", "kenwell-node"])
    addon = stripped(TARGET / target.triple / "release" / "libkenwell_node.so", TARGET / "packages" / target.triple / "kenwell.node")
    check(addon, target)
    return addon


def check(path, target):
    """Fails when a program needs more of a machine than it should."""
    found = elf.needs(path)
    if target.static and not found.static:
        raise Failure(f"{path} is not static: it needs {', '.join(found.libraries)}\n  fix: find what asks for shared libraries")
    if found.glibc > tuple(map(int, OLDEST_GLIBC.split("."))):
        raise Failure(f"{path} needs glibc {found.glibc_text()}, not {OLDEST_GLIBC}\n  fix: find what calls the newer functions")


def stripped(source, destination):
    """A copy without symbols and line tables; made anew only when the program has changed."""
    if destination.exists() and destination.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return destination
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f".{destination.name}.part")
    command, environment = objcopy()
    run([command, "--strip-all", source, part], "name a Linux program", env=environment)
    part.chmod(0o755)
    part.replace(destination)
    return destination


def objcopy():
    """Rust's own, which knows the programs of all processors, and the environment in which it finds its library."""
    sysroot = Path(run([program("rustc", "install Rust: https://rustup.rs"), "--print", "sysroot"]).strip())
    libraries = Path(run(["rustc", "--print", "target-libdir"]).strip())
    found = libraries.parent / "bin" / "rust-objcopy"
    if found.exists():
        return found, {**os.environ, "LD_LIBRARY_PATH": str(sysroot / "lib")}
    return program("llvm-objcopy", "apt-get install llvm | dnf install llvm"), None


def cargo(target, what):
    """Builds for a target with zig as compiler of the C parts and as linker. Shows what cargo says: it takes minutes."""
    rustup_target(target)
    tools = zig_tools()
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(TARGET)}
    command = ["cargo", "zigbuild", "--release", "--locked", "--target", target.zig, *what]
    say(f"    {' '.join(command)}")
    if subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise Failure(f"the build for {target.triple} failed\n  fix: see cargo's words above")


def rustup_target(target):
    """Rust's standard library for a target."""
    libraries = Path(run(["rustc", "--print", "target-libdir", "--target", target.triple]).strip())
    if not libraries.is_dir():
        run([program("rustup", f"install Rust's standard library for {target.triple} as your system does it"), "target", "add", target.triple],
            f"rustup target add {target.triple}, with the network")


def zig_tools():
    """The directory with zig and cargo-zigbuild, in the pinned versions; installed once."""
    stamp = TOOLS / "installed-from"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        say("    bringing zig and cargo-zigbuild …")
        run([sys.executable, "-m", "venv", "--clear", TOOLS], "apt-get install python3-venv")
        run([TOOLS / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes",
             "--requirement", REQUIREMENTS], "try again with the network; on other systems than Linux on x86_64 name a program with --binary")
        write(stamp, REQUIREMENTS.read_bytes())
    return TOOLS / "bin"
