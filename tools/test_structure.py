#!/usr/bin/env python3
"""What structure.py refuses and what it lets pass, on small trees that are made up here."""

import tempfile
import unittest
from pathlib import Path

import structure


def problems(**files):
    """What is said of a crate `house` with these files; `__` in a name stands for a folder."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            file = Path(root, "crates/house/src", name.replace("__", "/") + ".rs")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return list(structure.problems(root))


class Structure(unittest.TestCase):
    def test_a_tree_without_circles_passes(self):
        self.assertEqual(problems(lib="mod a;\nmod b;\npub use a::A;", a="use crate::b::B;\npub struct A(B);", b="pub struct B;"), [])

    def test_two_files_that_use_each_other_are_refused_with_the_names(self):
        said = problems(lib="mod a; mod b;", a="use crate::b::{B, self};\npub const LIMIT: u32 = 1;", b="pub struct B;\nfn f() { crate::a::LIMIT }")
        self.assertEqual(said, ["house: a circle of a, b\n    a -> b: B\n    b -> a: LIMIT"])

    def test_a_circle_of_three_folders_is_refused_though_no_two_files_use_each_other(self):
        said = problems(
            lib="mod x; mod y; mod z;", x__mod="mod one; mod two;\npub use one::One;", y__mod="mod one;\npub use one::One;", z="use crate::x::two::Two;\npub struct Z;",
            x__one="use crate::y::One as Other;\npub struct One;", x__two="pub struct Two;", y__one="use super::super::z::Z;\npub struct One;",
        )
        self.assertEqual(said, ["house: a circle of x, y, z\n    x -> y: One\n    y -> z: Z\n    z -> x: Two"])

    def test_a_name_that_is_handed_on_counts_for_the_file_that_defines_it(self):
        # `mod.rs` lists both, and each takes the other's name from it.
        said = problems(lib="mod f;", f__mod="mod a; mod b;\npub use self::{a::A, b::*};", f__a="use super::B;\npub struct A;", f__b="use super::A;\npub struct B;")
        self.assertEqual(said, ["house::f: a circle of a, b\n    a -> b: B\n    b -> a: A"])
        passes = problems(lib="mod f;", f__mod="mod a; mod b;\npub use self::{a::A, b::*};", f__a="use super::B;\npub struct A;", f__b="pub struct B;")
        self.assertEqual(passes, [])

    def test_a_file_and_what_it_is_made_of_are_refused_only_when_both_use_the_other(self):
        parent = "mod child;\npub struct Parent;"
        self.assertEqual(problems(lib="mod p;", p=parent, p__child="use super::Parent;"), [])
        said = problems(lib="mod p;", p=parent + "\nfn f() { child::help() }", p__child="use super::Parent;\npub fn help() {}")
        self.assertEqual(said, ["house::p: a circle of child, itself\n    child -> itself: Parent\n    itself -> child: help"])

    def test_tests_comments_and_texts_do_not_count(self):
        tests = "#[cfg(test)]\nmod tests {\n    use crate::a::A; // }\n    const BRACE: char = '}';\n}\n#[cfg(test)]\nuse crate::a::{A, A as B};\n"
        b = tests + "// crate::a::A\npub struct B { #[cfg(test)] a: crate::a::A, text: &'static str }\nconst TEXT: &str = \"crate::a::A\";\n#[cfg(test)]\nmod more;"
        self.assertEqual(problems(lib="mod a; mod b;", a="use crate::b::B;\npub struct A;", b=b, b__more="use crate::a::A;"), [])

    def test_old_words_are_refused_as_names_and_only_as_names(self):
        said = problems(lib="mod a;", a="//! A Pen.\npub struct Pen;\npub struct Pencil;\nconst TEXT: &str = \"Pen\";")
        self.assertEqual(said, ["house::a: the word `Pen`"])

    def test_a_file_of_tests_that_nothing_names_is_refused(self):
        with tempfile.TemporaryDirectory() as root:
            crate = Path(root, "crates/house")
            for name, text in (("main", "mod cluster;\n"), ("cluster", "mod nodes;"), ("cluster/nodes", ""), ("alone", ""), ("suite/main", "// mod old;"), ("suite/old", "")):
                file = crate / "tests" / f"{name}.rs"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            (crate / "Cargo.toml").write_text('[package]\nname = "house"\n')
            said = "crates/house/tests/{}.rs: neither a `mod` line nor Cargo.toml names it, so its tests never run"
            self.assertEqual(list(structure.problems(root)), [said.format("suite/old")])
            (crate / "Cargo.toml").write_text('[package]\nname = "house"\nautotests = false\n')
            self.assertEqual(list(structure.problems(root)), [said.format("alone"), said.format("suite/old")])
            (crate / "Cargo.toml").write_text('[package]\nautotests = false\n[[test]]\nname = "alone"\n')
            self.assertEqual(list(structure.problems(root)), [said.format("suite/old")])


if __name__ == "__main__":
    unittest.main()
