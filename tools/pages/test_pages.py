#!/usr/bin/env python3
"""What the checks of the pages refuse and what they let pass, on small pages that are made up here."""

import os
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import blocks
import command_lines
import console_blocks
import known_programs
import links_outside
import running_kenwell
import settings_blocks
import shell_lines
import site_links
import tutorials

PAGE = """# Page

<!-- run -->
```console
$ one \\
    --more
printed
$ two
```

```toml
a = 1
```
"""


class Blocks(unittest.TestCase):
    def test_blocks_have_their_notes_and_commands(self):
        # Not among the pages: other checks read those at the same time.
        with tempfile.TemporaryDirectory() as root, mock.patch.object(blocks, "ROOT", Path(root)):
            file = Path(root, "docs", "made-up-page.md")
            file.parent.mkdir()
            file.write_text(PAGE)
            console, toml = blocks.of(file)
        self.assertEqual((console.place, console.note, toml.note, toml.text), ("docs/made-up-page.md:4", "run", "", "a = 1"))
        self.assertEqual(blocks.commands(console), [("one \\\n    --more", ["printed"]), ("two", [])])


class Outputs(unittest.TestCase):
    def test_dots_stand_for_anything(self):
        matches = lambda lines, printed: tutorials.pattern(lines).fullmatch(printed) is not None
        self.assertTrue(matches(["a … c", "d"], "a b c\nd\n"))
        self.assertTrue(matches(["a", "…", "d"], "a\nb\nc\nd\n"))
        self.assertTrue(matches(["…"], "a\n"))
        self.assertFalse(matches(["a … c"], "a b d\n"))
        self.assertFalse(matches(["a"], "a\nb\n"))

    def test_a_command_that_does_not_end_is_ended(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.object(tutorials, "DEADLINE_S", 0.2):
            shell = tutorials.Shell(folder, dict(os.environ))
            began = time.monotonic()
            self.assertEqual(shell.run("echo begun; sleep 30"), ("begun\n", 1))
            self.assertLess(time.monotonic() - began, 20)
            shell.close()


class FakeHelp:
    def commands(self, path):
        return {(): {"serve", "config"}, ("config",): {"check"}}.get(path, set())

    def has(self, path):
        return path[-1] in self.commands(path[:-1])

    def options(self, path):
        return {"--config", "--json"} if path else {"--help"}


class CommandLines(unittest.TestCase):
    def found(self, line):
        (first, *_) = shell_lines.commands(line, "sh")
        return list(command_lines.problems(first.words[1:], FakeHelp()))

    def test_commands_and_options_must_exist(self):
        self.assertEqual(self.found("kenwell serve --config a.toml --json | grep --count x"), [])
        self.assertEqual(self.found("A=b kenwell config check a.toml"), [])
        self.assertEqual(self.found("kenwell config chek a.toml"), ["there is no command `kenwell config chek`"])
        self.assertEqual(self.found("kenwell serve --jsn=yes"), ["`kenwell serve` has no option --jsn"])


class ShellLines(unittest.TestCase):
    def test_commands_are_taken_apart_where_they_are_run(self):
        text = "$ (cd b && five)\n$ cd a && A=b one --x > file | two\nprinted\n$ sudo three \\\n  four  # why\n"
        found = [(line.words, line.folder) for line in shell_lines.commands(text)]
        self.assertEqual(found, [(["cd", "b"], ""), (["five"], "b"), (["cd", "a"], ""), (["one", "--x"], "a"), (["two"], "a"), (["three", "four"], "a")])

    def test_of_a_script_each_line_is_a_command_whatever_its_remarks_look_like(self):
        found = [line.words for line in shell_lines.commands("# $ first\none a\n\ntwo \\\n  b\n", "sh")]
        self.assertEqual(found, [["one", "a"], ["two", "b"]])

    def test_an_alias_counts_for_what_follows(self):
        found = [line.words for line in shell_lines.commands("$ alias a='curl -H \"x y\"'\n$ a http://z")]
        self.assertEqual(found[1], ["curl", "-H", "x y", "http://z"])


class KnownPrograms(unittest.TestCase):
    def found(self, line):
        return list(known_programs.Programs().problems(line.split()))

    def test_programs_commands_and_options_must_be_known(self):
        for right in ("tar -xzf a.tar.gz", "openssl req -x509 -nodes", "systemctl enable --now kenwell", "xargs -r -n 500"):
            self.assertEqual(self.found(right), [], right)
        for wrong in ("tar --unpak a", "openssl reqq", "systemctl enable --nwo kenwell", "docker kill a", "podman run a"):
            self.assertEqual(len(self.found(wrong)), 1, wrong)


class ConsoleBlocks(unittest.TestCase):
    def found(self, line):
        checks = console_blocks.Checks.__new__(console_blocks.Checks)
        checks.installed = console_blocks.installed_files()
        return list(checks.file_problems(shell_lines.Line(line.split(), "")))

    def test_files_packages_and_paths_must_be_there(self):
        version = console_blocks.VERSION
        for right in (f"apt install ./kenwell_{version}_amd64.deb", "install packaging/systemd/kenwell.service /etc/systemd/system/",
                      "x /etc/kenwell/kenwell.toml /var/lib/kenwell"):
            self.assertEqual(self.found(right), [], right)
        for wrong in ("apt install ./kenwell_9.9.9_amd64.deb", f"tar xf kenwell-{version}.zip", "packaging/none", "x /etc/kenwell.d/kenwell.toml"):
            self.assertEqual(len(self.found(wrong)), 1, wrong)

    def test_commands_of_kenwell_itself_are_looked_up_in_its_help(self):
        checks = console_blocks.Checks.__new__(console_blocks.Checks)
        checks.help, checks.installed = FakeHelp(), ""
        found = lambda line: list(checks.problems(shell_lines.Line(line.split(), "")))
        self.assertEqual((found("kenwell serve --json"), found("./kenwell config check a.toml")), ([], []))
        self.assertEqual(found("kenwell serve --jsn"), ["`kenwell serve` has no option --jsn"])

    def test_containers_and_units_are_those_of_packaging(self):
        right = f"docker run -p 8080:8080 -v k:/data kenwell/kenwell:{console_blocks.VERSION}"
        self.assertEqual(list(console_blocks.docker_problems(right.split())), [])
        for wrong in (right.replace("8080:8080", "8080:8090"), right.replace("/data", "/var"), right.replace("k:/data", "k"), right.replace("kenwell/", "other/")):
            self.assertEqual(len(list(console_blocks.docker_problems(wrong.split()))), 1, wrong)
        self.assertEqual(list(console_blocks.unit_problems(["systemctl", "enable", "--now", "kenwel"])), ["there is no unit kenwel"])

    def test_what_is_asked_of_the_api_must_be_in_its_description(self):
        running = running_kenwell.RunningKenwell.__new__(running_kenwell.RunningKenwell)
        body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}}
        running.api = {"paths": {"/api/v1/a/{id}": {"post": {"requestBody": body, "parameters": [{"name": "q", "in": "query"}]}}},
                       "components": {"schemas": {"B": {"properties": {"x": {}}}}}}
        found = lambda url, body=None, method="POST": list(running.problems_of_url(method, url, body))
        at = running_kenwell.PRIVATE + "/api/v1"
        self.assertEqual(found(f"{at}/a/1?q=2", '{"x":1}'), [])
        self.assertEqual(len(found(f"{at}/a/1", "{x: 1}")), 1)
        for wrong in (found(f"{at}/b/1"), found(f"{at}/a/1", method="GET"), found(f"{at}/a/1?r=2"), found(f"{at}/a/1", '{"y":1}'), found("http://127.0.0.1:9/x")):
            self.assertEqual(len(wrong), 1, wrong)


