"""The .deb, installed into a Debian that has nothing but what every Debian has."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from packages import licences, targets
from packages.common import TARGET, Failure, program, run, say
from packages.deb import debian_version

from . import running

BARE = TARGET / "release-tools"
RIGHTS = {
    "etc/kenwell": "750 kenwell:kenwell", "etc/kenwell/kenwell.toml": "640 kenwell:kenwell", "var/lib/kenwell": "700 kenwell:kenwell",
    "usr/bin/kenwell": "755 root:root", "usr/lib/systemd/system/kenwell.service": "644 root:root",
    f"usr/share/doc/kenwell/{licences.NAME}.gz": "644 root:root",
}


def test(packages, work, redis):
    """User, rights, first event as that user; a changed file survives an upgrade, events survive a purge."""
    if os.geteuid() != 0:
        raise Failure("a Debian in a directory needs root\n  fix: sudo release/test, or --only others")
    package = packages.named(f"kenwell_{debian_version(packages.version())}_{targets.of_this_machine().debian}.deb")
    root = bare(work / "root")
    shutil.copy(package, root / "kenwell.deb")
    began = time.monotonic()
    inside(root, "dpkg", "--install", "/kenwell.deb")
    yield "dpkg --install", time.monotonic() - began
    for name, expected in RIGHTS.items():
        found = inside(root, "stat", "--format", "%a %U:%G", f"/{name}").strip()
        if found != expected:
            raise Failure(f"/{name} is {found}, not {expected}")
    settings = root / "etc/kenwell/kenwell.toml"
    settings.write_text(running.configuration(redis)) # the owner and rights stay
    command = [program("chroot", "apt-get install coreutils"), "--userspec=kenwell:kenwell", root, "/usr/bin/kenwell"]
    yield "first event", running.first_event(redis, work, command, {"KENWELL_DATA_DIR": "/var/lib/kenwell"}, "/etc/kenwell/kenwell.toml")
    inside(root, "dpkg", "--install", "/kenwell.deb")
    if settings.read_text() != running.configuration(redis):
        raise Failure("an upgrade has replaced the configuration")
    inside(root, "dpkg", "--purge", "kenwell")
    if not list((root / "var/lib/kenwell/journal").iterdir()) or settings.exists():
        raise Failure("a purge keeps the journal, and removes the configuration; it did not")


def bare(root):
    """A copy of a bare Debian, which is made once."""
    suite = this_systems_suite()
    made = BARE / f"debian-{suite}"
    if not made.is_dir():
        say(f"    making a bare Debian ({suite}) in {made} …")
        part = Path(f"{made}.part")
        shutil.rmtree(part, ignore_errors=True)
        # In a mount namespace of its own, so that nothing stays mounted, however it ends.
        run(["unshare", "--mount", program("debootstrap", "apt-get install debootstrap"), "--variant=minbase", "--include=adduser", suite, part],
            "see the end of debootstrap's words, and try again with the network")
        part.rename(made)
    run(["cp", "--archive", "--reflink=auto", made, root])
    return root


def this_systems_suite():
    """The version of Debian or Ubuntu that this machine has: a program that was built here runs there."""
    lines = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    if "VERSION_CODENAME" not in lines:
        raise Failure("this is neither Debian nor Ubuntu\n  fix: --only others")
    return lines["VERSION_CODENAME"]


def inside(root, *command):
    """Runs a program of the Debian in that directory."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    done = subprocess.run([program("chroot", "apt-get install coreutils"), root, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, env=environment)
    if done.returncode:
        raise Failure(f"{' '.join(command)} ended with status {done.returncode}\n{done.stdout}")
    return done.stdout
