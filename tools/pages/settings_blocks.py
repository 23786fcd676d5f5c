#!/usr/bin/env python3
"""Validates the TOML blocks of the pages with `kenwell config check`.

  tools/pages/settings_blocks.py BINARY

A block that is only a part (a destination alone, some keys) is completed with what a configuration needs. Variables of the
environment are set, and files that it names need not be here. A block with another purpose says so in a comment before it:
`<!-- not a configuration: why -->`.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import blocks

# Any values that are no secrets; no file is read that a block names.
SOURCE = '[[sources]]\nid = "completed"\nwrite_key = "0123456789abcdef"\n'
DESTINATION = '[[destinations]]\nid = "completed"\ntype = "redis"\naddress = "127.0.0.1:6379"\n'

FILE_MISSING = re.compile(r"(cannot read|nor the path of a readable file).*No such file|tls_key: neither PEM|client_key: neither PEM")


def completed(text):
    """The block as a whole configuration."""
    headings = [line.split("#")[0].strip() for line in text.splitlines() if line.startswith("[")]
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not headings and lines:
        return text  # keys alone: the caller tries the tables they may stand in
    if "[[sources]]" not in headings:
        ids = [line.split("=")[1].strip() for line in text.splitlines() if line.replace(" ", "").startswith("id=")]
        text += f"\n{SOURCE}" + (f"destinations = [{', '.join(ids)}]\n" if ids else "")
    return text


def candidates(text):
    """What the block may stand for: as it is, completed, or as the end of one of the tables."""
    whole = completed(text)
    yield text
    yield whole
    if not any(line.startswith("[") for line in text.splitlines()):
        missing = lambda key: not any(line.replace(" ", "").startswith(f"{key}=") for line in text.splitlines())
        needs = "".join(f"{line}\n" for line in DESTINATION.splitlines() if line.startswith("[") or missing(line.split(" ")[0]))
        if not missing("url"):
            needs = needs.replace('address = "127.0.0.1:6379"\n', "")
        yield f"{SOURCE}\n{needs}{text}\n"
        for table in ("gateway", "private", "journal", "delivery", "dead_letters"):
            yield f"[{table}]\n{text}\n"


def check(binary, text, folder):
    """What `config check` says: none when it is right."""
    file = Path(folder, "kenwell.toml")
    file.write_text(text)
    variables = dict.fromkeys(re.findall(r'"env:(\w+)"', text), "0123456789abcdef")
    command = [binary, "config", "check", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env={**os.environ, **variables})
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    is_right = done.returncode == 0 or (errors and all(FILE_MISSING.search(error) for error in errors))
    return None if is_right else done.stderr


def main():
    binary = Path(sys.argv[1]).resolve()
    problems = count = 0
    for page in blocks.pages():
        for block in blocks.of(page):
            if block.language != "toml" or block.note.startswith("not a configuration"):
                continue
            count += 1
            with tempfile.TemporaryDirectory() as folder:
                answers = [check(binary, text, folder) for text in candidates(block.text)]
            if None not in answers:
                problems += 1
                print(f"{block.place}: no valid configuration, nor a part of one:\n{min(answers, key=len)}")
    print(f"{count} TOML blocks, {problems} wrong")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
