"""The wheel, installed from its file into an empty environment."""

import shutil
import sys
import time

from packages.common import Failure, run

from . import running


def test(packages, work, redis):
    """pip puts `kenwell` on the path; uvx runs it, where there is uv."""
    (wheel,) = packages.of_this_machine("kenwell-*.whl")
    began = time.monotonic()
    run([sys.executable, "-m", "venv", "--without-pip", work / "venv"], "apt-get install python3-venv")
    run([sys.executable, "-m", "pip", "--python", work / "venv" / "bin" / "python", "--disable-pip-version-check", "install", "--quiet", "--no-index", wheel],
        "apt-get install python3-pip, 22.3 or newer")
    yield "pip install", time.monotonic() - began
    said = run([work / "venv" / "bin" / "kenwell", "--version"])
    if said.strip() != f"kenwell {packages.version()}":
        raise Failure(f"kenwell --version said {said!r}")
    (work / "kenwell.toml").write_text(running.configuration(redis))
    yield "first event", running.first_event(redis, work, [work / "venv" / "bin" / "kenwell"], config=work / "kenwell.toml")
    if shutil.which("uvx"):
        began = time.monotonic()
        run(["uvx", "--offline", "--from", wheel, "kenwell", "--version"])
        yield "uvx", time.monotonic() - began
