#!/usr/bin/env python3
"""What the checks of the pages refuse and what they let pass, on small pages that are made up here."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import blocks
import command_lines
import links_outside
import settings_blocks
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
        file = blocks.ROOT / "docs" / "made-up-page.md"
        file.write_text(PAGE)
        try:
            console, toml = blocks.of(file)
        finally:
            file.unlink()
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


class FakeHelp:
    def commands(self, path):
        return {(): {"serve", "config"}, ("config",): {"check"}}.get(path, set())

    def has(self, path):
        return path[-1] in self.commands(path[:-1])

    def options(self, path):
        return {"--config", "--json"} if path else {"--help"}


class CommandLines(unittest.TestCase):
    def found(self, line):
        return list(command_lines.problems(command_lines.words_of(line), FakeHelp()))

    def test_commands_and_options_must_exist(self):
        self.assertEqual(self.found("kenwell serve --config a.toml --json | grep --count x"), [])
        self.assertEqual(self.found("A=b kenwell config check a.toml"), [])
        self.assertEqual(self.found("kenwell config chek a.toml"), ["there is no command `kenwell config chek`"])
        self.assertEqual(self.found("kenwell serve --jsn=yes"), ["`kenwell serve` has no option --jsn"])
        self.assertIsNone(command_lines.words_of("curl --kenwell"))


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
            Path(root, "b.html").write_text('<img src="none.png"><a href="a.html#x">x</a>')
            expected = ["a.html: b.html has no y", "b.html: nothing is at none.png"]
            self.assertEqual(list(site_links.problems(root)), expected)


if __name__ == "__main__":
    unittest.main()
