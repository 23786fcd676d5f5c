"""What the numbers were measured on: processors, kernel, disk."""

import os
import platform
import statistics
import subprocess
import time

PROBES = 200
BLOCK = b"k" * 4096


BUSY = 0.25  # load average for each processor, from which on the numbers say little


def describe(directory, redis, kenwell):
    """Pairs of a name and a text."""
    return [
        ("processor", f"{processor()}, {os.cpu_count()} processors"),
        ("memory", f"{memory_gib():.0f} GiB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("disk", disk(directory)),
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


def disk(directory):
    kind = filesystem(directory)
    growing, in_place = fdatasync(directory, grow=True), fdatasync(directory, grow=False)
    text = f"{kind}; 4 KiB and fdatasync take {milliseconds(in_place)} in place, {milliseconds(growing)} at the end of a file"
    return f"{text} (a file system in memory: durability costs nothing here)" if kind in ("tmpfs", "ramfs") else text


def filesystem(directory):
    """Type of the file system that holds `directory`: that of the longest mount point above it."""
    path, best = os.path.realpath(directory), ("", "unknown")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, point, kind, *_ = line.split(" ")
            if os.path.commonpath([path, point]) == point and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


def fdatasync(directory, grow):
    """Seconds that each of some small durable writes took."""
    path, seconds = os.path.join(directory, "fdatasync-probe"), []
    with open(path, "wb", buffering=0) as file:
        if not grow:
            file.write(BLOCK * PROBES)
            os.fsync(file.fileno())
            file.seek(0)
        for _ in range(PROBES):
            began = time.perf_counter()
            file.write(BLOCK)
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - began)
    os.unlink(path)
    return seconds


def milliseconds(seconds):
    seconds = sorted(seconds)
    p99 = seconds[min(len(seconds) - 1, len(seconds) * 99 // 100)]
    return f"{statistics.median(seconds) * 1000:.2f} ms (p99 {p99 * 1000:.2f})"


def commit(repository):
    def git(*words):
        return subprocess.run(["git", *words], cwd=repository, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = " with uncommitted changes" if git("status", "--porcelain", "--untracked-files=no") else ""
        return f"commit {git('rev-parse', '--short', 'HEAD')}{changed}"
    except (OSError, subprocess.CalledProcessError):
        return "commit unknown"
