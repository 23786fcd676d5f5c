"""The container image: its checksums, and its layers as the root of the program, as a container has them."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import time

from ports import free_port

from packages import targets
from packages.common import Failure, program

from . import running
from .packages_made import has_licences


def test(packages, work, redis):
    """Every blob has the checksum it is named by; the image's user serves with the image's settings."""
    if os.geteuid() != 0:
        raise Failure("a root directory needs root\n  fix: sudo release/test, or --only others")
    image, root = work / "image", work / "root"
    with tarfile.open(packages.named(f"kenwell-{packages.version()}.oci.tar")) as archive:
        archive.extractall(image)
    for path in (image / "blobs" / "sha256").iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            raise Failure(f"the blob {path.name} has another checksum")
    began = time.monotonic()
    config = unpack(image, root)
    yield "unpacked", time.monotonic() - began
    has_licences(root / "usr/share/doc/kenwell", "hyper")
    settings = dict(line.split("=", 1) for line in config["Env"])
    user, port = config["User"], free_port()
    # What a person gives a container: a file in its volume, and ports of the machine.
    own = root / settings["KENWELL_CONFIG"].lstrip("/")
    own.write_text(running.configuration(redis))
    os.chown(own, *map(int, user.split(":")))
    environment = {**settings, "KENWELL_GATEWAY_LISTEN": "127.0.0.1:0", "KENWELL_PRIVATE_LISTEN": f"127.0.0.1:{port}"}
    command = [program("chroot", "apt-get install coreutils"), f"--userspec={user}", root, *(f"/usr/bin/{name}" for name in config["Entrypoint"])]
    yield "first event", running.first_event(redis, work, command, environment, settings["KENWELL_CONFIG"], config["Cmd"])


def unpack(image, root):
    """The layers of the image for this machine, one over the other; its configuration."""
    def blob(described):
        return (image / "blobs" / described["digest"].replace(":", "/")).read_bytes()

    index = json.loads(blob(json.loads((image / "index.json").read_text())["manifests"][0]))
    (described,) = [one for one in index["manifests"] if one["platform"]["architecture"] == targets.of_this_machine().oci]
    manifest = json.loads(blob(described))
    for_docker = [one["Config"] for one in json.loads((image / "manifest.json").read_text())]
    if f"blobs/{manifest['config']['digest'].replace(':', '/')}" not in for_docker:
        raise Failure(f"manifest.json has not the image for this machine, but {for_docker}")
    config = json.loads(blob(manifest["config"]))
    for layer, checksum in zip(manifest["layers"], config["rootfs"]["diff_ids"]):
        content = gzip.decompress(blob(layer))
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != checksum:
            raise Failure("a layer has another checksum than the image says")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extraction_filter = lambda member, _: member # owners and rights are part of the image; newer Pythons drop them
            archive.extractall(root, numeric_owner=True)
    return config["config"]
