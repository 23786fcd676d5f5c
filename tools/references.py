#!/usr/bin/env python3
"""Finds files, tests and constants that the pages name and that do not exist.

  tools/references.py [DIRECTORY]     the directory of the repository; this one when none is given

The pages are README.md, ARCHITECTURE.md, CONTRIBUTING.md, SECURITY.md and docs/*.md. A link must lead to a file. In code
spans, a path must be the end of one of the repository's paths, `module::test` must be a function or module of ours, and
what stands right behind a path, as in `retention.rs` `MAX_AGE`, must be in that file. In the last column of a table
headed "shown by" or "test", a single word must be a module.
"""

import os
import re
import sys
from pathlib import Path

PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md")
FOLDERS = ("bench", "conformance", "crates", "docs", "fuzz", "packaging", "release", "tools")
NOT_OURS = {"node_modules", "target"}
OTHER_CRATES = {"redis", "std", "tokio"}
SHOWN_BY = ("shown by", "test")

FENCE = re.compile(r"^```.*?^```[^\n]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)[^)\s]*\)")
SPAN = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w.-][\w./{},-]*\.(?:rs|js|mjs|py)")
FOLDER = re.compile(rf"(?:{'|'.join(FOLDERS)}|tests|kenwell(?:-\w+)?/tests)/[\w./{{}},-]*")
MODULE_PATH = re.compile(r"[a-z]\w*(?:::[a-z]\w*)+")
WORD = re.compile(r"[a-z]\w+")
NAME = re.compile(r"[A-Z][A-Z0-9_]+|[a-z]\w*_\w+")


def expand(path):
    """`a/{b,c}.rs` as both of its paths."""
    found = re.search(r"\{([^}]*)\}", path)
    if not found:
        return [path.rstrip("/")]
    return [one for choice in found[1].split(",") for one in expand(path[:found.start()] + choice + path[found.end():])]


class Repository:
    """The files below FOLDERS, and the functions and modules in those that are Rust."""

    def __init__(self, root):
        self.root = Path(root)
        self.files, self.folders = set(), set()
        for top in FOLDERS:
            for folder, inside, names in os.walk(self.root / top):
                inside[:] = [name for name in inside if name not in NOT_OURS]
                here = Path(folder).relative_to(self.root).as_posix()
                self.folders.add(f"/{here}")
                self.files |= {f"/{here}/{name}" for name in names}
        self.names = set()
        for file in self.files:
            if file.endswith(".rs"):
                parts = [part.replace("-", "_") for part in file[1:-len(".rs")].split("/") if part not in ("src", "mod", "main", "lib")]
                # A macro makes tests of functions that it lists with `as`.
                functions = re.findall(r"\b(?:fn|as)\s+(\w+)", self.text(file))
                self.names |= {"::" + "::".join(parts + last) for last in [[], *([name] for name in functions)]}

    def text(self, file):
        return (self.root / file[1:]).read_text()

    def files_named(self, path):
        return [file for file in self.files if file.endswith(f"/{path}")]

    def has_path(self, path):
        return any(one.endswith(f"/{path}") for one in self.files | self.folders)

    def has_name(self, path):
        return any(name.endswith(f"::{path}") for name in self.names)


def wrong_spans(repository, text, column):
    """What the code spans of one line name without its being there; spans from `column` on may be single modules."""
    files, end, between = [], 0, " "
    for span in SPAN.finditer(text):
        words = span[1]
        if files and NAME.fullmatch(words) and text[end:span.start()] in (" ", between):
            if not any(re.search(rf"\b{words}\b", repository.text(file)) for file in files):
                yield f"{files[0][1:]} has no `{words}`"
            end, between = span.end(), ", "
            continue
        files, between = [], " "
        for word in words.split():
            if FILE.fullmatch(word) or FOLDER.fullmatch(word):
                for path in expand(word):
                    if not repository.has_path(path):
                        yield f"no file `{path}`"
                    files += repository.files_named(path)
                end = span.end()
        if MODULE_PATH.fullmatch(words) and words.split("::")[0] not in OTHER_CRATES or span.start() >= column and WORD.fullmatch(words):
            if not repository.has_name(words):
                yield f"no test or module `{words}`"


def problems(root):
    """Everything that is wrong, as texts."""
    repository = Repository(root)
    for page in sorted(page for pattern in PAGES for page in repository.root.glob(pattern)):
        name = page.relative_to(repository.root).as_posix()
        text = FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), page.read_text())
        is_shown_by = False
        for number, line in enumerate(text.splitlines(), 1):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
            is_shown_by = bool(cells) and (is_shown_by or cells[-1] in SHOWN_BY)
            for link in LINK.findall(line):
                if not (page.parent / link).exists():
                    yield f"{name}:{number}: no file `{link}`"
            column = line.rstrip().rstrip("|").rfind("|") if is_shown_by else len(line)
            for wrong in wrong_spans(repository, line, column):
                yield f"{name}:{number}: {wrong}"


def main():
    found = list(problems(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent))
    print("\n".join(found) if found else "every file and test that the pages name exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
