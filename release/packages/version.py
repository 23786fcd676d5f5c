"""The version, where it is written, and whether all places agree."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .common import ROOT, Failure


@dataclass(frozen=True)
class Place:
    """A file that names the version: a pattern whose first group is the version, once or as often as it is found."""

    file: str
    pattern: str

    def found(self, root=ROOT):
        """The versions that the file names."""
        return re.findall(self.pattern, (Path(root) / self.file).read_text(), re.MULTILINE)

    def set(self, version, root=ROOT):
        """Writes another version in each place."""
        path = Path(root) / self.file
        path.write_text(re.sub(self.pattern, lambda match: match[0].replace(match[1], version), path.read_text(), flags=re.MULTILINE))


VERSION = r"(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)"
# In the name of a file, where something else follows after a hyphen.
IN_NAMES = r"(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)\.?\d+)?)"

PLACES = (
    Place("Cargo.toml", rf'^(?:version = |kenwell[\w-]* = \{{ path = "[^"]+", version = )"{VERSION}"'),
    Place("Cargo.lock", rf'^name = "kenwell[\w-]*"\nversion = "{VERSION}"'),
    Place("crates/kenwell-node/package.json", rf'^  "version": "{VERSION}"'),
    Place("crates/kenwell-node/package-lock.json", rf'"name": "@kenwell/[\w-]+",\n\s+"version": "{VERSION}"'),
    Place("packaging/npm/kenwell/package.json", rf'^(?:  "version": |    "@kenwell/cli-[\w-]+": )"{VERSION}"'),
    Place("packaging/container/compose.yaml", rf"image: kenwell/kenwell:{VERSION}"),
    Place("packaging/helm/kenwell/Chart.yaml", rf'^(?:version: |appVersion: ")"?{VERSION}'),
    Place("docs/install.md", rf"\bkenwell(?:-\w+)?[-_:]{IN_NAMES}"),
    *(Place(f"docs/{page}.md", rf'^kenwell[\w-]* = (?:\{{ version = )?"{VERSION}"') for page in ("rust", "teloxide", "tower-sessions")),
    Place("docs/cli.md", rf"^kenwell {VERSION}  http"),
)


def current(root=ROOT):
    """The version of the workspace."""
    return PLACES[0].found(root)[0]


def disagreements(root=ROOT):
    """Each place that names another version than the workspace's, or none."""
    version = current(root)
    for place in PLACES:
        found = place.found(root)
        if not found:
            yield f"{place.file} names no version"
        for other in sorted(set(found) - {version}):
            yield f"{place.file} says {other}, Cargo.toml says {version}"


def set_everywhere(version, date, root=ROOT):
    """Writes the version in each place, and the heading of the changelog."""
    if not re.fullmatch(VERSION, version):
        raise Failure(f"{version!r} is no version\n  fix: three numbers, such as 1.2.3, or 1.2.3-rc.1")
    if is_older(version, current(root)):
        raise Failure(f"{version} is older than {current(root)}\n  fix: give a newer one")
    log = Path(root) / "CHANGELOG.md"
    text = log.read_text()
    described = f"\n## {version} " in text
    if not described and "\n## Unreleased\n" not in text:
        raise Failure("CHANGELOG.md has no heading 'Unreleased'\n  fix: write what has changed since the last version under it")
    for place in PLACES:
        place.set(version, root)
    if not described:
        log.write_text(text.replace("\n## Unreleased\n", f"\n## Unreleased\n\n## {version} ({date})\n", 1))


def is_older(version, than):
    """Whether a version comes before another one: 1.2.3-rc.1 before 1.2.3."""
    (numbers, _, stage), (other, _, other_stage) = version.partition("-"), than.partition("-")
    parts = [[int(number) for number in text.split(".")] for text in (numbers, other)]
    return parts[0] < parts[1] or parts[0] == parts[1] and bool(stage) and not other_stage


def npm_platforms(root=ROOT):
    """The packages that the npm package `kenwell` takes its programs from."""
    return list(json.loads((Path(root) / "packaging/npm/kenwell/package.json").read_text())["optionalDependencies"])
