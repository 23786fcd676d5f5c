"""The npm packages, installed from their files into an empty folder."""

import os
import time

from packages import targets
from packages.common import Failure, program, run

from . import running
from .packages_made import has_licences


def test(packages, work, redis):
    """`npx kenwell` runs the program."""
    npm = program("npm", "apt-get install npm | brew install node | dnf install npm")
    version = packages.version()
    processor = targets.of_this_machine().npm
    began = time.monotonic()
    install(npm, work / "cli", [packages.named(f"kenwell-npm-{version}.tgz"), packages.named(f"kenwell-cli-linux-{processor}-{version}.tgz")])
    yield "npm install kenwell", time.monotonic() - began
    has_licences(work / "cli" / "node_modules" / f"@kenwell/cli-linux-{processor}", "hyper")
    said = run(["npx", "--no-install", "kenwell", "--version"], cwd=work / "cli")
    if said.strip() != f"kenwell {version}":
        raise Failure(f"npx kenwell --version said {said!r}")
    (work / "kenwell.toml").write_text(running.configuration(redis))
    launcher = work / "cli" / "node_modules" / ".bin" / "kenwell"
    yield "first event", running.first_event(redis, work, [launcher], {"PATH": os.environ["PATH"]}, work / "kenwell.toml")
    npx = ["npx", "--no-install", "kenwell"]
    yield "npx kenwell dev, until it shows its link", running.dev(work / "cli", npx, "npx kenwell")


def install(npm, directory, files):
    """An empty folder with these packages."""
    directory.mkdir()
    (directory / "package.json").write_text('{"private": true}')
    run([npm, "install", "--offline", "--no-audit", "--no-fund", *files], cwd=directory)
