"""kenwell-VERSION-cp39-abi3-PLATFORM.whl: the program, for `uvx kenwell`, and the Python package, for `import kenwell`."""

import base64
import hashlib
import re

from . import elf, licences, parts
from .archive import Entry, zip_file
from .common import DESCRIPTION, HOMEPAGE, LICENCE, PACKAGING, ROOT, Failure

PACKAGE = ROOT / "crates" / "kenwell-python" / "python" / "kenwell"

# The oldest Python whose stable interface the native half uses; newer ones load it too.
PYTHON = "cp39-abi3"

# What the adapters are for, by the name of the extra: kenwell[aiogram].
EXTRAS = {"aiogram": "aiogram>=3.13", "telegram": "python-telegram-bot>=20"}


def build(release):
    """One for each target, since the native half is for one C library. The program in it is the static one where there is one."""
    programs = {target.processor: release.program(target) for target in release.one_for_each_processor()}
    for target in release.targets:
        program, extension = programs[target.processor], release.extension(target)
        name = f"kenwell-{python_version(release.version)}"
        found = platforms(elf.needs(program), elf.needs(extension))
        file = f"{name}-{PYTHON}-{'.'.join(found)}.whl"
        texts = release.licences(parts.PROGRAM, parts.EXTENSION)
        content = entries(name, program.read_bytes(), extension.read_bytes(), [f"{PYTHON}-{platform}" for platform in found], release.version, texts)
        release.keep(file, zip_file(content, release.epoch))


def python_version(version):
    """1.2.3-rc.1 as Python writes it: 1.2.3rc1."""
    found = re.fullmatch(r"([\d.]+)(?:-(alpha|beta|rc)\.?(\d+))?", version)
    if not found:
        raise Failure(f"Python has no version such as {version}\n  fix: 1.2.3, or 1.2.3-rc.1, with alpha, beta or rc")
    number, stage, count = found.groups("")
    return number + {"alpha": "a", "beta": "b"}.get(stage, stage) + count


def platforms(program, extension):
    """What pip calls the machines that both run on."""
    processor = extension.processor
    if not extension.glibc:
        return [f"musllinux_1_2_{processor}"]
    oldest = max((2, 17), program.glibc[:2], extension.glibc[:2])
    found = ["_".join(("manylinux", *map(str, oldest), processor))]
    return [*found, f"manylinux2014_{processor}"] if oldest == (2, 17) else found


def entries(name, program, extension, tags, version, texts):
    """What is in it; the last file lists the others with their checksums."""
    information = f"{name}.dist-info"
    files = [
        *(Entry(f"kenwell/{path.name}", path.read_bytes()) for path in sorted(PACKAGE.iterdir()) if path.suffix in (".py", ".pyi", ".typed")),
        Entry("kenwell/_native.abi3.so", extension, 0o755),
        Entry(f"{name}.data/scripts/kenwell", program, 0o755),
        Entry(f"{information}/METADATA", metadata(python_version(version)).encode()),
        Entry(f"{information}/WHEEL", "".join(["Wheel-Version: 1.0\nGenerator: kenwell release/build\nRoot-Is-Purelib: false\n",
                                             *(f"Tag: {tag}\n" for tag in tags)]).encode()),
        Entry(f"{information}/licenses/LICENSE", (ROOT / "LICENSE").read_bytes()),
        Entry(f"{information}/licenses/{licences.NAME}", texts),
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
    extras = "".join(f"Provides-Extra: {extra}\nRequires-Dist: {needed}; extra == '{extra}'\n" for extra, needed in EXTRAS.items())
    return (f"Metadata-Version: 2.4\nName: kenwell\nVersion: {version}\nSummary: {DESCRIPTION}\nLicense-Expression: {LICENCE}\n"
            f"License-File: LICENSE\nLicense-File: {licences.NAME}\nKeywords: redis,valkey,state,session,aiogram,telegram,rudderstack,segment,profiles\nProject-URL: Homepage, {HOMEPAGE}\n"
            f"Project-URL: Changelog, {HOMEPAGE}/blob/main/CHANGELOG.md\nClassifier: Operating System :: POSIX :: Linux\n"
            "Classifier: Programming Language :: Rust\nClassifier: Programming Language :: Python :: 3\nClassifier: Framework :: AsyncIO\n"
            f"Classifier: Typing :: Typed\nRequires-Python: >=3.9\n{extras}Description-Content-Type: text/markdown\n\n{page}")
