"""The npm package `kenwell`, and one with the program for each processor."""

import json
import shutil
import tempfile
from pathlib import Path

from . import elf, licences, parts
from .common import HOMEPAGE, LICENCE, PACKAGING, ROOT, program, run


def build(release):
    """All of them, as `npm pack` makes them; it gives every file the same time."""
    with tempfile.TemporaryDirectory() as work:
        for target in release.one_for_each_processor():
            pack(release, program_package(release, target, Path(work) / f"cli-{target.npm}"))
        pack(release, copied(PACKAGING / "npm" / "kenwell", Path(work) / "kenwell"))


def program_package(release, target, directory):
    """The package that carries the program for one processor."""
    source = release.program(target)
    (directory / "bin").mkdir(parents=True)
    shutil.copy(source, directory / "bin" / "kenwell")
    (directory / "bin" / "kenwell").chmod(0o755)
    shutil.copyfile(ROOT / "LICENSE", directory / "LICENSE")
    (directory / licences.NAME).write_bytes(release.licences(parts.PROGRAM))
    (directory / "README.md").write_text(
        f"# @kenwell/cli-linux-{target.npm}\n\nThe program of [kenwell](https://www.npmjs.com/package/kenwell) for Linux on {target.npm}. npm installs it by itself.\n")
    description = {
        "name": f"@kenwell/cli-linux-{target.npm}",
        "version": release.version,
        "description": f"The program of kenwell for Linux on {target.npm}.",
        "license": LICENCE,
        "repository": {"type": "git", "url": f"git+{HOMEPAGE}.git"},
        "files": ["bin", licences.NAME],
        "os": ["linux"],
        "cpu": [target.npm],
        "engines": {"node": ">=18"},
        "preferUnplugged": True,
    }
    if not elf.needs(source).static:
        description["libc"] = ["glibc"]
    (directory / "package.json").write_text(json.dumps(description, indent=2) + "\n")
    return directory


def copied(source, directory):
    """A copy of what npm may pack, with the licence beside it."""
    listed = json.loads((source / "package.json").read_text())
    directory.mkdir(parents=True)
    for name in ["package.json", "README.md", *listed["files"]]:
        for path in sorted(source.glob(name)):
            to = directory / path.relative_to(source)
            to.parent.mkdir(exist_ok=True)
            shutil.copytree(path, to) if path.is_dir() else shutil.copy(path, to)
    for key in ("devDependencies", "scripts", "workspaces", "overrides"): # for those who work on it
        listed.pop(key, None)
    (directory / "package.json").write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
    shutil.copyfile(ROOT / "LICENSE", directory / "LICENSE")
    return directory


def pack(release, directory):
    """Has npm pack a directory."""
    npm = program("npm", "apt-get install npm | brew install node | dnf install npm")
    said = run([npm, "pack", "--json", "--ignore-scripts", "--pack-destination", release.out, directory], "npm 9 or newer", cwd=directory)
    packed = release.out / json.loads(said[said.index("["):])[0]["filename"].replace("@", "").replace("/", "-")
    # `kenwell-VERSION.tgz` says too little beside the chart.
    release.add(packed.replace(packed.with_name(packed.name.replace(f"kenwell-{release.version}", f"kenwell-npm-{release.version}"))))
