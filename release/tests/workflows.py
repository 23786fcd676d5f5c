"""The workflows, the Containerfile's neighbours and the formula, read by the programs that know them."""

import os
import shutil
import time

from packages.common import PACKAGING, ROOT, TARGET, Failure, run, say

ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"
BIN = TARGET / "release-tools" / "bin"


def test(packages, work, redis):
    """actionlint over the workflows; Ruby over the formula, where there is Ruby."""
    del packages, work, redis
    began = time.monotonic()
    run([actionlint(), *sorted((ROOT / ".github" / "workflows").glob("*.yml"))])
    yield "actionlint", time.monotonic() - began
    if shutil.which("ruby"):
        run(["ruby", "-c", PACKAGING / "homebrew" / "kenwell.rb"])
        yield "ruby -c", 0.0


def actionlint():
    """The program, built once where there is Go."""
    found = shutil.which("actionlint")
    if found:
        return found
    if not (BIN / "actionlint").exists():
        if not shutil.which("go"):
            raise Failure("actionlint is missing, and Go, which builds it\n  fix: apt-get install golang-go | brew install actionlint")
        say("    bringing actionlint …")
        run(["go", "install", ACTIONLINT], env={**os.environ, "GOBIN": str(BIN)})
    return BIN / "actionlint"
