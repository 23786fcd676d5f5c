"""kenwell-VERSION.cdx.json: which crates the program, the native part for Node and the native half for Python are made of (CycloneDX)."""

import json
import re
import uuid
from datetime import datetime, timezone

from . import parts
from .common import HOMEPAGE, ROOT

LOCKED = re.compile(r'^name = "([^"]+)"\nversion = "([^"]+)"\nsource = [^\n]+\nchecksum = "(\w+)"', re.MULTILINE)


def build(release):
    """One for all targets: what only one of them needs is in it too."""
    text = json.dumps(document(release.crates, release.version, release.epoch), indent=1)
    release.keep(f"kenwell-{release.version}.cdx.json", text + "\n")


def document(metadata, version, epoch):
    """The list of parts, and which part needs which."""
    packages, needs = parts.of(parts.BINARIES, metadata)
    root = next(package for package in packages.values() if package["name"] == parts.PROGRAM)
    checksums = {(name, number): checksum for name, number, checksum in LOCKED.findall((ROOT / "Cargo.lock").read_text())}
    libraries = sorted((packages[package] for package in needs if package != root["id"]), key=lambda part: (part["name"], part["version"]))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{HOMEPAGE}@{version}#{epoch}')}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": component(root, checksums, "application"),
        },
        "components": [component(part, checksums, "library") for part in libraries],
        "dependencies": [{"ref": reference(packages[package]), "dependsOn": sorted(reference(packages[other]) for other in others)}
                         for package, others in sorted(needs.items(), key=lambda pair: reference(packages[pair[0]]))],
    }


def reference(package):
    """Its name in the world: a package URL."""
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package, checksums, kind):
    """One part."""
    part = {"type": kind, "bom-ref": reference(package), "name": package["name"], "version": package["version"], "purl": reference(package)}
    if package.get("license"):
        part["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if package.get("repository"):
        part["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    if checksum := checksums.get((package["name"], package["version"])):
        part["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return part
