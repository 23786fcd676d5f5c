"""What the numbers were measured on: processors, their pauses, kernel, disk."""

import mmap
import multiprocessing
import os
import platform
import subprocess
import time

from . import disk

BUSY = 0.25  # load average for each processor, from which on the numbers say little
PAUSE_SECONDS = 0.002  # a busy processor that does nothing for so long has been taken away
WARMED = 4 << 30  # bytes, but never more than a quarter of the machine's


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


def warm_memory():
    """Touches memory and gives it back. A virtual machine whose host takes unused memory away pays up to ten times as much
    for the first touch of a page, which would be paid by whatever is measured first."""
    size = min(WARMED, int(memory_gib() * 2**28))
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()


def pauses(seconds):
    """How long the processors stand still while nothing but a loop on each of them runs: what a virtual machine's host takes
    away is not in its own count of processor time. `share`: of the time; `longest_ms`."""
    with multiprocessing.Pool(os.cpu_count()) as pool:
        found = pool.starmap(pauses_of, [(number, seconds) for number in sorted(os.sched_getaffinity(0))], chunksize=1)
    every = [pause for of_one in found for pause in of_one]
    return {"share": sum(every) / (seconds * len(found)), "longest_ms": max(every, default=0) * 1000}


def pauses_of(number, seconds):
    """The pauses of one processor."""
    os.sched_setaffinity(0, {number})
    last, found = time.perf_counter(), []
    end = last + seconds
    while last < end:
        now = time.perf_counter()
        if now - last > PAUSE_SECONDS:
            found.append(now - last)
        last = now
    return found


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
