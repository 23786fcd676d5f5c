"""kenwell_VERSION_ARCH.deb: the program with a user, a service, a configuration and directories of its own."""

import hashlib

from . import documents, elf, licences, parts
from .archive import Entry, compress, directory, tar_gz
from .common import DESCRIPTION, HOMEPAGE, MAINTAINER, PACKAGING, ROOT, Failure

SCRIPTS = ("postinst", "postrm", "prerm")
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/kenwell",
    "zsh": "usr/share/zsh/vendor-completions/_kenwell",
    "fish": "usr/share/fish/vendor_completions.d/kenwell.fish",
}
# The package of each shared library that a program for glibc may need.
LIBRARIES = {**dict.fromkeys(elf.GLIBC, "libc6"), "libgcc_s.so.1": "libgcc-s1"}


def build(release):
    """One for each processor: with the program for glibc where there is one, since Debian has glibc."""
    chosen = {}
    for target in release.targets:
        if not target.static or target.debian not in chosen:
            chosen[target.debian] = target
    for architecture, target in chosen.items():
        version = debian_version(release.version)
        release.keep(f"kenwell_{version}_{architecture}.deb", package(release, target, version))


def debian_version(version):
    """1.2.3-rc.1 as Debian writes it, 1.2.3~rc.1: older than 1.2.3."""
    return version.replace("-", "~")


def package(release, target, version):
    """The bytes of the package."""
    program = release.program(target)
    files = entries(program, release.native_program(), release.licences(parts.PROGRAM))
    control = [Entry("control", control_file(elf.needs(program), target, version, files).encode()),
               Entry("conffiles", b"/etc/kenwell/kenwell.toml\n"),
               Entry("md5sums", "".join(f"{hashlib.md5(file.content).hexdigest()}  {file.name}\n" for file in files if file.content).encode())]
    control += [Entry(name, (PACKAGING / "deb" / name).read_bytes(), 0o755) for name in SCRIPTS]
    return ar([("debian-binary", b"2.0\n"), ("control.tar.gz", tar_gz(control, release.epoch, "./")),
               ("data.tar.gz", tar_gz(files, release.epoch, "./"))], release.epoch)


def entries(program, native, texts):
    """What is installed where."""
    files = [
        Entry("usr/bin/kenwell", program.read_bytes(), 0o755),
        Entry("usr/lib/systemd/system/kenwell.service", documents.unit()),
        directory("etc/kenwell", 0o750),
        Entry("etc/kenwell/kenwell.toml", documents.configuration(), 0o640),
        directory("var/lib/kenwell", 0o700),
        Entry("usr/share/doc/kenwell/copyright", copyright_file().encode()),
        Entry(f"usr/share/doc/kenwell/{licences.NAME}.gz", compress(texts)),
        Entry("usr/share/doc/kenwell/CHANGELOG.md.gz", compress((ROOT / "CHANGELOG.md").read_bytes())),
        Entry("usr/share/doc/kenwell/README.md", (ROOT / "README.md").read_bytes()),
    ]
    files += [Entry(COMPLETIONS[shell], script) for shell, script in documents.completions(native).items()]
    return files + [Entry(f"usr/share/man/man1/{name}.gz", compress(page)) for name, page in documents.manual(native).items()]


def control_file(needs, target, version, files):
    """What dpkg knows of the package."""
    strange = set(needs.libraries) - set(LIBRARIES)
    if strange:
        raise Failure(f"the program needs {', '.join(sorted(strange))}, of no package that is known\n  fix: name it in LIBRARIES of release/packages/deb.py")
    depends = ["adduser"]
    for name in sorted({LIBRARIES[library] for library in needs.libraries}):
        depends.append(f"libc6 (>= {needs.glibc_text()})" if name == "libc6" else name)
    size = sum(len(file.content) for file in files if file.content) // 1024
    return (f"Package: kenwell\nVersion: {version}\nArchitecture: {target.debian}\nMaintainer: {MAINTAINER}\nInstalled-Size: {size}\n"
            f"Depends: {', '.join(depends)}\nRecommends: ca-certificates\nSuggests: redis-server | valkey-server\nSection: net\nPriority: optional\n"
            f"Homepage: {HOMEPAGE}\nDescription: {DESCRIPTION[0].lower()}{DESCRIPTION[1:]}\n"
            " Takes the identify calls of RudderStack's and Segment's SDKs and keeps each\n"
            " user's traits as a hash in Redis or Valkey, milliseconds later. With a web\n console. The service is started, and listens on this machine alone until\n"
            " /etc/kenwell/kenwell.toml says otherwise.\n")


def copyright_file():
    """The licence, as Debian writes it."""
    return ("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
            f"Upstream-Name: kenwell\nSource: {HOMEPAGE}\n\nFiles: *\nCopyright: 2026 Kenwell contributors\nLicense: Apache-2.0\n"
            " On Debian systems the text of the licence is in\n /usr/share/common-licenses/Apache-2.0.\n")


def ar(members, epoch):
    """The archive that a .deb is."""
    out = bytearray(b"!<arch>\n")
    for name, content in members:
        out += f"{name:<16}{epoch:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
    return bytes(out)
