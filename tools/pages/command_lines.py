#!/usr/bin/env python3
"""Checks the command lines of the pages that begin with `kenwell`: commands and options must exist.

  tools/pages/command_lines.py BINARY
"""

import re
import shlex
import subprocess
import sys

import blocks


class Help:
    """The help of each command, asked for once."""

    def __init__(self, binary):
        self.binary, self.kept = binary, {}

    def of(self, path):
        if path not in self.kept:
            done = subprocess.run([self.binary, *path, "--help"], capture_output=True, text=True, check=False)
            self.kept[path] = done.stdout if done.returncode == 0 else ""
        return self.kept[path]

    def commands(self, path):
        section = re.search(r"^Commands:\n(.*?)\n\n", self.of(path), re.MULTILINE | re.DOTALL)
        return set(re.findall(r"^  (\S+)", section[1], re.MULTILINE)) if section else set()

    def has(self, path):
        """Whether there is such a command; some are not listed."""
        return bool(self.of(path))

    def options(self, path):
        return set(re.findall(r"(?<![\w-])--?\w[\w-]*", self.of(path)))


def words_of(line):
    """The words behind `kenwell` in a line, up to a pipe or a comment; none when it is another command."""
    try:
        words = shlex.split(line.replace("\\\n", " "), comments=True)
    except ValueError:
        return None
    while words and re.match(r"\w+=|sudo$|exec$", words[0]):
        words = words[1:]
    if not words or words[0] != "kenwell":
        return None
    end = next((at for at, word in enumerate(words) if word in ("|", "||", "&&", "&", ";", ">", "2>", ">>", "<")), len(words))
    return words[1:end]


def problems(words, help_of):
    """What is wrong with a command line."""
    path = ()
    rest = list(words)
    while help_of.commands(path):
        if not rest or rest[0].startswith("-"):
            break
        if not help_of.has((*path, rest[0])):
            yield f"there is no command `{' '.join(('kenwell', *path, rest[0]))}`"
            return
        path += (rest.pop(0),)
    for word in rest:
        option = word.split("=")[0]
        if re.fullmatch(r"--?[a-z][\w-]*", option) and option not in help_of.options(path):
            yield f"`{' '.join(('kenwell', *path))}` has no option {option}"


def lines():
    """Each line of a console block, a shell script, or a unit file that may be a command; with its place."""
    for page in blocks.pages():
        for block in blocks.of(page):
            if block.language == "console":
                yield from ((block.place, command.text) for command in blocks.commands(block))
            elif block.language in ("sh", "bash", ""):
                yield from ((block.place, line) for line in block.text.splitlines())


def main():
    help_of = Help(sys.argv[1])
    wrong = count = 0
    for place, line in lines():
        words = words_of(line)
        if words is None:
            continue
        count += 1
        for problem in problems(words, help_of):
            wrong += 1
            print(f"{place}: {problem}")
    print(f"{count} command lines, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
