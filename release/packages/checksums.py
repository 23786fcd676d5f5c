"""SHA256SUMS of every package in the directory, for `sha256sum --check SHA256SUMS`."""

import hashlib


def sha256(content):
    """The checksum of some bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def build(release):
    """One file, sorted by name; those of an earlier run stay in it as long as they are there."""
    files = sorted(path for path in release.out.iterdir() if path.is_file() and path.name != "SHA256SUMS" and not path.name.startswith("."))
    release.keep("SHA256SUMS", "".join(f"{sha256(path.read_bytes())}  {path.name}\n" for path in files))
