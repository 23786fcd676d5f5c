"""kenwell-VERSION-py3-none-PLATFORM.whl: the program as a Python package, for `uvx kenwell` and `pip install kenwell`."""

import base64
import hashlib
import re

from . import elf
from .archive import Entry, zip_file
from .common import DESCRIPTION, HOMEPAGE, LICENCE, PACKAGING, ROOT


def build(release):
    """One for each processor; a static program serves glibc and musl."""
    for target in release.one_for_each_processor():
        program = release.program(target)
        tags = [f"py3-none-{platform}" for platform in platforms(elf.needs(program))]
        name = f"kenwell-{python_version(release.version)}"
        file = f"{name}-py3-none-{'.'.join(tag.removeprefix('py3-none-') for tag in tags)}.whl"
        release.keep(file, zip_file(entries(name, program.read_bytes(), tags, release.version), release.epoch))


def python_version(version):
    """1.2.3-rc.1 as Python writes it: 1.2.3rc1."""
    return re.sub(r"-([a-z]+)\.?(\d+)$", r"\1\2", version)


def platforms(needs):
    """What pip calls the machines that a program runs on."""
    if needs.static:
        return [f"manylinux_2_17_{needs.processor}", f"manylinux2014_{needs.processor}", f"musllinux_1_1_{needs.processor}"]
    return ["_".join(("manylinux", *map(str, needs.glibc[:2]), needs.processor))]


def entries(name, program, tags, version):
    """What is in it; the last file lists the others with their checksums."""
    information = f"{name}.dist-info"
    files = [
        Entry(f"{name}.data/scripts/kenwell", program, 0o755),
        Entry(f"{information}/METADATA", metadata(python_version(version)).encode()),
        Entry(f"{information}/WHEEL", "".join(["Wheel-Version: 1.0\nGenerator: kenwell release/build\nRoot-Is-Purelib: false\n",
                                             *(f"Tag: {tag}\n" for tag in tags)]).encode()),
        Entry(f"{information}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes()),
    ]
    record = f"{information}/RECORD"
    lines = [f"{file.name},sha256={checksum(file.content)},{len(file.content)}" for file in files] + [f"{record},,"]
    return [*files, Entry(record, ("\n".join(lines) + "\n").encode())]


def checksum(content):
    """As wheels write it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def metadata(version):
    """What PyPI shows."""
    page = (PACKAGING / "pypi" / "README.md").read_text()
    return (f"Metadata-Version: 2.4\nName: kenwell\nVersion: {version}\nSummary: {DESCRIPTION}\nLicense-Expression: {LICENCE}\n"
            f"License-File: LICENSE\nKeywords: redis,valkey,rudderstack,segment,profiles,events\nProject-URL: Homepage, {HOMEPAGE}\n"
            f"Project-URL: Changelog, {HOMEPAGE}/blob/main/CHANGELOG.md\nClassifier: Operating System :: POSIX :: Linux\n"
            f"Classifier: Programming Language :: Rust\nRequires-Python: >=3.8\nDescription-Content-Type: text/markdown\n\n{page}")
