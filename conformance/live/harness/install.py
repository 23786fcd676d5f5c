"""What the run needs, installed when that is possible, else named with the command that brings it."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parents[1]
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ON_MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FIREFOX_NAMES = ("firefox-esr", "firefox")
FIREFOX_ON_MAC = ("/Applications/Firefox.app/Contents/MacOS/firefox",)


class Missing(Exception):
    """Something is not there and could not be installed; the text says how to get it."""


def install_packages():
    """Brings programs and packages in place; returns the path of the browser."""
    program("redis-server", "redis-server", brew="redis", dnf="redis")
    program("node", "nodejs", brew="node", dnf="nodejs")
    program("npm", "npm", brew="node", dnf="nodejs-npm")
    program("openssl", "openssl", brew="openssl", dnf="openssl")
    program("stunnel4" if shutil.which("apt-get") else "stunnel", "stunnel4", brew="stunnel", dnf="stunnel")
    _node_version()
    _node_packages()
    _python_packages()
    return _chromium()


def install_browser_tests(directory):
    """Brings in place what the tests of the console need, their packages in `directory`; returns the paths of Chromium and Firefox."""
    program("redis-server", "redis-server", brew="redis", dnf="redis")
    program("redis-cli", "redis-tools", brew="redis", dnf="redis")
    program("openssl", "openssl", brew="openssl", dnf="openssl")
    program("curl", "curl", brew="curl", dnf="curl")
    program("node", "nodejs", brew="node", dnf="nodejs")
    program("npm", "npm", brew="node", dnf="nodejs-npm")
    _node_version()
    _node_packages(directory)
    return _chromium(), _firefox()


def program(name, apt, brew, dnf):
    """Sees to it that a program is there."""
    if shutil.which(name) is None:
        _apt(apt, f"{name} is missing", brew, dnf)
    if shutil.which(name) is None:
        raise Missing(f"{name} is still missing after installing {apt}")


def _node_version():
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < 20:
        raise Missing(f"Node 20 or newer is needed by the SDKs; this is {version}. See https://nodejs.org/en/download")


def _apt(package, problem, brew, dnf):
    hint = f"{problem}. Install it: apt-get install {package} | brew install {brew} | dnf install {dnf}"
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Missing(hint)
    print(f"installing {package} ...", flush=True)
    quiet = {"stdin": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    run(["apt-get", "update", "-qq"], hint, **quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], hint, **quiet)


def run(command, hint, **options):
    """Runs a command that must end well; `hint` says what it means when it does not."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise Missing(f"{hint}\n`{' '.join(command)}` failed:\n{done.stdout[-2000:]}")


def _up_to_date(stamp, pinned):
    digest = hashlib.sha256(pinned.read_bytes()).hexdigest()
    return digest, stamp.is_file() and stamp.read_text() == digest


def _node_packages(directory=HERE):
    stamp = directory / "node_modules" / ".installed-from"
    digest, done = _up_to_date(stamp, directory / "package-lock.json")
    if done:
        return
    print("installing the Node packages ...", flush=True)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], "The Node packages could not be installed.",
         cwd=directory, stdin=subprocess.DEVNULL)
    stamp.write_text(digest)


def _python_packages():
    stamp = VENV / "installed-from"
    digest, done = _up_to_date(stamp, HERE / "requirements.txt")
    if done and PYTHON.exists():
        return
    if sys.version_info < (3, 10):
        raise Missing(f"Python 3.10 or newer is needed; this is {sys.version.split()[0]}")
    print("installing the Python SDKs ...", flush=True)
    make = [sys.executable, "-m", "venv", "--clear", str(VENV)]
    if subprocess.run(make, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        _apt("python3-venv", "Python cannot make virtual environments", brew="python", dnf="python3")
        run(make, "Python cannot make virtual environments.")
    run([str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r",
          str(HERE / "requirements.txt")], "The Python SDKs could not be installed.", stdin=subprocess.DEVNULL)
    stamp.write_text(digest)


def _chromium():
    named = os.environ.get("CHROMIUM_BIN")
    if named:
        return named
    found = _find_chromium()
    if found is None:
        _apt("chromium", "Chromium is missing", brew="--cask chromium", dnf="chromium")
        found = _find_chromium()
    if found is None:
        raise Missing("Chromium is still missing; set CHROMIUM_BIN to a Chromium or Chrome")
    return found


def _firefox():
    """The path of a Firefox of any kind."""
    named = os.environ.get("FIREFOX_BIN")
    found = named or _find(FIREFOX_NAMES, FIREFOX_ON_MAC)
    if found is None:
        _apt("firefox-esr", "Firefox is missing", brew="--cask firefox", dnf="firefox")
        found = _find(FIREFOX_NAMES, FIREFOX_ON_MAC)
    if found is None:
        raise Missing("Firefox is still missing; set FIREFOX_BIN to one")
    return found


def _find_chromium():
    return _find(CHROMIUM_NAMES, CHROMIUM_ON_MAC)


def _find(names, on_mac):
    for name in names:
        if path := shutil.which(name):
            return path
    return next((path for path in on_mac if os.path.exists(path)), None)
