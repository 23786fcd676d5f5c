"""Holds the numbers of crates that docs/state-store.md gives for each feature of the library against what Cargo would build.

    python3 -B tools/crate_counts.py

A number counts the library itself, and what a program with it is made of on this system: no crates of tests, of build scripts, or of
other systems.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/state-store.md"
README = ROOT / "crates/kenwell/README.md"
ROW = re.compile(r"^\| (?:`(?P<feature>[a-z-]+)`|none) \|.*\| (?P<alone>\d+)(?:; (?P<besides>\d+) with the default)? \|$", re.M)
DEFAULT = re.compile(r"The default is what a store\s+of sessions wants, and has (?P<all>\d+) crates; without `tls` it has (?P<plain>\d+)")


def crates(*options: str) -> int:
    """How many crates the library is with these options."""
    command = ["cargo", "tree", "--locked", "--package", "kenwell", "--edges", "normal", "--prefix", "none", *options]
    said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return len({line.removesuffix(" (*)") for line in said.splitlines() if line.strip()})


def main() -> int:
    """Prints each number that is wrong; their number is the exit status."""
    page = PAGE.read_text()
    default = DEFAULT.search(page)
    again = DEFAULT.search(README.read_text())
    rows = list(ROW.finditer(page))
    if default is None or again is None or again.groups() != default.groups() or len(rows) < 5:
        print(f"{PAGE.name}, {README}: the numbers of crates are not where they were, or not the same")
        return 1
    found = [
        ("the default", int(default["all"]), crates()),
        ("the default without tls", int(default["plain"]), crates("--no-default-features", "--features", "cluster,sentinel,state")),
    ]
    for row in rows:
        feature = row["feature"]
        alone = ["--features", feature] if feature else []
        found.append((feature or "no feature", int(row["alone"]), crates("--no-default-features", *alone)))
        if row["besides"]:
            found.append((f"{feature} with the default", int(row["besides"]), crates("--features", feature)))
    wrong = [f"{PAGE.name}: {what} has {count} crates, not {said}" for what, said, count in found if said != count]
    print("\n".join(wrong) or f"the numbers of crates of {len(found)} sets of features are right")
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
