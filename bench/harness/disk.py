"""What a durable write costs on a disk: `fdatasync` after each of some small writes."""

import os
import time

BLOCK = b"k" * 4096
# Where the writes go: over blocks written before, into blocks that the file has but that were never written, at the
# end of a growing file.
KINDS = ("in place", "preallocated", "fresh")
# The one that a journal with preallocated segments is compared with.
YARDSTICK = "preallocated"


def measure(directory, probes):
    """For each kind of write, its quantiles in ms."""
    return {kind: quantiles(fdatasync(directory, kind, probes)) for kind in KINDS}


def fdatasync(directory, kind, probes):
    """Seconds that each of some small durable writes took."""
    path, seconds = os.path.join(directory, "fdatasync-probe"), []
    with open(path, "wb", buffering=0) as file:
        if kind == "in place":
            file.write(BLOCK * probes)
        elif kind == "preallocated":
            os.posix_fallocate(file.fileno(), 0, len(BLOCK) * probes)
        os.fsync(file.fileno())
        file.seek(0)
        for _ in range(probes):
            began = time.perf_counter()
            file.write(BLOCK)
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - began)
    os.unlink(path)
    return seconds


def quantiles(seconds):
    """The smallest time that so many of a thousand do not exceed."""
    ordered = sorted(seconds)
    return {f"{name}_ms": ordered[-(-len(ordered) * share // 1000) - 1] * 1000 for name, share in (("p50", 500), ("p99", 990), ("p999", 999))}


def filesystem(directory):
    """Type of the file system that holds `directory`: that of the longest mount point above it."""
    path, best = os.path.realpath(directory), ("", "unknown")
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, point, kind, *_ = line.split(" ")
            if os.path.commonpath([path, point]) == point and len(point) >= len(best[0]):
                best = (point, kind)
    return best[1]


def describe(directory):
    """The kind of file system, and what to know of it."""
    kind = filesystem(directory)
    return f"{kind} (a file system in memory: durability costs nothing here)" if kind in ("tmpfs", "ramfs") else kind
