#!/usr/bin/env python3
"""Finds circles among the folders and files of crates/*/src, words that the code must not have, and files of crates/*/tests
that are never compiled.

  tools/structure.py [DIRECTORY]     the directory that holds crates/; this repository when none is given

What one file takes from another is read from its `use` lines and paths; a name that a module only hands on counts for the
file that defines it. Tests inside a file do not count, and methods are not seen. Cargo itself refuses circles among crates.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

# Names that things had before they had the names of ARCHITECTURE.md, which a stranger guesses.
OLD_WORDS = set("""
Announcer Arrival Aside Beginning Begun Books Bounded Chosen Desk Elsewhere Entered Entrance Flow Gathered Given Glance Greeting
Ground Happened Headed Intake Keeper Kept Ledger LookUp Looking Marked Missed NotTaken Obstacle Occasion Occupant Offered OurSide
Overtaking Owed PATIENCE Parcel Patience Patient Pen Picked Pulse Recipe Roster Said Seen Sheet Sought Stem Supply Survey Ticket
Told Trial UnderWay Visit Wanted Wrong books ledger roster
""".split())

# Comments, texts and characters, which hold no code.
NO_CODE = re.compile(r"""//[^\n]*|/\*.*?\*/|b?r(\#*)".*?"\1|b?"(?:\\.|[^"\\])*"|'(?:\\.[^']*|[^\\'])'""", re.DOTALL)
FOR_TESTS = re.compile(r"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*")
USE = re.compile(r"(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);")
PATH = re.compile(r"\b\w+(?:\s*::\s*\w+)+")


def end_of_item(text, start):
    """Where the item, field or statement that begins at `start` ends."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth < 0 or depth == 0 and (text[at] in ";," or text[at] == "}" and not text.startswith("use", start)):
            return at + (depth == 0)
    return len(text)


def without_tests(text):
    """The code without what is compiled for tests only, and the modules that are."""
    modules = []
    while found := FOR_TESTS.search(text):
        end = end_of_item(text, found.end())
        modules += re.findall(r"^(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", text[found.end():end])
        text = text[:found.start()] + text[end:]
    return text, modules


def expand(tree):
    """`a::{b, c as d, e::*}` as pairs of a path and the name that it gets."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    if not brace:
        path, _, name = re.sub(r"\s+as\s+", " as ", tree).partition(" as ")
        parts = [part.strip() for part in path.split("::") if part.strip()]
        if parts and parts[-1] == "self":
            parts.pop()
        return [(parts, name or (parts or [""])[-1])]
    prefix = [part.strip() for part in head.split("::") if part.strip()]
    pairs, depth, start = [], 0, 0
    inner = rest[:rest.rindex("}")] + ","
    for at, char in enumerate(inner):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            pairs += [(prefix + path, name or prefix[-1]) for path, name in expand(inner[start:at])]
            start = at + 1
    return [pair for pair in pairs if pair[1]]


class Crate:
    """The modules of one crate: which names each has from elsewhere, and what its code mentions."""

    def __init__(self, source):
        self.names, self.mentions, self.code, for_tests = {}, {}, {}, set()
        for file in sorted(source.rglob("*.rs")):
            module = tuple(part for part in file.relative_to(source).with_suffix("").parts if part not in ("mod", "lib"))
            code, tests = without_tests(NO_CODE.sub('""', file.read_text()))
            for_tests |= {module + (name,) for name in tests}
            self.names[module], self.code[module] = {}, code
            self.mentions[module] = [re.split(r"\s*::\s*", path) for path in PATH.findall(USE.sub(";", code))]
            for handed_on, tree in USE.findall(code):
                for path, name in expand(tree):
                    self.names[module].setdefault(name, []).append(path)
                    if not handed_on:
                        self.mentions[module].append(path)
        for module in [one for one in self.code if any(one[:len(test)] == test for test in for_tests)]:
            del self.names[module], self.mentions[module], self.code[module]

    def resolve(self, module, path, hops=8):
        """The module that defines what a path means in this one, and the name; None for another crate's, and for modules."""
        at, path = module, list(path)
        is_ours = path[0] in ("crate", "self", "super") or at + (path[0],) in self.code
        while path and path[0] in ("crate", "self", "super"):
            at = {"crate": (), "self": at, "super": at[:-1]}[path.pop(0)]
        while path and at + (path[0],) in self.code:
            at += (path.pop(0),)
        if not path or not hops:
            return None
        for target in self.names[at].get(path[0], []) + self.names[at].get("*", []):
            onward = target[:-1] + path if target[-1] == "*" else target + path[1:]
            if onward != path and (found := self.resolve(at, onward, hops - 1)) and found[0] != at:
                return found
        return (at, path[0]) if is_ours else None

    def ties(self):
        """(user, used) -> the names that tie them."""
        ties = defaultdict(set)
        for module, paths in self.mentions.items():
            for path in paths:
                if (found := self.resolve(module, path)) and found[0] != module:
                    ties[module, found[0]].add(found[1])
        return ties