class Settings(unittest.TestCase):
    def test_a_part_is_completed(self):
        destination = '[[destinations]]\nid = "a"\n'
        self.assertIn('destinations = ["a"]', settings_blocks.completed(destination))
        self.assertTrue(any(text.startswith("[journal]\n") for text in settings_blocks.candidates('retain = "1h"')))


class Links(unittest.TestCase):
    def test_what_is_outside_of_the_guide_is_on_the_web(self):
        made = links_outside.outside("adr/a.md", "[a](../b.md) [c](../../bench/README.md#d) [e](https://f)", "https://g/h")
        self.assertEqual(made, "[a](../b.md) [c](https://g/h/blob/main/bench/README.md#d) [e](https://f)")

    def test_links_of_the_site_lead_somewhere(self):
        with tempfile.TemporaryDirectory() as root:
            Path(root, "a.html").write_text('<h1 id="x">X</h1><a href="b.html#y">b</a><a href="#x">x</a><a href="https://c">c</a>')
            Path(root, "b.html").write_text('<img src="none.png"><a href="a.html#x">x</a><a href="/etc">no page</a>')
            expected = ["a.html: b.html has no y", "b.html: nothing is at none.png", "b.html: nothing is at /etc"]
            self.assertEqual(list(site_links.problems(root)), expected)


if __name__ == "__main__":
    unittest.main()
