"""The workflows and the Homebrew formula, read by the programs that know them."""

import os
import shutil
import time

from packages.common import PACKAGING, ROOT, TARGET, program, run, say

VERSION = "v1.7.12" # knows the runners that the workflows name
PROGRAM = TARGET / "release-tools" / f"actionlint-{VERSION}" / "actionlint"


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
    if not PROGRAM.exists():
        go = program("go", "apt-get install golang-go, which builds actionlint | brew install actionlint")
        say("    bringing actionlint …")
        run([go, "install", f"github.com/rhysd/actionlint/cmd/actionlint@{VERSION}"], env={**os.environ, "GOBIN": str(PROGRAM.parent)})
    return PROGRAM
