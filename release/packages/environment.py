"""A Python environment of its own for what comes from PyPI in pinned versions."""

import sys

from .common import run, say, write


def environment(directory, requirements, what, fix):
    """The directory of the programs of an environment with the packages of a file; made once, and again when the file has changed."""
    stamp = directory / "installed-from"
    if not stamp.exists() or stamp.read_bytes() != requirements.read_bytes():
        say(f"    bringing {what} …")
        run([sys.executable, "-m", "venv", "--clear", directory], "apt-get install python3-venv")
        hashes = ["--require-hashes"] if "--hash=" in requirements.read_text() else []
        run([directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", *hashes, "--requirement", requirements], fix)
        write(stamp, requirements.read_bytes())
    return directory / "bin"
