"""The Rust crates as cargo packs them for crates.io; those that others name come first."""

import shutil

from .common import ROOT, TARGET, run

# In the order in which they are published.
CRATES = ("kenwell-json", "kenwell-event", "kenwell-journal", "kenwell", "kenwell-server")


def build(release):
    """One file a crate. They are not compiled here again: the tests have done that."""
    command = ["cargo", "package", "--locked", "--no-verify", "--allow-dirty"]
    for crate in CRATES:
        command += ["--package", crate]
    run(command, "see cargo's words above", cwd=ROOT)
    for crate in CRATES:
        name = f"{crate}-{release.version}.crate"
        shutil.copyfile(TARGET / "package" / name, release.out / name)
        release.add(release.out / name)
