"""Command lines that begin with `kenwell`: commands and options must exist."""

import re
import subprocess

# What the pages call the program.
OURS = ("kenwell", "./kenwell")


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
