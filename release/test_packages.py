#!/usr/bin/env python3
"""Tests of what packs: the version is the same everywhere, archives have equal bytes, and every kind is described."""

import io
import json
import re
import shutil
import sys
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from packages import archive, deb, elf, sbom, targets, version, wheel  # noqa: E402
from packages.common import PACKAGING, ROOT, Failure  # noqa: E402

STATIC = elf.Needs("x86_64", (), (), "")
PROGRAM = archive.Entry("b/program", b"bytes", 0o755)


class Versions(unittest.TestCase):
    """Where the version is written."""

    def copy(self):
        """The files that name it, elsewhere."""
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        root = Path(directory.name)
        for name in [place.file for place in version.PLACES] + ["CHANGELOG.md"]:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / name)
        return root

    def test_all_places_agree(self):
        self.assertEqual([], list(version.disagreements()))

    def test_a_place_that_disagrees_is_named(self):
        root = self.copy()
        version.PLACES[-1].set("9.9.9", root)
        self.assertRegex("\n".join(version.disagreements(root)), r"Chart\.yaml says 9\.9\.9")

    def test_one_command_sets_all(self):
        root = self.copy()
        version.set_everywhere("1.2.3-rc.1", "2027-01-02", root)
        self.assertEqual(("1.2.3-rc.1", []), (version.current(root), list(version.disagreements(root))))
        self.assertIn("## Unreleased\n\n## 1.2.3-rc.1 (2027-01-02)\n", (root / "CHANGELOG.md").read_text())
        version.set_everywhere("1.2.3-rc.1", "2027-01-02", root)
        self.assertEqual(1, (root / "CHANGELOG.md").read_text().count("## 1.2.3-rc.1 "))

    def test_no_file_names_it_in_a_place_that_is_not_known(self):
        now = version.current()
        known = {place.file for place in version.PLACES}
        for path in [*ROOT.glob("crates/*/Cargo.toml"), *PACKAGING.rglob("*")]:
            if path.is_file() and path.relative_to(ROOT).as_posix() not in known:
                self.assertNotIn(f'"{now}"', path.read_text(), path)

    def test_what_is_no_version_is_refused(self):
        for wrong in ("1.2", "v1.2.3", "1.2.3 "):
            self.assertRaises(Failure, version.set_everywhere, wrong, "2027-01-02", self.copy())

    def test_npm_knows_each_processor(self):
        self.assertEqual(sorted({f"@kenwell/cli-linux-{target.npm}" for target in targets.TARGETS.values()}), sorted(version.npm_platforms()))


class Archives(unittest.TestCase):
    """The same content gives the same bytes."""

    def test_order_does_not_matter(self):
        others = [archive.Entry("a", b"1"), archive.directory("c", 0o700, 5), archive.link("d", "a")]
        self.assertEqual(archive.tar_gz([PROGRAM, *others], 1000), archive.tar_gz([*others, PROGRAM], 1000))

    def test_rights_owners_and_parents(self):
        entries = [PROGRAM, archive.directory("c", 0o700, 5), archive.link("d", "a")]
        with tarfile.open(fileobj=io.BytesIO(archive.tar(entries, 1000, "./"))) as tar:
            found = {one.name: (one.mode, one.uid, one.mtime, one.linkname) for one in tar}
        self.assertEqual({"./b": (0o755, 0, 1000, ""), "./b/program": (0o755, 0, 1000, ""), "./c": (0o700, 5, 1000, ""), "./d": (0o777, 0, 1000, "a")}, found)

    def test_a_wheel_lists_what_is_in_it(self):
        content = archive.zip_file(wheel.entries("kenwell-1.2.3", b"bytes", ["py3-none-any"], "1.2.3"), 1000)
        with zipfile.ZipFile(io.BytesIO(content)) as wheel_file:
            record = wheel_file.read("kenwell-1.2.3.dist-info/RECORD").decode().splitlines()
            self.assertEqual(wheel_file.namelist(), [line.split(",")[0] for line in record])
            self.assertEqual(0o755, wheel_file.infolist()[0].external_attr >> 16 & 0o777)

    def test_a_deb_is_an_archive_of_three(self):
        packed = deb.ar([("debian-binary", b"2.0\n"), ("odd", b"123")], 1000)
        self.assertEqual(8 + 60 + 4 + 60 + 4, len(packed))


class Names(unittest.TestCase):
    """What each system of packages is told."""

    def test_a_static_program_fits_every_linux(self):
        self.assertEqual("1.2.3rc1", wheel.python_version("1.2.3-rc.1"))
        self.assertEqual(["manylinux_2_17_x86_64", "manylinux2014_x86_64", "musllinux_1_1_x86_64"], wheel.platforms(STATIC))
        self.assertNotIn("libc6", deb.control_file(STATIC, targets.find("x86_64-unknown-linux-musl"), "1.2.3", []))

    def test_another_one_says_what_it_needs(self):
        needs = elf.Needs("aarch64", (2, 34), ("libc.so.6", "libgcc_s.so.1", "libm.so.6"), "/lib/ld-linux-aarch64.so.1")
        self.assertEqual(["manylinux_2_34_aarch64"], wheel.platforms(needs))
        control = deb.control_file(needs, targets.find("aarch64-unknown-linux-gnu"), "1.2.3", [])
        self.assertIn("Architecture: arm64\n", control)
        self.assertIn("Depends: adduser, libc6 (>= 2.34), libgcc-s1\n", control)

    def test_what_only_tests_need_is_no_part(self):
        def needed(package, kind):
            return {"pkg": package, "dep_kinds": [{"kind": kind}]}
        nodes = {"a": {"deps": [needed("b", None), needed("c", "dev")]}, "b": {"deps": [needed("d", "build")]}, "c": {"deps": []}, "d": {"deps": []}}
        self.assertEqual({"a": {"b"}, "b": {"d"}, "d": set()}, sbom.reached(nodes, "a"))


class Kinds(unittest.TestCase):
    """Every kind of package has a file, and one line that says what it is."""

    def test_files_and_lines(self):
        listed = re.findall(r'^    "(\w+)": "', (ROOT / "release" / "build").read_text(), re.MULTILINE)
        self.assertIn("deb", listed)
        for kind in listed:
            text = (ROOT / "release" / "packages" / f"{kind}.py").read_text()
            self.assertIn("\ndef build(release):", text, kind)
            self.assertTrue(text.startswith('"""'), kind)

    def test_the_chart_has_a_schema_for_each_value(self):
        schema = json.loads((PACKAGING / "helm" / "kenwell" / "values.schema.json").read_text())
        values = re.findall(r"^(\w+):", (PACKAGING / "helm" / "kenwell" / "values.yaml").read_text(), re.MULTILINE)
        self.assertEqual(sorted({*values, "global"}), sorted(schema["properties"]))


if __name__ == "__main__":
    unittest.main(verbosity=0)
