#!/usr/bin/env python3
"""Checks every console block and shell script of the pages that is not run by tutorials.py.

  tools/pages/console_blocks.py BINARY

Of each command the program must be known, and its options; its files must be in the repository, its packages, services, paths and
ports those of packaging/; what it asks of Kenwell must be in the API's description of the running program, or a path of the
gateway; what it asks of Redis must be a command there. A block of which nothing can be checked is wrong. Needs Linux, `unshare` and
redis-server, as the tutorials do.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

import blocks
import command_lines
import shell_lines
import tutorials
from known_programs import Programs
from running_kenwell import RunningKenwell

ROOT = blocks.ROOT
VERSION = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
PACKAGES = re.compile(
    rf"kenwell(_{VERSION}_(amd64|arm64)\.deb|-{VERSION}\.oci\.tar|-(helm|npm)-{VERSION}\.tgz"
    rf"|-{VERSION}-(x86_64|aarch64)-unknown-linux-(gnu|musl)(\.tar\.gz)?)")
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "target"}


def shell_blocks():
    """The blocks that commands stand in; also those that do not say so."""
    for page in blocks.pages():
        for block in blocks.of(page):
            if block.language in blocks.SHELLS:
                yield block
            elif block.language == "" and re.match(r"(\$|curl|redis-cli|kenwell) ", block.text):
                yield block._replace(language="none")


class Checks:
    """What is wrong with commands, by a running Kenwell and its Redis."""

    def __init__(self, running, binary):
        self.running, self.programs = running, Programs()
        self.help = command_lines.Help(binary)
        self.installed = installed_files()

    def problems(self, line):
        """What is wrong with one command."""
        words = line.words
        program = Path(words[0]).name if "/" in words[0] and not words[0].startswith("./") else words[0]
        yield from self.file_problems(line)
        if program in command_lines.OURS:
            yield from command_lines.problems(words[1:], self.help)
        elif is_of_ours(words[0], line.folder):
            yield from self.script_problems(line)
        elif program not in shell_lines.BUILTINS:
            yield from self.programs.problems([program, *words[1:]])
        if program == "curl":
            yield from curl_problems(words, self.running)
        elif program == "redis-cli":
            yield from redis_problems(words, self.running)
        elif program == "xargs":
            # It adds words of its own.
            yield from self.problems(line._replace(words=[*behind_options(words[1:], ("-n",)), "word"]))
        elif program == "docker":
            yield from docker_problems(words)
        elif program in ("systemctl", "journalctl"):
            yield from unit_problems(words)
        elif program in ("npm", "cargo"):
            yield from project_problems(line)

    def file_problems(self, line):
        """Files of the repository and of packages that are not there, and paths that no package knows."""
        for word in line.words:
            for name in re.findall(r"\bkenwell[\w.-]*\d+\.\d+\.\d+[\w.-]*", word):
                if not PACKAGES.fullmatch(name):
                    yield f"no package is called {name}"
            if word.split("/")[0] in FOLDERS and "/" in word and not exists(word, line.folder):
                yield f"there is no {word}" + (f" in {line.folder}" if line.folder else "")
            if re.match(r"/(etc|var|usr)/.*kenwell", word) and not any(name in self.installed for name in ways_up(word)):
                yield f"no package has anything at {word}"

    def script_problems(self, line):
        """Options of a program of the repository."""
        path = ROOT / line.folder / line.words[0].removeprefix("./")
        if path.suffix == "" and len(line.words) > 1:
            known = self.programs.options([str(path), "--help"])
            for word in line.words[1:]:
                if word.startswith("--") and word.split("=")[0] not in known:
                    yield f"{line.words[0]} has no option {word}"


def is_of_ours(program, folder):
    return "/" in program and (ROOT / folder / program.removeprefix("./")).is_file()


def exists(word, folder):
    return (ROOT / folder / word).exists()


def installed_files():
    """What packages and their units say of paths."""
    files = [*(ROOT / "packaging").rglob("*"), *(ROOT / "release" / "packages").glob("*.py")]
    return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())


def ways_up(path):
    """The path as packages may have it: itself, or the directory that it is in; some without the first slash."""
    for one in (path, str(Path(path).parent)):
        yield from (one.rstrip("/"), one.strip("/")) if "kenwell" in one else ()
    if path.startswith("/etc/systemd/system"):
        yield "kenwell.service"


def behind_options(words, with_value):
    """The words of the command that another one runs."""
    while words and words[0].startswith("-"):
        words = words[2 if words[0] in with_value else 1:]
    return words


def curl_problems(words, running):
    """URLs that Kenwell does not serve, with methods, queries and bodies that it does not take."""
    urls = [word for word in words if re.match(r"https?://", word)]
    if not urls:
        yield "curl without a URL"
    given = list(zip(words, words[1:]))
    body = next((value for option, value in given if option in ("-d", "--data")), None)
    method = next((value for option, value in given if option == "-X"), "POST" if body is not None else "GET")
    for url in urls:
        yield from running.problems_of_url(method, url, body)


def redis_problems(words, running):
    """Commands that this Redis does not have."""
    command = behind_options(words[1:], ("-p", "-h", "-s", "-n", "-a", "-u", "--pattern", "--count"))
    if command:
        yield from running.problems_of_redis(command)
    elif not any(word in ("--scan", "--tls") for word in words):
        yield "redis-cli without a command"


def docker_problems(words):
    """Ports, volumes and images that the container does not have."""
    image = (ROOT / "packaging/container/Containerfile").read_text()
    compose = (ROOT / "packaging/container/compose.yaml").read_text()
    ports = re.search(r"^EXPOSE (.*)$", image, re.MULTILINE)[1].split()
    for option, value in zip(words, words[1:]):
        if option == "-p" and value.split(":")[-1] not in ports:
            yield f"the image has no port {value}"
        if option == "-v" and f"VOLUME {(value.split(':') + [value])[1]}\n" not in image:
            yield f"the image has no volume {value}"
    if words[1:2] == ["run"] and f"image: {words[-1]}\n" not in compose:
        yield f"{words[-1]} is not the image of packaging/container/compose.yaml"


def unit_problems(words):
    """Services that no package brings."""
    for name in [word for word in words[1:] if not word.startswith("-") and word not in ("daemon-reload", "enable")]:
        if not (ROOT / "packaging/systemd" / f"{name}.service").is_file():
            yield f"there is no unit {name}"


def project_problems(line):
    """Scripts of npm, and examples and crates of cargo, that are not there."""
    words = line.words
    if words[:2] == ["npm", "run"]:
        package = ROOT / line.folder / "package.json"
        scripts = json.loads(package.read_text())["scripts"] if package.is_file() else {}
        if " ".join(words[2:3]) not in scripts:
            yield f"{package.relative_to(ROOT)} has no script {' '.join(words[2:3])}"
    for option, value in zip(words, words[1:]):
        if option == "-p" and words[0] == "cargo" and not (ROOT / "crates" / value).is_dir():
            yield f"there is no crate {value}"
        if option == "--example" and not list(ROOT.glob(f"crates/*/examples/{value}.rs")):
            yield f"there is no example {value}"


def is_run(block):
    return block.note.startswith("run")


def main():
    if sys.platform != "linux":
        print("console blocks were not checked: that needs Linux")
        return
    tutorials.enter_own_network()
    binary = Path(sys.argv[1]).resolve()
    found, ran, checked = [], 0, 0
    with tempfile.TemporaryDirectory() as folder, RunningKenwell(binary, Path(folder)) as running:
        checks = Checks(running, binary)
        for block in shell_blocks():
            if block.language == "none":
                found.append(f"{block.place}: commands, but the block does not say `console` or `sh`")
                continue
            try:
                lines = list(shell_lines.commands(block.text, block.language))
            except ValueError as error:
                found.append(f"{block.place}: no shell would understand it: {error}")
                continue
            redis = [line[2:].split() for line in block.text.splitlines() if line.startswith("> ")]
            if is_run(block):
                ran += 1
            elif not lines and not redis:
                found.append(f"{block.place}: nothing in it can be checked")
            else:
                checked += 1
                problems = [problem for line in lines for problem in checks.problems(line)]
                problems += [problem for words in redis for problem in running.problems_of_redis(words)]
                found += [f"{block.place}: {problem}" for problem in problems]
    print("\n".join([*found, f"{ran} console blocks are run, {checked} checked, {len(found)} problems"]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
