"""The Rust crates as cargo packs them for crates.io; those that others name come first."""

import os
import shutil

from .common import ROOT, TARGET, program, run

# In the order in which they are published.
CRATES = ("kenwell-json", "kenwell-event", "kenwell-journal", "kenwell", "kenwell-teloxide", "kenwell-server")


def build(release):
    """One file a crate. They are not compiled here again: the tests have done that."""
    command = [program("cargo", "install Rust: https://rustup.rs"), "package", "--locked", "--no-verify", "--allow-dirty"]
    for crate in CRATES:
        command += ["--package", crate]
    run(command, "see cargo's words above", cwd=ROOT, env={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    for crate in CRATES:
        name = f"{crate}-{release.version}.crate"
        shutil.copyfile(TARGET / "package" / name, release.out / name)
        release.add(release.out / name)
