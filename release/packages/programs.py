"""The programs and libraries that are packed: built for each target, or given by the caller; without symbols."""

import os
import subprocess
import sys
from pathlib import Path

from . import elf, platforms, targets
from .common import ROOT, TARGET, Failure, program, run, say
from .environment import environment
from .targets import OLDEST_GLIBC, TARGETS

RUST = "install Rust: https://rustup.rs"


def given(path):
    """The target that a ready program is for, and the program without symbols."""
    path = existing(path, "build it first, or leave --binary out")
    found = elf.needs(path)
    triple = f"{found.processor}-unknown-linux-{'musl' if found.static else 'gnu'}"
    return TARGETS[triple], stripped(path, TARGET / "packages" / "given" / path.name)


def built(target):
    """The program `kenwell` for a target."""
    cargo(target, ["--bin", "kenwell"], {})
    program_file = stripped(TARGET / target.triple / "release" / "kenwell", TARGET / "packages" / target.triple / "kenwell")
    check(program_file, target)
    return program_file


def given_addon(path):
    """The system that a ready addon is for, and the addon; one for Linux without symbols."""
    path = named(path, b"napi_register_module_v1", "Node looks for in an addon", "npm run build in crates/kenwell-node makes one")
    platform = platforms.of(path)
    return platform, stripped(path, TARGET / "packages" / "given" / platform.name / "kenwell.node") if platform.os == "linux" else path


def built_addon(target):
    """The native part of @kenwell/redis for a target."""
    return built_library(target, "kenwell-node", "kenwell.node")


def given_extension(path):
    """The target that a ready native half of the Python package is for, and the library without symbols."""
    path = named(path, b"PyInit__native", "Python looks for in kenwell's native half", "cargo build --package kenwell-python makes one")
    target = targets.of_library(elf.needs(path))
    return target, stripped(path, TARGET / "packages" / "given" / target.triple / "_native.abi3.so")


def built_extension(target):
    """The native half of the Python package for a target."""
    return built_library(target, "kenwell-python", "_native.abi3.so")


def built_library(target, package, name):
    """A library for a target, which a Node or Python of that target loads."""
    # A program for musl has musl in it; a library has the musl of the program that loads it.
    flags = {f"CARGO_TARGET_{target.triple.upper().replace('-', '_')}_RUSTFLAGS": "-C target-feature=-crt-static"} if target.static else {}
    cargo(target, ["--package", package], flags)
    library = stripped(TARGET / target.triple / "release" / f"lib{package.replace('-', '_')}.so", TARGET / "packages" / target.triple / name)
    check_library(library, target)
    return library


def existing(path, fix):
    """The path of a file that the caller has named."""
    path = Path(path).resolve()
    if not path.is_file():
        raise Failure(f"there is no file {path}\n  fix: {fix}")
    return path


def named(path, name, whose, fix):
    """The path of a library that the caller has named; it has what it is loaded by."""
    path = existing(path, fix)
    if name not in path.read_bytes():
        raise Failure(f"{path} has no {name.decode()}, which {whose}\n  fix: {fix}")
    return path


def check(path, target):
    """Fails when a program needs more of a machine than it should."""
    found = elf.needs(path)
    if target.static and not found.static:
        raise Failure(f"{path} is not static: it needs {', '.join(found.libraries)}\n  fix: find what asks for shared libraries")
    check_glibc(path, found)


def check_library(path, target):
    """Fails when a library is for another target, or needs anything but the target's C library."""
    found = elf.needs(path)
    if targets.of_library(found) != target:
        raise Failure(f"{path} is for {targets.of_library(found).triple}, not {target.triple}\n  fix: see how cargo linked it")
    strange = set(found.libraries) - (elf.MUSL if target.static else elf.GLIBC)
    if strange:
        raise Failure(f"{path} needs {', '.join(sorted(strange))}\n  fix: find what asks for shared libraries")
    check_glibc(path, found)


def check_glibc(path, found):
    """Fails when a program or library needs a newer glibc than the oldest that it should run with."""
    if found.glibc > tuple(map(int, OLDEST_GLIBC.split("."))):
        raise Failure(f"{path} needs glibc {found.glibc_text()}, not {OLDEST_GLIBC}\n  fix: find what calls the newer functions")


def stripped(source, destination):
    """A copy without symbols and line tables."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(f".{destination.name}.part")
    command, variables = objcopy()
    run([command, "--strip-all", source, part], "name a Linux program", env=variables)
    part.chmod(0o755)
    part.replace(destination)
    return destination


def objcopy():
    """Rust's own, which knows the programs of all processors, and the variables by which it finds its library."""
    sysroot = Path(run([program("rustc", RUST), "--print", "sysroot"]).strip())
    libraries = Path(run(["rustc", "--print", "target-libdir"]).strip())
    found = libraries.parent / "bin" / "rust-objcopy"
    if found.exists():
        return found, {**os.environ, "LD_LIBRARY_PATH": str(sysroot / "lib")}
    return program("llvm-objcopy", "apt-get install llvm | dnf install llvm"), None


def cargo(target, what, more):
    """Builds for a target with zig as compiler of the C parts and as linker. Shows what cargo says: it takes minutes."""
    rustup_target(target)
    tools = zig_tools()
    variables = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(TARGET),
                 "PYO3_NO_PYTHON": "1", **more} # PyO3 would ask this machine's Python, which is not the one that loads the library
    for name in ("RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"): # would take the place of the target's flags
        variables.pop(name, None)
    arguments = ["zigbuild", "--release", "--locked", "--target", target.zig, *what]
    say(f"    cargo {' '.join(arguments)}")
    if subprocess.run([program("cargo", RUST), *arguments], cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise Failure(f"the build for {target.triple} failed\n  fix: see cargo's words above")


def rustup_target(target):
    """Rust's standard library for a target."""
    libraries = Path(run([program("rustc", RUST), "--print", "target-libdir", "--target", target.triple]).strip())
    if not libraries.is_dir():
        run([program("rustup", f"install Rust's standard library for {target.triple} as your system does it"), "target", "add", target.triple],
            f"rustup target add {target.triple}, with the network")


def zig_tools():
    """The directory with zig and cargo-zigbuild."""
    return environment(TARGET / "release-tools" / "zig", ROOT / "release" / "requirements.txt", "zig and cargo-zigbuild",
                       "try again with the network; on other systems than Linux on x86_64 name a program with --binary")
