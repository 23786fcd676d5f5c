"""The blocks of code in the pages, and what is said of each in a comment before it."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
# The languages of blocks that commands stand in.
SHELLS = ("console", "sh", "bash")
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
# <!-- run --> and the like, directly above the block.
NOTE = re.compile(r"<!-- ([^\n]*?) -->\n+$")


class Block(NamedTuple):
    """A block, and where it is."""

    page: str
    line: int
    language: str
    text: str
    note: str

    @property
    def place(self):
        return f"{self.page}:{self.line}"


class Command(NamedTuple):
    """A command of a console block, and the lines that it prints."""

    text: str
    output: list


def pages():
    """README and the guide: all that a user reads. Decisions are left out, they speak of their time."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def of(page):
    """The blocks of a page."""
    text = page.read_text()
    found = []
    for fence in FENCE.finditer(text):
        before = text[: fence.start()]
        note = NOTE.search(before)
        lines = [line.removeprefix(fence[1]) for line in fence[3].splitlines()]
        name = page.relative_to(ROOT).as_posix()
        found.append(Block(name, before.count("\n") + 1, fence[2], "\n".join(lines), note[1] if note else ""))
    return found


def commands(block):
    """The commands of a console block: what stands behind `$ `, and goes on while a line ends with a backslash. Of a script, each line."""
    found = []
    goes_on = False
    for line in block.text.splitlines():
        if goes_on:
            found[-1] = Command(f"{found[-1].text}\n{line}", [])
        elif line.startswith("$ "):
            found.append(Command(line[2:], []))
        elif block.language in ("sh", "bash") and line.strip():
            found.append(Command(line, []))
        elif found:
            found[-1].output.append(line)
        goes_on = bool(found) and not found[-1].output and found[-1].text.endswith("\\")
    return found