def circles(ties):
    """The groups of nodes that reach each other."""
    onward = defaultdict(set)
    for user, used in ties:
        onward[user].add(used)
    reached = {}
    for node in onward:
        reached[node], ahead = set(), list(onward[node])
        while ahead:
            if (one := ahead.pop()) not in reached[node]:
                reached[node].add(one)
                ahead += onward.get(one, ())
    groups = {frozenset(other for other in reached[node] if node in reached.get(other, ())) for node in onward if node in reached[node]}
    return sorted(sorted(group) for group in groups)


def levels(crate):
    """For each folder that has circles: the folder, the circle, and what ties it."""
    ties = crate.ties()
    for folder in sorted({module[:depth] for module in crate.code for depth in range(len(module) + 1)}):
        inside = defaultdict(set)
        for (user, used), names in ties.items():
            if user[:len(folder)] == used[:len(folder)] == folder:
                ends = tuple((end[len(folder):] or ("itself",))[0] for end in (user, used))
                if ends[0] != ends[1]:
                    inside[ends] |= names
        for group in circles(inside):
            yield folder, group, {pair: names for pair, names in inside.items() if set(pair) <= set(group)}


def forgotten(crate):
    """The files of a crate's tests that neither cargo nor a `mod` line names."""
    manifest, tests = (crate / "Cargo.toml").read_text(), crate / "tests"
    files = sorted(tests.rglob("*.rs"))
    named = set(re.findall(r'^name = "(\w+)"', manifest, re.MULTILINE))
    for file in files:
        named |= set(re.findall(r"^\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", file.read_text(), re.MULTILINE))
    cargo_looks = not re.search(r"^autotests = false", manifest, re.MULTILINE)
    for file in files:
        name = file.parent.name if file.name == "mod.rs" else file.stem
        if name != "main" and name not in named and not (cargo_looks and file.parent == tests):
            yield file.relative_to(crate.parent.parent).as_posix()


def problems(root):
    """Everything that is wrong, as texts."""
    for manifest in sorted(Path(root).glob("crates/*/Cargo.toml")):
        yield from (f"{file}: neither a `mod` line nor Cargo.toml names it, so its tests never run" for file in forgotten(manifest.parent))
    for source in sorted(Path(root).glob("crates/*/src")):
        name, crate = source.parent.name.replace("-", "_"), Crate(source)
        for folder, group, ties in levels(crate):
            tied = "".join(f"\n    {user} -> {used}: {', '.join(sorted(names))}" for (user, used), names in sorted(ties.items()))
            yield f"{'::'.join((name, *folder))}: a circle of {', '.join(group)}{tied}"
        for module, code in sorted(crate.code.items()):
            for word in sorted(OLD_WORDS & set(re.findall(r"\w+", code))):
                yield f"{'::'.join((name, *module))}: the word `{word}`"


def main():
    found = list(problems(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent))
    print("\n".join(found) if found else "no circles, no old words, no forgotten tests")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
