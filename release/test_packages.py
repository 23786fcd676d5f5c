#!/usr/bin/env python3
"""Tests of what packs: the version is the same everywhere, archives have equal bytes, and every kind is described."""

import io
import json
import os
import re
import shutil
import struct
import sys
import tarfile
import tempfile
import unittest
import zipfile
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from packages import archive, common, deb, elf, licences, node, oci, parts, platforms, programs, sbom, targets, version, wheel  # noqa: E402
from packages.common import PACKAGING, ROOT, Failure  # noqa: E402
from packages.release import Release  # noqa: E402
from tests.packages_made import PackagesMade  # noqa: E402

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
        next(place for place in version.PLACES if place.file.endswith("Chart.yaml")).set("9.9.9", root)
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
        for page in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("crates/*/README.md")]:
            if page.relative_to(ROOT).as_posix() not in known:
                self.assertNotRegex(page.read_text(), rf"(?i)kenwell[\w-]*[-_:= ]v?{re.escape(now)}\b", page)

    def test_what_the_guide_has_people_install_is_the_new_version(self):
        root = self.copy()
        version.set_everywhere("7.8.9", "2027-01-02", root)
        guide = (root / "docs/install.md").read_text()
        self.assertNotIn(version.current(), guide)
        for name in ("kenwell_7.8.9_amd64.deb", "kenwell-7.8.9.oci.tar", "kenwell/kenwell:7.8.9", "kenwell-helm-7.8.9.tgz",
                     "kenwell-7.8.9-x86_64-unknown-linux-musl.tar.gz"):
            self.assertIn(name, guide)

    def test_a_version_before_the_present_one_is_refused(self):
        root = self.copy()
        version.set_everywhere("1.2.3", "2027-01-02", root)
        for older in ("1.2.2", "0.9.9", "1.2.3-rc.1"):
            self.assertRaisesRegex(Failure, "is older than 1.2.3", version.set_everywhere, older, "2027-01-02", root)
        version.set_everywhere("1.10.0", "2027-01-02", root)

    def test_what_is_no_version_is_refused(self):
        for wrong in ("1.2", "v1.2.3", "1.2.3 "):
            self.assertRaises(Failure, version.set_everywhere, wrong, "2027-01-02", self.copy())

    def test_a_version_without_a_heading_changes_nothing(self):
        root = self.copy()
        log = root / "CHANGELOG.md"
        log.write_text(log.read_text().replace("## Unreleased", "## 0.0.1"))
        self.assertRaises(Failure, version.set_everywhere, "9.9.9", "2027-01-02", root)
        self.assertEqual(version.current(), version.current(root))

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
        content = archive.zip_file(wheel.entries("kenwell-1.2.3", b"bytes", b"native", ["cp39-abi3-any"], "1.2.3", b"texts"), 1000)
        with zipfile.ZipFile(io.BytesIO(content)) as wheel_file:
            record = wheel_file.read("kenwell-1.2.3.dist-info/RECORD").decode().splitlines()
            self.assertEqual(wheel_file.namelist(), [line.split(",")[0] for line in record])
            for name in ("kenwell-1.2.3.data/scripts/kenwell", "kenwell/_native.abi3.so"):
                self.assertEqual(0o755, wheel_file.getinfo(name).external_attr >> 16 & 0o777)
            self.assertLessEqual({"kenwell/__init__.py", "kenwell/_native.pyi", "kenwell/py.typed", "kenwell/aiogram.py"}, set(wheel_file.namelist()))

    def test_a_native_half_that_somebody_built_in_place_is_not_packed(self):
        with tempfile.TemporaryDirectory() as directory, patch.object(wheel, "PACKAGE", Path(directory)):
            for name in ("__init__.py", "_native.abi3.so"):
                (Path(directory) / name).write_bytes(b"in place")
            packed = [(entry.name, entry.content) for entry in wheel.entries("kenwell-1.2.3", b"", b"given", [], "1.2.3", b"")]
        self.assertEqual([("kenwell/__init__.py", b"in place"), ("kenwell/_native.abi3.so", b"given")], packed[:2])

    def test_an_image_is_there_for_every_docker(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        (program := Path(directory.name) / "kenwell").write_bytes(b"program")
        every = [targets.find(f"{processor}-unknown-linux-musl") for processor in ("x86_64", "aarch64")]

        def made(of):
            kept = {}
            release = SimpleNamespace(version="1.2.3", epoch=0, one_for_each_processor=lambda: of, program=lambda _: program,
                                      licences=lambda *_: b"texts", keep=kept.__setitem__)
            with patch.object(elf, "needs", lambda _: STATIC):
                oci.build(release)
            with tarfile.open(fileobj=io.BytesIO(kept["kenwell-1.2.3.oci.tar"])) as image:
                names = image.getnames()
                listed = json.load(image.extractfile("manifest.json"))
                for one in listed:
                    for name in [one["Config"], *one["Layers"]]:
                        self.assertIn(name, names)
                found = {one["RepoTags"][0]: json.load(image.extractfile(one["Config"]))["architecture"] for one in listed}
            return found
        self.assertEqual({"kenwell/kenwell:1.2.3": "amd64", "kenwell/kenwell:1.2.3-arm64": "arm64"}, made(every))
        self.assertEqual({"kenwell/kenwell:1.2.3": "arm64"}, made(every[1:]))

    def test_a_deb_is_an_archive_of_three(self):
        packed = deb.ar([("debian-binary", b"2.0\n"), ("odd", b"123")], 1000)
        self.assertEqual(8 + 60 + 4 + 60 + 4, len(packed))


class Names(unittest.TestCase):
    """What each system of packages is told."""

    def test_a_static_program_fits_every_linux(self):
        self.assertNotIn("libc6", deb.control_file(STATIC, targets.find("x86_64-unknown-linux-musl"), "1.2.3", []))

    def test_versions_as_python_writes_them(self):
        for ours, theirs in (("1.2.3", "1.2.3"), ("1.2.3-rc.1", "1.2.3rc1"), ("1.2.3-beta.10", "1.2.3b10")):
            self.assertEqual(theirs, wheel.python_version(ours))
        self.assertRaises(Failure, wheel.python_version, "1.2.3-next")

    def test_a_library_of_no_known_package_is_named(self):
        needs = elf.Needs("x86_64", (2, 17), ("libc.so.6", "libz.so.1"), "")
        with self.assertRaisesRegex(Failure, "needs libz.so.1, "):
            deb.control_file(needs, targets.find("x86_64-unknown-linux-gnu"), "1.2.3", [])

    def test_a_wheel_is_for_the_libc_of_its_native_half(self):
        older, newer = (elf.Needs("x86_64", version, ("libc.so.6",), "") for version in ((2, 14), (2, 34)))
        self.assertEqual(["manylinux_2_17_x86_64", "manylinux2014_x86_64"], wheel.platforms(STATIC, older))
        self.assertEqual(["manylinux_2_34_x86_64"], wheel.platforms(newer, older))
        self.assertEqual(["musllinux_1_2_x86_64"], wheel.platforms(STATIC, elf.Needs("x86_64", (), ("libc.so",), "")))

    def test_another_one_says_what_it_needs(self):
        needs = elf.Needs("aarch64", (2, 34), ("libc.so.6", "libgcc_s.so.1", "libm.so.6"), "/lib/ld-linux-aarch64.so.1")
        control = deb.control_file(needs, targets.find("aarch64-unknown-linux-gnu"), "1.2.3", [])
        self.assertIn("Architecture: arm64\n", control)
        self.assertIn("Depends: adduser, libc6 (>= 2.34), libgcc-s1\n", control)

    def test_what_only_tests_need_is_no_part(self):
        def needed(package, kind):
            return {"pkg": package, "dep_kinds": [{"kind": kind}]}
        nodes = {"a": {"deps": [needed("b", None), needed("c", "dev")]}, "b": {"deps": [needed("d", "build")]}, "c": {"deps": []}, "d": {"deps": []}}
        self.assertEqual({"a": {"b"}, "b": {"d"}, "d": set()}, parts.reached(nodes, "a"))


class Licences(unittest.TestCase):
    """What third parties want to be said."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        self.said = {"packages": [], "resolve": {"nodes": []}}

    def crate(self, name, needs=(), licence="MIT", source="registry", files=(), **more):
        """A crate, and what it brings."""
        directory = self.directory / name
        for file, content in dict(files).items():
            (directory / file).parent.mkdir(parents=True, exist_ok=True)
            (directory / file).write_text(content)
        directory.mkdir(exist_ok=True)
        self.said["packages"].append({"id": name, "name": name, "version": "1.0", "license": licence, "source": source, "authors": ["Ada"],
                                      "manifest_path": str(directory / "Cargo.toml"), **more})
        self.said["resolve"]["nodes"].append({"id": name, "deps": [{"pkg": one, "dep_kinds": [{"kind": None}]} for one in needs]})

    def three(self):
        """The crates of the three binaries, each of which needs one."""
        for crate, needed in zip(parts.BINARIES, "abc"):
            self.crate(crate, needed, source=None)
        self.crate("a", files={"LICENSE-MIT": "Copyright Bob.\nTake it."})
        self.crate("b", files={"license.md": "Copyright Bob.   Take it.", "src/LICENSE": "of a test"})
        self.crate("c", files={"vendor/COPYING": "of a library in C"}, links="c")

    def test_each_crate_is_named_and_each_text_is_there_once(self):
        self.three()
        text = licences.text(parts.BINARIES, self.said).decode()
        self.assertIn("a 1.0: MIT\nb 1.0: MIT\nc 1.0: MIT\n", text)
        self.assertEqual(1, text.count("Take it."))
        self.assertIn("\na, b:\n\nCopyright Bob.\nTake it.\n", text)
        self.assertIn("of a library in C", text)
        self.assertNotIn("of a test", text)

    def test_only_what_is_in_a_binary_is_named(self):
        self.three()
        text = licences.text([parts.ADDON], self.said).decode()
        self.assertIn("b 1.0: MIT\n", text)
        self.assertNotIn("a 1.0", text)

    def test_a_crate_without_a_text_is_under_what_it_says_or_named(self):
        self.crate(parts.ADDON, ["a"], source=None)
        self.crate("a", licence="MIT OR Apache-2.0")
        self.assertIn("Copyright (c) Ada", licences.text([parts.ADDON], self.said).decode())
        self.said["packages"][1]["license"] = "BSD-3-Clause"
        with self.assertRaisesRegex(Failure, "a brings no text of its licence, BSD-3-Clause"):
            licences.text([parts.ADDON], self.said)

    def test_the_list_of_parts_has_all_three_binaries(self):
        self.three()
        document = sbom.document(self.said, "1.0", 0)
        self.assertEqual(parts.PROGRAM, document["metadata"]["component"]["name"])
        self.assertEqual(["a", "b", "c", parts.ADDON, parts.EXTENSION], [part["name"] for part in document["components"]])

    def test_packages_with_a_binary_have_the_file(self):
        with patch.object(deb.documents, "completions", lambda _: {}), patch.object(deb.documents, "manual", lambda _: {}):
            debian = deb.entries(Path(__file__), None, b"texts")
        self.assertIn("usr/share/doc/kenwell/THIRD-PARTY-LICENSES.gz", [entry.name for entry in debian])
        files = {entry.name: entry.content for entry in wheel.entries("kenwell-1.2.3", b"", b"", [], "1.2.3", b"texts")}
        self.assertEqual(b"texts", files["kenwell-1.2.3.dist-info/licenses/THIRD-PARTY-LICENSES"])
        self.assertIn(b"\nLicense-File: THIRD-PARTY-LICENSES\n", files["kenwell-1.2.3.dist-info/METADATA"])
        native = node.native(platforms.PLATFORMS["linux-x64-gnu"], "1.2.3", self.directory / "native")
        self.assertIn(licences.NAME, json.loads((native / "package.json").read_text())["files"])


class NativeParts(unittest.TestCase):
    """The native parts of @kenwell/redis, and what is said of them in two languages."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_what_is_packed_is_looked_for(self):
        listed = re.search(r"^const PLATFORMS = \[(.*)\];$", (ROOT / "crates/kenwell-node/lib/addon.js").read_text(), re.MULTILINE)[1]
        self.assertEqual(sorted(platforms.PLATFORMS), re.findall(r"'([^']+)'", listed))

    def test_each_target_has_one(self):
        found = [platforms.of_target(target).name for target in targets.TARGETS.values()]
        self.assertEqual(["linux-x64-gnu", "linux-x64-musl", "linux-arm64-gnu", "linux-arm64-musl"], found)

    def test_a_package_says_where_it_fits(self):
        def described(name):
            return json.loads((node.native(platforms.PLATFORMS[name], "1.2.3", self.directory / name) / "package.json").read_text())
        musl, mac = described("linux-arm64-musl"), described("darwin-arm64")
        self.assertEqual(("@kenwell/redis-linux-arm64-musl", "1.2.3"), (musl["name"], musl["version"]))
        self.assertEqual((["linux"], ["arm64"], ["musl"]), (musl["os"], musl["cpu"], musl["libc"]))
        self.assertEqual((["darwin"], ["arm64"], None), (mac["os"], mac["cpu"], mac.get("libc")))

    def test_an_addon_tells_for_which_system_it_is(self):
        def platform_of(content):
            path = self.directory / "kenwell.node"
            path.write_bytes(content)
            return platforms.of(path).name
        self.assertEqual("darwin-arm64", platform_of(struct.pack("<II", 0xFEEDFACF, 0x0100000C) + bytes(4)))
        self.assertEqual("darwin-x64", platform_of(struct.pack("<II", 0xFEEDFACF, 0x01000007) + bytes(4)))
        dll = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", 0x8664)
        self.assertEqual("win32-x64", platform_of(dll))
        for other in (b"", b"MZ", dll[:-2], b"#!/bin/sh\n", dll[:-2] + struct.pack("<H", 0x14C), struct.pack("<II", 0xFEEDFACF, 7) + bytes(4)):
            self.assertRaises(Failure, platform_of, other)


class Binaries(unittest.TestCase):
    """The programs and libraries that go into packages."""

    GNU, MUSL = (targets.find(f"aarch64-unknown-linux-{libc}") for libc in ("gnu", "musl"))

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_a_given_library_is_packed_for_its_own_target_only(self):
        given = self.directory / "given.so"
        given.write_bytes(b"..PyInit__native..")
        with patch.object(elf, "needs", lambda _: elf.Needs("aarch64", (), ("libc.so",), "")), \
                patch.object(programs, "stripped", lambda source, _: source), \
                patch.object(programs, "built_extension", lambda target: f"built for {target.triple}"):
            release = Release(self.directory, list(targets.TARGETS), extensions=[given])
            self.assertEqual(given, release.extension(self.MUSL))
            self.assertEqual("built for aarch64-unknown-linux-gnu", release.extension(self.GNU))

    def test_a_library_of_something_else_is_not_packed(self):
        other = self.directory / "other.so"
        other.write_bytes(b"..napi_register_module_v1..")
        self.assertRaisesRegex(Failure, "no PyInit__native", programs.given_extension, other)
        other.write_bytes(b"..PyInit__native..")
        self.assertRaisesRegex(Failure, "no napi_register_module_v1", programs.given_addon, other)

    def test_a_library_needs_the_c_library_of_its_target_and_nothing_else(self):
        def check(target, glibc, *libraries):
            with patch.object(elf, "needs", lambda _: elf.Needs("aarch64", glibc, libraries, "")):
                programs.check_library("it", target)
        check(self.MUSL, (), "libc.so")
        check(self.GNU, (2, 17), "libc.so.6", "libm.so.6", "ld-linux-aarch64.so.1")
        for wrong in ((self.GNU, (), "libc.so"), (self.MUSL, (2, 17), "libc.so.6"), (self.MUSL, (), "libc.so", "libgcc_s.so.1"),
                      (self.GNU, (2, 17), "libc.so.6", "libpython3.so"), (self.GNU, (2, 18), "libc.so.6"), (self.MUSL, ())):
            self.assertRaises(Failure, check, *wrong)

    def test_what_was_stripped_before_is_not_packed_for_another(self):
        stripped = []
        for name in ("true", "echo"): # the second one is the older
            source = self.directory / name
            shutil.copyfile(shutil.which(name), source)
            os.utime(source, (1000 - len(stripped), 1000 - len(stripped)))
            stripped.append(programs.stripped(source, self.directory / "stripped").read_bytes())
        self.assertNotEqual(*stripped)

    def test_readelf_speaks_english(self):
        said = {}
        def run(command, fix, env):
            said.update(env)
            return "Machine:  AArch64\n"
        with patch.object(elf, "run", run), patch.dict(os.environ, {"LC_ALL": "de_DE.UTF-8"}):
            elf.needs("it")
        self.assertEqual("C", said["LC_ALL"])

    def test_warnings_are_no_part_of_what_a_program_answers(self):
        self.assertEqual("answer\n", common.run(["sh", "-c", "echo warning >&2; echo answer"]))


class Kinds(unittest.TestCase):
    """Every kind of package has a file, and one line that says what it is."""

    BUILD = module_from_spec(spec_from_loader("build", SourceFileLoader("build", str(ROOT / "release" / "build"))))
    BUILD.__spec__.loader.exec_module(BUILD)

    def test_files_and_lines(self):
        self.assertIn("deb", self.BUILD.KINDS)
        for kind in self.BUILD.KINDS:
            text = (ROOT / "release" / "packages" / f"{kind}.py").read_text()
            self.assertIn("\ndef build(release):", text, kind)
            self.assertTrue(text.startswith('"""'), kind)

    def test_the_formula_is_made_of_the_tarballs_that_it_names(self):
        def kinds(triples, only=None):
            release = SimpleNamespace(targets=[targets.find(triple) for triple in triples])
            with patch.object(self.BUILD, "say"):
                return self.BUILD.kinds_to_make(SimpleNamespace(only=only), release)
        self.assertEqual(list(self.BUILD.KINDS), kinds(targets.TARGETS))
        self.assertEqual(set(self.BUILD.KINDS) - {"homebrew"}, set(kinds(["x86_64-unknown-linux-musl"])))
        self.assertEqual(["source", "homebrew"], kinds(["x86_64-unknown-linux-musl"], ["homebrew", "source"]))

    def test_wheels_are_found_by_their_platform(self):
        with tempfile.TemporaryDirectory() as directory:
            names = [f"kenwell-{version.current()}-cp39-abi3-manylinux_2_17_{os.uname().machine}.manylinux2014_{os.uname().machine}.whl",
                     f"kenwell-{version.current()}-cp39-abi3-musllinux_1_2_riscv64.whl"]
            for name in names:
                (Path(directory) / name).touch()
            found = {platform: path.name for platform, path in PackagesMade(directory).wheels().items()}
        self.assertEqual({f"manylinux_2_17_{os.uname().machine}": names[0], "musllinux_1_2_riscv64": names[1]}, found)

    def test_the_chart_has_a_schema_for_each_value(self):
        schema = json.loads((PACKAGING / "helm" / "kenwell" / "values.schema.json").read_text())
        values = re.findall(r"^(\w+):", (PACKAGING / "helm" / "kenwell" / "values.yaml").read_text(), re.MULTILINE)
        self.assertEqual(sorted({*values, "global"}), sorted(schema["properties"]))


if __name__ == "__main__":
    unittest.main(verbosity=0)
