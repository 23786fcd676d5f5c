"""The wheels: this machine's, installed into an empty environment, and those of other systems in a Python of theirs."""

import os
import shutil
import sys
import time

from packages.common import Failure, run, say

from . import pythons, running, systems
from .packages_made import has_licences

SAVE_AND_LOAD = """
import asyncio, platform, sys
from kenwell import StateStore
async def main():
    async with StateStore(sys.argv[1]) as store:
        await store.save("ada", {"user": {"data": {"visits": 1}}})
        print((await store.load("ada"))["user"]["data"]["visits"], platform.machine(), platform.python_version())
asyncio.run(main())
"""
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


def test(packages, work, redis):
    """pip puts `kenwell` on the path; `import kenwell` saves and loads; uvx runs the program, where there is uv."""
    for platform, wheel in packages.wheels().items():
        if platform.startswith("manylinux") and platform.endswith(f"_{os.uname().machine}"):
            yield from installed(packages, platform, wheel, work, redis)
            continue
        try:
            python = pythons.command(platform)
        except systems.NotHere as why:
            say(f"    {platform} is not loaded here: {why}")
            continue
        yield elsewhere(platform, wheel, python, work / platform, redis)


def installed(packages, platform, wheel, work, redis):
    """As a person does it."""
    began = time.monotonic()
    run([sys.executable, "-m", "venv", "--without-pip", work / "venv"], "apt-get install python3-venv")
    python = work / "venv" / "bin" / "python"
    run([*PIP, "--python", python, "install", "--quiet", "--no-index", wheel], "apt-get install python3-pip, 22.3 or newer")
    yield "pip install", time.monotonic() - began
    (texts,) = (work / "venv").glob("lib/python*/site-packages/kenwell-*.dist-info/licenses")
    has_licences(texts, "pyo3")
    said = run([work / "venv" / "bin" / "kenwell", "--version"])
    if said.strip() != f"kenwell {packages.version()}":
        raise Failure(f"kenwell --version said {said!r}")
    (work / "kenwell.toml").write_text(running.configuration(redis))
    yield "first event", running.first_event(redis, work, [work / "venv" / "bin" / "kenwell"], config=work / "kenwell.toml")
    kenwell = work / "venv" / "bin" / "kenwell"
    yield "kenwell dev, until it shows its link", running.dev(work / "venv", [kenwell], str(kenwell))
    yield state_store([python], platform, work, redis)
    if shutil.which("uvx"):
        began = time.monotonic()
        run(["uvx", "--offline", "--from", wheel, "kenwell", "--version"])
        yield "uvx", time.monotonic() - began


def elsewhere(platform, wheel, python, directory, redis):
    """Unpacked by this machine's pip, which takes it for the other system, and imported there."""
    run([*PIP, "install", "--quiet", "--no-index", "--no-deps", "--target", directory, "--only-binary=:all:", "--implementation", "cp",
         "--abi", "abi3", "--python-version", "3.9", "--platform", platform, wheel])
    return state_store(python, platform, directory, redis)


def state_store(python, platform, directory, redis):
    """`import kenwell` saves and loads; where, and how long it took."""
    began = time.monotonic()
    redis.ask("FLUSHALL")
    said = run([*python, "-c", SAVE_AND_LOAD, f"redis://127.0.0.1:{redis.port}"], cwd=directory)
    visits, found, version = said.split()
    if visits != "1" or not platform.endswith(f"_{found}"):
        raise Failure(f"the state store said {said!r}")
    return f"state store in Python {version}, {platform}", time.monotonic() - began
