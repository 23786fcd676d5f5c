"""Each native part of @kenwell/redis, in a Node of the system that it is for, saves and loads through a real Redis."""

import json
import tarfile
import time

from packages import platforms
from packages.common import Failure, program, run, say

from . import nodes, systems
from .packages_made import has_licences

# KENWELL_NATIVE=on: the native part speaks to a standalone server too.
SAVE_AND_LOAD = """
const { StateStore, transport } = require('@kenwell/redis/state');
if (!transport.native) throw new Error(transport.problem);
const store = new StateStore({ connectionString: process.argv[2] });
store
  .save('ada', { user: { data: { visits: 1 } } })
  .then(() => store.load('ada'))
  .then(({ user }) => console.log(JSON.stringify([user.data.visits, process.arch])));
"""


def test(packages, work, redis):
    """Those that there are; those of other systems than Linux were loaded where they were built."""
    npm = program("npm", "apt-get install npm | brew install node | dnf install npm")
    version = packages.version()
    package = packages.named(f"kenwell-redis-{version}.tgz")
    listed = packaged(package)["optionalDependencies"]
    for platform in platforms.PLATFORMS.values():
        name = f"@kenwell/redis-{platform.name}"
        if name not in listed:
            continue
        native = packages.named(f"kenwell-redis-{platform.name}-{version}.tgz")
        try:
            node, environment = nodes.command(platform)
        except systems.NotHere as why:
            say(f"    {platform.name} is not loaded here: {why}")
            continue
        began = time.monotonic()
        directory = work / platform.name
        installed(npm, directory, package, {name: native})
        has_licences(directory / "node_modules" / name, "napi")
        redis.ask("FLUSHALL")
        (directory / "app.js").write_text(SAVE_AND_LOAD)
        said = run([*node, "app.js", f"redis://127.0.0.1:{redis.port}"], cwd=directory, env={**environment, "KENWELL_NATIVE": "on"})
        if json.loads(said) != [1, platform.cpu]:
            raise Failure(f"@kenwell/redis with {native.name} said {said!r}")
        yield f"{platform.name} in {nodes.version(node, environment)}", time.monotonic() - began


def packaged(package):
    """What a package says of itself."""
    with tarfile.open(package) as archive:
        return json.load(archive.extractfile("package/package.json"))


def installed(npm, directory, package, others):
    """A folder with these packages in node_modules, whatever system they are for; what they need comes from the registry."""
    directory.mkdir()
    needed = {"private": True, "dependencies": packaged(package)["dependencies"]}
    (directory / "package.json").write_text(json.dumps(needed))
    run([npm, "install", "--prefer-offline", "--no-audit", "--no-fund"], cwd=directory)
    for name, file in {"@kenwell/redis": package, **others}.items():
        with tarfile.open(file) as archive:
            for member in archive:
                member.name = f"{name}/{member.name.removeprefix('package/')}"
                archive.extract(member, directory / "node_modules")
