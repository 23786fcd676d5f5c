"""What comes beside the program: pages, completions, manual, an example of the configuration, the systemd unit."""

import tempfile
from functools import lru_cache
from pathlib import Path

from .common import PACKAGING, ROOT, run

SHELLS = {"bash": "kenwell.bash", "zsh": "_kenwell", "fish": "kenwell.fish"}
PAGES = ("README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md")


def pages():
    """name -> content of the pages at the top of the repository."""
    return {name: (ROOT / name).read_bytes() for name in PAGES}


def configuration():
    """The configuration that a new installation begins with."""
    return (PACKAGING / "kenwell.toml").read_bytes()


def unit():
    """The systemd unit; it starts /usr/bin/kenwell."""
    return (PACKAGING / "systemd" / "kenwell.service").read_bytes()


@lru_cache
def completions(program):
    """shell -> script, as the program prints them."""
    return {shell: run([program, "completions", shell]).encode() for shell in SHELLS}


@lru_cache
def manual(program):
    """name -> manual page, as the program writes them."""
    with tempfile.TemporaryDirectory() as directory:
        run([program, "man", directory])
        return {page.name: page.read_bytes() for page in sorted(Path(directory).iterdir())}
