"""Archives whose bytes depend on nothing but what is in them: fixed owner and times, sorted names."""

import gzip
import io
import tarfile
import zipfile
import time
from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Entry:
    """A file, a directory (no content) or a symbolic link (a target) of an archive."""

    name: str
    content: bytes | None = None
    mode: int = 0o644
    owner: int = 0
    target: str = ""


def directory(name, mode=0o755, owner=0):
    """A directory."""
    return Entry(name, None, mode, owner)


def link(name, target):
    """A symbolic link."""
    return Entry(name, None, 0o777, 0, target)


def with_parents(entries):
    """The entries and the directories above them, each once, sorted so that a directory comes before what is in it."""
    named = {entry.name: entry for entry in entries}
    for entry in entries:
        for parent in PurePosixPath(entry.name).parents:
            if str(parent) not in (".", "/"):
                named.setdefault(str(parent), directory(str(parent)))
    return [named[name] for name in sorted(named, key=lambda name: PurePosixPath(name).parts)]


def tar(entries, epoch, prefix=""):
    """An uncompressed tar archive; names begin with the prefix."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in with_parents(entries):
            info = tarfile.TarInfo(prefix + entry.name)
            info.mtime, info.mode, info.uid, info.gid = epoch, entry.mode, entry.owner, entry.owner
            if entry.target:
                info.type, info.linkname = tarfile.SYMTYPE, entry.target
            elif entry.content is None:
                info.type = tarfile.DIRTYPE
            else:
                info.size = len(entry.content)
            archive.addfile(info, io.BytesIO(entry.content) if info.size else None)
    return out.getvalue()


def compress(data):
    """gzip without a name or a time."""
    return gzip.compress(data, compresslevel=6, mtime=0)


def tar_gz(entries, epoch, prefix=""):
    """A compressed tar archive."""
    return compress(tar(entries, epoch, prefix))


def zip_file(entries, epoch):
    """A zip archive, in the order given."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, time.gmtime(max(epoch, 315532800))[:6]) # zip knows no time before 1980
            info.external_attr, info.create_system = (0o100000 | entry.mode) << 16, 3
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.content)
    return out.getvalue()
