"""The chart, linted and rendered by Helm itself, and what it renders against Kubernetes' own schemas."""

import time
from pathlib import Path

from packages.common import TARGET, run
from packages.environment import environment

HERE = Path(__file__).resolve().parent


def test(packages, work, redis):
    """In an environment of its own, since the libraries are no part of anything else."""
    del work, redis
    chart = packages.named(f"kenwell-helm-{packages.version()}.tgz")
    tools = environment(TARGET / "release-tools" / "helm", HERE / "requirements.txt", "Helm and Kubernetes' schemas", "try again with the network")
    began = time.monotonic()
    run([tools / "python", HERE / "helm_render.py", chart])
    yield "linted, rendered, validated", time.monotonic() - began
