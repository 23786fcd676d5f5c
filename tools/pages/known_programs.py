"""Programs of the pages: whose help can be asked, and what is known of those that need not be here."""

import re
import subprocess

# Their help is asked: `./check` needs them, or every system has them.
WITH_HELP = {
    "curl": ["curl", "--help", "all"], "redis-cli": ["redis-cli", "--help"], "xargs": ["xargs", "--help"], "tar": ["tar", "--help"],
    "install": ["install", "--help"], "cp": ["cp", "--help"], "grep": ["grep", "--help"], "rm": ["rm", "--help"], "node": ["node", "--help"],
}
# The same with a command of theirs behind the name.
WITH_COMMANDS = {
    "openssl": lambda command: ["openssl", command, "-help"], "npm": lambda command: ["npm", command, "--help"],
    "cargo": lambda command: ["cargo", command, "--help"],
}
# What the pages use of others: by command, the options. An empty name stands for a program without commands.
KNOWN = {
    "apt": {"install": [], "purge": []},
    "brew": {"install": [], "services": []},
    "docker": {"load": ["--input"], "run": ["-d", "--name", "-p", "-v", "--stop-timeout"], "logs": []},
    "helm": {"install": ["--set-file"]},
    "jq": {"": []},
    "journalctl": {"": ["-u"]},
    "kubectl": {"port-forward": []},
    "pgrep": {"": ["-x"]},
    "pip": {"install": []},
    "pkill": {"": ["-x"]},
    "stunnel4": {"": []},
    "systemctl": {"daemon-reload": [], "enable": ["--now"]},
    "useradd": {"": ["--system", "--home-dir", "--shell"]},
}
OPTION = re.compile(r"(?<![\w-])--?\w[\w-]*")


class Programs:
    """What programs say of themselves, asked for once."""

    def __init__(self):
        self.kept = {}

    def options(self, command):
        """The options in what this command prints."""
        if tuple(command) not in self.kept:
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            self.kept[tuple(command)] = set(OPTION.findall(done.stdout + done.stderr))
        return self.kept[tuple(command)]

    def problems(self, words):
        """What is wrong with the command and the options of a command line; nothing is known of other programs."""
        program, rest = words[0], words[1:]
        if program in WITH_HELP:
            yield from wrong(program, rest, self.options(WITH_HELP[program]))
        elif program in WITH_COMMANDS:
            options = self.options(WITH_COMMANDS[program](rest[0] if rest else ""))
            if options:
                yield from wrong(" ".join([program, *rest[:1]]), rest[1:], options)
            else:
                yield f"there is no command `{program} {' '.join(rest[:1])}`"
        elif program in KNOWN:
            commands = KNOWN[program]
            name = "" if "" in commands else (rest or ["none"])[0]
            if name in commands:
                yield from wrong(f"{program} {name}".strip(), rest, set(commands[name]))
            else:
                yield f"`{program} {name}` is not among the commands that are known: see tools/pages/known_programs.py"
        else:
            yield f"nobody knows `{program}`: see tools/pages/known_programs.py"


def wrong(program, words, known):
    """Options that do not exist."""
    for word in words:
        option = word.split("=")[0]
        if word == "--":
            return
        if re.fullmatch(r"--?[A-Za-z][\w-]*", option) and not is_known(option, known):
            yield f"`{program}` has no option {option}"


def is_known(option, known):
    """`-sS` stands for `-s -S`, and `-n500` for `-n 500`."""
    if option in known:
        return True
    if option.startswith("--") or len(option) == 2:
        return False
    return all(f"-{letter}" in known for letter in option[1:]) or (f"-{option[1]}" in known and option[2:].isdigit())
