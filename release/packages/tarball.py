"""kenwell-VERSION-TARGET.tar.gz: the program and what comes beside it, to be unpacked anywhere."""

from . import documents, licences, parts
from .archive import Entry, tar_gz


def build(release):
    """One for each target."""
    for target in release.targets:
        name = f"kenwell-{release.version}-{target.triple}"
        release.keep(f"{name}.tar.gz", tar_gz(entries(release, target), release.epoch, f"{name}/"))


def entries(release, target):
    """What is in it."""
    native = release.native_program()
    files = [Entry("kenwell", release.program(target).read_bytes(), 0o755)]
    files += [Entry(name, content) for name, content in documents.pages().items()]
    files.append(Entry(licences.NAME, release.licences(parts.PROGRAM)))
    files += [Entry(f"completions/{documents.SHELLS[shell]}", script) for shell, script in documents.completions(native).items()]
    files += [Entry(f"man/{name}", page) for name, page in documents.manual(native).items()]
    files.append(Entry("kenwell.toml", documents.configuration()))
    files.append(Entry("kenwell.service", documents.unit()))
    return files
