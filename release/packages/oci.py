"""kenwell-VERSION.oci.tar: the container image in the OCI image layout, for all processors, made without a daemon."""

import hashlib
import json
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from . import elf, licences, parts
from .archive import Entry, compress, directory, tar
from .common import DESCRIPTION, HOMEPAGE, LICENCE, ROOT, Failure

USER = 65532 # "nonroot" of other images without a system; no system gives this number to a person
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
SETTINGS = {
    "KENWELL_CONFIG": "/data/kenwell.toml",
    "KENWELL_DATA_DIR": "/data",
    "KENWELL_GATEWAY_LISTEN": "0.0.0.0:8080",
    "KENWELL_PRIVATE_LISTEN": "0.0.0.0:8081",
    "MIMALLOC_ALLOW_THP": "0",
    "PATH": "/usr/bin",
}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Blobs:
    """The contents of an image, each under its checksum."""

    def __init__(self):
        self.entries = {}

    def add(self, content, media_type, **more):
        """Keeps a content, and describes it as the files that refer to it do."""
        checksum = hashlib.sha256(content).hexdigest()
        self.entries[f"blobs/sha256/{checksum}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{checksum}", "size": len(content), **more}

    @staticmethod
    def path(described):
        """Where the content is that is described."""
        return f"blobs/{described['digest'].replace(':', '/')}"

    def add_json(self, value, media_type, **more):
        """The same for what is JSON."""
        return self.add(json.dumps(value, sort_keys=True).encode(), media_type, **more)


def build(release):
    """One file with an image for each processor; with the static program where there is one."""
    blobs = Blobs()
    images = [image(release, target, blobs) for target in release.one_for_each_processor()]
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": images}
    # In an index of its own, so that one name stands for the images of all processors.
    named = blobs.add_json(index, index["mediaType"], annotations={
        "org.opencontainers.image.ref.name": release.version, "io.containerd.image.name": f"docker.io/kenwell/kenwell:{release.version}"})
    top = {"schemaVersion": 2, "mediaType": index["mediaType"], "manifests": [named]}
    entries = [Entry(name, content) for name, content in blobs.entries.items()]
    entries += [Entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'), Entry("index.json", json.dumps(top, sort_keys=True).encode()),
                Entry("manifest.json", json.dumps(for_docker(blobs, images, release.version), sort_keys=True).encode())]
    release.keep(f"kenwell-{release.version}.oci.tar", tar(entries, release.epoch))


def for_docker(blobs, images, version):
    """The same images for a Docker that keeps them without containerd: it reads this file alone, which knows no processors."""
    described = []
    for one in images:
        manifest = json.loads(blobs.entries[Blobs.path(one)])
        processor = one["platform"]["architecture"]
        tag = version if processor == "amd64" or len(images) == 1 else f"{version}-{processor}"
        described.append({"Config": Blobs.path(manifest["config"]), "Layers": [Blobs.path(layer) for layer in manifest["layers"]],
                          "RepoTags": [f"kenwell/kenwell:{tag}"]})
    return described


def image(release, target, blobs):
    """The image for one processor, of two layers: what a program expects of a system, and the program."""
    program = release.program(target)
    needs = elf.needs(program)
    files = [Entry("usr/bin/kenwell", program.read_bytes(), 0o755), Entry("usr/share/doc/kenwell/LICENSE", (ROOT / "LICENSE").read_bytes()),
             Entry(f"usr/share/doc/kenwell/{licences.NAME}", release.licences(parts.PROGRAM))]
    layers = [tar(system(needs, target), release.epoch), tar(files, release.epoch)]
    made = datetime.fromtimestamp(release.epoch, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    config = {
        "created": made, "architecture": target.oci, "os": "linux",
        "config": {
            "User": f"{USER}:{USER}", "WorkingDir": "/data", "Volumes": {"/data": {}}, "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}},
            "Entrypoint": ["kenwell"], "Cmd": ["serve", "--init"], "StopSignal": "SIGTERM",
            "Env": [f"{name}={value}" for name, value in SETTINGS.items()],
            "Labels": {f"org.opencontainers.image.{name}": value for name, value in {
                "title": "Kenwell", "description": DESCRIPTION, "version": release.version, "licenses": LICENCE, "source": HOMEPAGE}.items()},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [{"created": made, "created_by": f"release/build: {what}"} for what in ("user, directories, certificates", "kenwell")],
    }
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": blobs.add_json(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [blobs.add(compress(layer), "application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers],
    }
    return blobs.add_json(manifest, MANIFEST, platform={"architecture": target.oci, "os": "linux"})


def system(needs, target):
    """A user, /data, /tmp, certificates; for a program that needs them, the shared libraries of this machine."""
    certificates = next((Path(name) for name in CERTIFICATES if Path(name).exists()), None)
    if not certificates:
        raise Failure("this machine has no certificates for the image\n  fix: apt-get install ca-certificates")
    entries = [
        Entry("etc/passwd", f"root:x:0:0:root:/root:/sbin/nologin\nkenwell:x:{USER}:{USER}:kenwell:/data:/sbin/nologin\n".encode()),
        Entry("etc/group", f"root:x:0:\nkenwell:x:{USER}:\n".encode()),
        Entry("etc/nsswitch.conf", b"hosts: files dns\n"),
        Entry("etc/ssl/certs/ca-certificates.crt", certificates.read_bytes()),
        directory("data", 0o700, USER), directory("tmp", 0o1777),
    ]
    return entries if needs.static else entries + libraries(needs, target)


def libraries(needs, target):
    """The shared libraries that the program needs, and those by which glibc looks names up, from this machine."""
    if target.processor != os.uname().machine:
        raise Failure(f"the libraries for {target.triple} are not on this machine\n  fix: add --target {target.processor}-unknown-linux-musl")
    known = subprocess.run(["ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=False, env={"PATH": "/sbin:/usr/sbin"}).stdout
    where = {line.split()[0]: line.split()[-1] for line in known.splitlines() if "=>" in line and ("x86-64" in line or "AArch64" in line)}
    loader = Path(needs.interpreter)
    needed = set(needs.libraries) - {loader.name}
    missing = needed - set(where)
    if missing:
        raise Failure(f"this machine has no {', '.join(sorted(missing))}, which the program needs\n  fix: add --target {target.processor}-unknown-linux-musl")
    by_name = {"libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2"} & set(where) # newer versions of glibc have them within
    files = [Entry(f"lib/{name}", Path(where[name]).read_bytes(), 0o755) for name in sorted(needed | by_name)]
    return [Entry(needs.interpreter.lstrip("/"), loader.read_bytes(), 0o755), *files]
