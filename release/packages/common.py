"""Where things are, what goes wrong, and how programs are run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()

DESCRIPTION = "Real-time user store on Redis: profiles from events, and application state"
HOMEPAGE = "https://github.com/kenwell/kenwell"
LICENCE = "Apache-2.0"
MAINTAINER = "Kenwell maintainers <maintainers@kenwell.invalid>"


class Failure(Exception):
    """What went wrong, and how to put it right; shown without a traceback."""


def say(text):
    """One line of progress."""
    print(text, flush=True)


def program(name, fix):
    """The path of a program, or a failure that says how to get it."""
    found = shutil.which(name)
    if not found:
        raise Failure(f"{name} is missing\n  fix: {fix}")
    return found


def run(command, fix="see its words above", **options):
    """Runs a program to its end, and gives what it writes to stdout; what it writes at all is shown only when it fails."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace", check=False, **options)
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise Failure(f"{Path(command[0]).name} ended with status {done.returncode}\n  fix: {fix}")
    return done.stdout


def write(path, content):
    """Writes a file under its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content if isinstance(content, bytes) else content.encode())
    part.replace(path)
    return path
