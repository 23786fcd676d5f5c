"""Console blocks and shell scripts as the commands that they run, each as its words."""

import re
import shlex
from typing import NamedTuple

OPERATORS = {"|", "||", "&&", "&", ";", "(", ")", ";;"}
REDIRECTIONS = {">", ">>", "<", "2>", "&>", ">&"}
# What stands before a command and changes nothing about it.
BEFORE = ("sudo", "exec", "then", "do", "!")
# What a shell has of its own, and takes no options here.
BUILTINS = {"cd", "export", "alias", "printf", "echo", "while", "done", "true", "wait", "sleep"}
ASSIGNMENT = re.compile(r"\w+=")


class Line(NamedTuple):
    """One command: its program with all that follows, and the directory that the commands before it went to."""

    words: list
    folder: str


def lines_of(text, language):
    """The commands of a block: of a console what stands behind `$ ` and, for root, `# `; of a script each line."""
    found = []
    goes_on = False
    for line in text.splitlines():
        if goes_on:
            found[-1] += f"\n{line}"
        elif language == "console" and line.startswith(("$ ", "# ")):
            found.append(line[2:])
        elif language != "console" and line.strip():
            found.append(line)
        else:
            continue
        goes_on = line.endswith("\\")
    return found


def commands(text, language="console"):
    """Each command of a block in order. Aliases that a block defines count for the commands after it."""
    aliases, folder = {}, ""
    for line in lines_of(text, language):
        here = folder
        for words in split(line):
            if words[0] == "alias":
                aliases.update(word.split("=", 1) for word in words[1:])
            elif words[0] in aliases:
                words = [*shlex.split(aliases[words[0]]), *words[1:]]
            yield Line(words, here)
            if words[0] == "cd":
                here = f"{here}/{words[1]}".strip("/")
        # Of a subshell, which begins its line here, the directory ends with it.
        folder = folder if line.startswith("(") else here


def split(line):
    """The simple commands of a line, without redirections."""
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words, is_target = [], False
    for word in lexer:
        if is_target:
            is_target = False
        elif word in REDIRECTIONS:
            is_target = True
        elif word in OPERATORS:
            yield from begun(words)
            words = []
        else:
            words.append(word)
    yield from begun(words)


def begun(words):
    """The command without what stands before it; nothing when nothing is left."""
    while words and (words[0] in BEFORE or ASSIGNMENT.match(words[0])):
        words = words[1:]
    if words:
        yield words
