#!/usr/bin/env python3
"""What references.py refuses and what it lets pass, on small trees that are made up here."""

import tempfile
import unittest
from pathlib import Path

import references

FILES = {
    "crates/house/src/door.rs": "pub const MAX_KEYS: u32 = 1;\nfn lock() {}",
    "crates/house/tests/visits/main.rs": "mod guests;",
    "crates/house/tests/visits/guests.rs": "fn who_rings_is_let_in() {}\nvisits! { crate::ring as at_night }",
    "crates/house/node_modules/other/gone.js": "",
}


def problems(text, page="README.md"):
    """What is said of a page with this text."""
    with tempfile.TemporaryDirectory() as root:
        for name, content in {**FILES, page: text}.items():
            file = Path(root, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return list(references.problems(root))


class References(unittest.TestCase):
    def test_links_are_followed_from_the_page(self):
        self.assertEqual(problems("[a](crates/house/src/door.rs) [b](#here) [c](https://example.com/door.rs)"), [])
        self.assertEqual(problems("[a](../crates/house/src/door.rs#lock)", "docs/a.md"), [])
        self.assertEqual(problems("\n[a](crates/house/src/window.rs)"), ["README.md:2: no file `crates/house/src/window.rs`"])

    def test_a_path_may_be_the_end_of_one(self):
        self.assertEqual(problems("`door.rs` `src/door.rs` `crates/house/tests/` `node crates/house/src/door.rs --open`"), [])
        self.assertEqual(problems("`window.rs`, `crates/attic`"), ["README.md:1: no file `window.rs`", "README.md:1: no file `crates/attic`"])
        self.assertEqual(problems("`oor.rs`"), ["README.md:1: no file `oor.rs`"])
        self.assertEqual(problems("`gone.js`"), ["README.md:1: no file `gone.js`"])

    def test_braces_stand_for_several_paths(self):
        self.assertEqual(problems("`house/src/{door,window}.rs`"), ["README.md:1: no file `house/src/window.rs`"])

    def test_what_stands_behind_a_path_is_in_the_file(self):
        self.assertEqual(problems("`door.rs` `MAX_KEYS`, `lock`; `MAX_DOORS`"), [])
        self.assertEqual(problems("`door.rs` `MAX_KEYS`, `MAX_DOORS`"), ["README.md:1: crates/house/src/door.rs has no `MAX_DOORS`"])
        self.assertEqual(problems("`door.rs`, `max_doors`"), [])

    def test_tests_are_functions_or_modules_of_ours(self):
        self.assertEqual(problems("`visits::guests::who_rings_is_let_in` `guests::at_night` `visits::guests` `redis::cmd::arg`"), [])
        self.assertEqual(problems("`guests::who_knocks_is_let_in`"), ["README.md:1: no test or module `guests::who_knocks_is_let_in`"])

    def test_single_words_count_in_the_column_that_names_tests(self):
        table = "| promise | shown by |\n|---|---|\n| `spoon` | `guests`, `{}` |\n"
        self.assertEqual(problems(table.format("visits")), [])
        self.assertEqual(problems(table.format("burglars")), ["README.md:3: no test or module `burglars`"])
        self.assertEqual(problems(table.format("visits") + "\n| promise | by |\n|---|---|\n| a | `burglars` |"), [])

    def test_examples_do_not_count(self):
        self.assertEqual(problems("```\n`window.rs`\n```\n`window.rs`"), ["README.md:4: no file `window.rs`"])


if __name__ == "__main__":
    unittest.main()
