"""What the numbers were measured on: processors, kernel, disk."""

import os
import platform
import subprocess
import time

from . import disk

BUSY = 0.25  # load average for each processor, from which on the numbers say little


def describe(directory, redis, kenwell):
    """Pairs of a name and a text."""
    return [
        ("processor", f"{processor()}, {os.cpu_count()} processors"),
        ("memory", f"{memory_gib():.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("disk", disk.describe(directory)),
        ("redis", redis.version()),
        ("kenwell", kenwell),
        ("load before", load()),
        ("date", time.strftime("%Y-%m-%d")),
    ]


def load():
    average = os.getloadavg()[0]
    busy = " THE MACHINE IS BUSY: wait, or take these numbers for nothing" if average > BUSY * os.cpu_count() else ""
    return f"{average:.2f}{busy}"


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cpu_seconds():
    """Processor seconds that the whole machine has spent, and that a hypervisor has taken, since its start."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def memory_gib():
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def commit(repository):
    def git(*words):
        return subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = " with uncommitted changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        return f"commit {git('rev-parse', '--short', 'HEAD')}{changed}"
    except (OSError, subprocess.CalledProcessError):
        return "commit unknown"
