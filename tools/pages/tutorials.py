#!/usr/bin/env python3
"""Does what the tutorials among the pages say, command by command, and compares what is printed.

  tools/pages/tutorials.py BINARY [PAGE…]

A page is a tutorial when comments before its blocks say what to do with them:

  <!-- run -->                      run the commands in one shell, and compare what the block shows of their output
  <!-- run until URL answers -->    start the command in the background, and wait for this address; also host:port
  <!-- file NAME -->                this is the content of a file

`…` stands for anything within a line, and alone in a line for any lines. A command without output in the block may print
anything. Of a shell script each line is a command. Each page has an empty directory and a network of its own, so that it can use the ports that it names: this needs
Linux and `unshare`. KENWELL_* variables are not passed on.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import blocks

UNTIL = re.compile(r"run until (\S+) answers$")
FILE = re.compile(r"file (\S+)$")
# It says that it has begun before it listens; who types the next command is slower.
DAEMON = re.compile(r"redis-server .*-port ([1-9]\d*) .*--daemonize yes")
END = "end-of-the-command"
DEADLINE_S = 60
# Of what is printed, in a message.
MAX_SHOWN = 2000


def is_tutorial(page):
    return any(block.note.startswith("run") for block in blocks.of(page))


def loopback_up():
    """A new network has a loopback interface that is down; this is `ip link set lo up`."""
    import fcntl
    import struct

    set_flags, up = 0x8914, 1
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", up))


class Shell:
    """One bash for a whole page."""

    def __init__(self, folder, environment):
        self.folder, self.environment, self.background = folder, environment, []
        pipe = subprocess.PIPE
        # With a process group of its own, so that a command that goes on for too long ends with it.
        self.bash = subprocess.Popen(["bash"], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, cwd=folder, env=environment, text=True, start_new_session=True)

    def run(self, command):
        """What a command prints, and its exit status."""
        killer = threading.Timer(DEADLINE_S, os.killpg, (self.bash.pid, signal.SIGKILL))
        killer.start()
        self.bash.stdin.write(f"{{\n{command}\n}} </dev/null\necho {END} $?\n")
        self.bash.stdin.flush()
        lines, status = [], 1
        for line in self.bash.stdout:
            before, end, status = line.partition(f"{END} ")
            lines.append(before)
            if end:
                break
        killer.cancel()
        return "".join(lines), int(status or 1)

    def start(self, command, url):
        """Starts a command in the background; gives what is wrong when the address does not answer in time."""
        log = Path(self.folder, f".background-{len(self.background)}")
        with log.open("w") as output:
            started = subprocess.Popen(["bash", "-c", f"exec {command}"], stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=self.folder, env=self.environment)
        self.background.append(started)
        # When a command of the page ends it, it is gone at once.
        threading.Thread(target=started.wait, daemon=True).start()
        if answers_soon(url, lambda: started.poll() is None):
            return None
        return f"{url} does not answer:\n{log.read_text()}"

    def close(self):
        for started in reversed(self.background):
            started.send_signal(signal.SIGTERM)
        for started in self.background:
            started.wait(timeout=DEADLINE_S)
        self.bash.stdin.close()
        self.bash.wait(timeout=DEADLINE_S)
        self.bash.stdout.close()


def answers(url):
    """Whether something does at a URL, or listens at a host and port."""
    try:
        if "//" not in url:
            host, port = url.rsplit(":", 1)
            socket.create_connection((host, int(port)), timeout=5).close()
        else:
            urllib.request.urlopen(url, timeout=5).close()
        return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def answers_soon(url, goes_on=lambda: True):
    """Whether something does within the time that a command has, as long as that goes on."""
    deadline = time.monotonic() + DEADLINE_S
    while goes_on() and time.monotonic() < deadline:
        if answers(url):
            return True
        time.sleep(0.05)
    return False


def pattern(lines):
    """Lines with `…` as a regular expression for whole lines."""
    any_lines, any_text = r"(?:[^\n]*\n)*", r"[^\n]*"
    of_line = lambda line: any_lines if line == "…" else any_text.join(map(re.escape, line.split("…"))) + r"\n"
    return re.compile("".join(of_line(line) for line in trimmed(lines)))


def trimmed(lines):
    """Without white space at ends of lines, and empty lines at the end."""
    return "\n".join(line.rstrip() for line in lines).rstrip("\n").split("\n")


def problem_of(shell, command):
    """What is wrong with a command; nothing when it does what the page shows."""
    printed, status = shell.run(command.text)
    daemon = DAEMON.match(command.text)
    if daemon and status == 0 and not answers_soon(f"127.0.0.1:{daemon[1]}"):
        return f"nothing listens on port {daemon[1]}"
    printed = "".join(f"{line}\n" for line in trimmed(printed.splitlines()))
    if any(line.strip() for line in command.output):
        if not pattern(command.output).fullmatch(printed):
            return f"prints something else:\n{printed[-MAX_SHOWN:]}"
        return None
    return f"ends with {status}:\n{printed[-MAX_SHOWN:]}" if status != 0 else None


def problems(page, binary):
    """Runs a page up to the first thing that is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KENWELL_")}
        shell = Shell(folder, {**kept, "PATH": f"{binary.parent}:{os.environ['PATH']}", "HOME": folder, "LC_ALL": "C.UTF-8"})
        try:
            for block in blocks.of(page):
                file, until = FILE.match(block.note), UNTIL.match(block.note)
                if file:
                    Path(folder, file[1]).write_text(f"{block.text}\n")
                elif until or block.note == "run":
                    for command in blocks.commands(block):
                        found = shell.start(command.text, until[1]) if until else problem_of(shell, command)
                        if found:
                            yield f"{block.place}: `{command.text}` {found}"
                            return
                elif block.note.startswith("run"):
                    yield f"{block.place}: a note that nobody knows: {block.note}"
        finally:
            shell.close()


def enter_own_network():
    """Goes on in a network of its own, whose processes end with this one: there this program is started again."""
    if "OWN_NETWORK" in os.environ:
        loopback_up()
        return
    os.environ["OWN_NETWORK"] = "yes"
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    os.execvp("unshare", ["unshare", *user, "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, *sys.argv])


def main():
    if sys.platform != "linux":
        print("the tutorials were not run: that needs Linux")
        return
    enter_own_network()
    binary = Path(sys.argv[1]).resolve()
    chosen = [Path(page).resolve() for page in sys.argv[2:]] or [page for page in blocks.pages() if is_tutorial(page)]
    wrong = 0
    for page in chosen:
        began = time.monotonic()
        found = list(problems(page, binary))
        wrong += len(found)
        print("\n".join([f"{page.name}: {'ok' if not found else 'FAILED'} in {time.monotonic() - began:.1f} s", *found]), flush=True)
    print(f"{len(chosen)} tutorials, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
