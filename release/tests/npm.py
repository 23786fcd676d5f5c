"""The npm packages, installed from their files into an empty folder."""

import os
import time

from packages.common import Failure, program, run

from . import running

SAVE_AND_LOAD = """
const { StateStore } = require('@kenwell/redis/state');
(async () => {
  const store = new StateStore({ connectionString: process.argv[1] });
  await store.save('ada', { user: { data: { visits: 1 } } });
  const { user } = await store.load('ada');
  console.log(JSON.stringify([user.data.visits, require('@kenwell/redis').transport.native]));
  process.exit();
})();
"""


def test(packages, work, redis):
    """`npx kenwell` runs the program; the state store loads its native half."""
    npm = program("npm", "apt-get install npm | brew install node | dnf install npm")
    version = packages.version()
    processor = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    began = time.monotonic()
    install(npm, work / "cli", [packages.named(f"kenwell-npm-{version}.tgz"), packages.named(f"kenwell-cli-linux-{processor}-{version}.tgz")])
    yield "npm install kenwell", time.monotonic() - began
    said = run(["npx", "--no-install", "kenwell", "--version"], cwd=work / "cli")
    if said.strip() != f"kenwell {version}":
        raise Failure(f"npx kenwell --version said {said!r}")
    (work / "kenwell.toml").write_text(running.configuration(redis))
    launcher = work / "cli" / "node_modules" / ".bin" / "kenwell"
    yield "first event", running.first_event(redis, work, [launcher], {"PATH": os.environ["PATH"]}, work / "kenwell.toml")
    native = packages.directory / f"kenwell-redis-linux-{processor}-gnu-{version}.tgz"
    if native.exists():
        yield "state store", state_store(npm, work / "state", [packages.named(f"kenwell-redis-{version}.tgz"), native], redis)


def install(npm, directory, files, offline="--offline"):
    """An empty folder with these packages."""
    directory.mkdir()
    (directory / "package.json").write_text('{"private": true}')
    run([npm, "install", offline, "--no-audit", "--no-fund", *files], cwd=directory)


def state_store(npm, directory, files, redis):
    """Saves and loads through the native half; how long it took, installation included."""
    began = time.monotonic()
    install(npm, directory, files, "--prefer-offline") # one package of others comes from the registry
    said = run(["node", "-e", SAVE_AND_LOAD, f"redis://127.0.0.1:{redis.port}"], cwd=directory)
    if said.strip() != '[1,true]':
        raise Failure(f"@kenwell/redis said {said!r}")
    return time.monotonic() - began
