"""The npm package @kenwell/redis, and one with the native part for each system that one was made for."""

import json
import shutil
import tempfile
from pathlib import Path

from . import licences, parts
from .common import HOMEPAGE, LICENCE, ROOT
from .npm import copied, pack

NODE = ROOT / "crates" / "kenwell-node"
NAME = "@kenwell/redis"


def build(release):
    """The native parts, and the package itself, which names them; npm takes the one that fits."""
    with tempfile.TemporaryDirectory() as work:
        addons = release.addons()
        for platform, addon in addons.items():
            directory = native(platform, release.version, Path(work) / platform.name)
            shutil.copyfile(addon, directory / "kenwell.node")
            (directory / licences.NAME).write_bytes(release.licences(parts.ADDON))
            pack(release, directory)
        package = copied(NODE, Path(work) / "redis")
        described = json.loads((package / "package.json").read_text())
        described["optionalDependencies"] = {f"{NAME}-{name}": release.version for name in sorted(one.name for one in addons)}
        write(package, described)
        pack(release, package)


def native(platform, version, directory):
    """The package for the native part of one system, but for the native part."""
    directory.mkdir()
    shutil.copyfile(ROOT / "LICENSE", directory / "LICENSE")
    name = f"{NAME}-{platform.name}"
    (directory / "README.md").write_text(
        f"# {name}\n\nThe native part of [{NAME}](https://www.npmjs.com/package/{NAME}) for {platform.words}. npm installs it by itself.\n")
    described = {
        "name": name,
        "version": version,
        "description": f"The native part of {NAME} for {platform.words}.",
        "license": LICENCE,
        "repository": {"type": "git", "url": f"git+{HOMEPAGE}.git", "directory": "crates/kenwell-node"},
        "main": "kenwell.node",
        "files": ["kenwell.node", licences.NAME],
        "os": [platform.os],
        "cpu": [platform.cpu],
        "libc": [platform.libc],
        "engines": {"node": ">=18"},
        "preferUnplugged": True,
    }
    if not platform.libc:
        del described["libc"]
    write(directory, described)
    return directory


def write(directory, described):
    """What npm reads first."""
    (directory / "package.json").write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n")
