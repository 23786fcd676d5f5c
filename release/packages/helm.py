"""kenwell-helm-VERSION.tgz: the chart, as `helm package` makes it."""

from .archive import Entry, tar_gz
from .common import PACKAGING, ROOT, Failure

CHART = PACKAGING / "helm" / "kenwell"


def build(release):
    """One for all processors; the image that it names has the same version."""
    if f"version: {release.version}\n" not in (CHART / "Chart.yaml").read_text():
        raise Failure(f"Chart.yaml has another version than {release.version}\n  fix: release/version {release.version}")
    files = [Entry(path.relative_to(CHART.parent).as_posix(), path.read_bytes()) for path in CHART.rglob("*") if path.is_file()]
    files.append(Entry("kenwell/LICENSE", (ROOT / "LICENSE").read_bytes()))
    release.keep(f"kenwell-helm-{release.version}.tgz", tar_gz(files, release.epoch))
