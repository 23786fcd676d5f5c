"""The crates that Kenwell's binaries are made of, as cargo knows them."""

import json

from .common import ROOT, run

# The crate of each binary that goes into packages.
PROGRAM, ADDON, EXTENSION = "kenwell-server", "kenwell-node", "kenwell-python"
BINARIES = (PROGRAM, ADDON, EXTENSION)

# What Rust calls those systems that only the native part of @kenwell/redis is made for.
OTHER_SYSTEMS = {"darwin-x64": "x86_64-apple-darwin", "darwin-arm64": "aarch64-apple-darwin", "win32-x64": "x86_64-pc-windows-msvc"}


def metadata(triples):
    """What cargo says of all crates that one of these targets needs."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", ROOT / "Cargo.toml"]
    for triple in triples:
        command += ["--filter-platform", triple]
    return json.loads(run(command, "cargo fetch --locked"))


def of(crates, said):
    """The packages that these crates are built from and run with, themselves included; what only their tests need is left out."""
    packages = {package["id"]: package for package in said["packages"]}
    nodes = {node["id"]: node for node in said["resolve"]["nodes"]}
    needs = {}
    for package in packages.values():
        if package["name"] in crates and not package["source"]:
            needs |= reached(nodes, package["id"])
    return packages, needs


def reached(nodes, root):
    """package -> what it is built from and runs with; what only its tests need is left out."""
    needs, ahead = {}, [root]
    while ahead:
        package = ahead.pop()
        if package not in needs:
            needs[package] = {dependency["pkg"] for dependency in nodes[package]["deps"]
                              if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"])}
            ahead += needs[package]
    return needs
