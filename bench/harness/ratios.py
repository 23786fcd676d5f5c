"""The numbers that do not depend on the machine, or hardly, beside what we want of them."""

import statistics

from . import disk, table
from .workload import EMPTY_SERVER, HALVES, MODES, PLAIN

# title, name of the results, key, what it should be: at least (+) or at most (-), digits
TARGETS = [
    ("batches applied, of redis-benchmark's HSETs", "batch", "ratio", +0.85, 3),
    ("browser events applied, of redis-benchmark's HSETs", "browser", "ratio", +0.45, 3),
    ("batches of users by Zipf's law, of redis-benchmark's HSETs", "zipf", "ratio", None, 3),
    ("batches on 256 connections, of redis-benchmark's HSETs", "batch-256", "ratio", None, 3),
    ("single events, of redis-benchmark's HSETs", "single", "ratio", None, 3),
    ("CPU, batches, of redis-server's under redis-benchmark", "batch", "cpu_ratio", -0.8, 2),
    ("CPU, single events, of redis-server's under redis-benchmark", "single", "cpu_ratio", -5, 2),
    ("CPU, single events over TLS, of redis-server's under redis-benchmark", "single-tls", "cpu_ratio", None, 2),
    ("CPU an event at half speed, of that at full speed, batches", "half-batch", "cpu_of_full_speed", -1.2, 2),
    ("CPU an event at half speed, of that at full speed, single", "half-single", "cpu_of_full_speed", None, 2),
    ("Redis's CPU with order = event_time, of that for plain HSET", "by-time", "redis_of_plain", -2, 2),
    ("Redis's CPU with that and ttl", "by-time-ttl", "redis_of_plain", None, 2),
    ("Redis's CPU with ttl", "ttl", "redis_of_plain", None, 2),
    ("Redis's CPU with nested = replace", "replace", "redis_of_plain", None, 2),
    ("answers that wait until it is visible, half speed, p99, ms", "half-wait", "ack_p99_ms", -10, 2),
    ("the same in the usual 20 ms", "half-wait", "ack_usual_p99_ms", -10, 2),
    ("single events, 256 connections, of the empty server's answers", EMPTY_SERVER, "of_empty_server", +0.65, 3),
    ("ack p99 at half speed, of fdatasync's p99, batches", "half-batch", "ack_of_fdatasync", -3, 2),
    ("ack p99 at half speed, of fdatasync's p99, single", "half-single", "ack_of_fdatasync", -3, 2),
    ("ack p99 in the usual 20 ms, of fdatasync's p99, batches", "half-batch", "usual_ack_of_fdatasync", -3, 2),
    ("ack p99 in the usual 20 ms, of fdatasync's p99, single", "half-single", "usual_ack_of_fdatasync", -3, 2),
    ("200 to visible p99 less ack p99, half speed, ms, batches", "half-batch", "freshness_beyond_ack_ms", -2, 2),
    ("200 to visible p99 less ack p99, half speed, ms, single", "half-single", "freshness_beyond_ack_ms", -2, 2),
    ("events written after an outage, of redis-benchmark's HSETs", "catch-up", "ratio", +0.85, 3),
    ("resident with the queue and while it is written, MiB", "catch-up", "peak_mib", -200, 0),
    ("resident under full load, MiB", "batch", "peak_mib", -60, 0),
    ("resident idle, MiB", "idle", "idle_mib", -20, 0),
    ("CPU idle, % of a core", "idle", "idle_percent", -0.3, 2),
    ("bytes to disk, of the events' bytes, batches", "batch", "disk_ratio", -1.08, 3),
]


def add(this):
    """Adds to the results of one round, {name: result}, what follows from two of them."""
    ceiling = this["redis-benchmark"]
    for result in this.values():
        if "applied_per_second" in result:
            result["ratio"] = result["applied_per_second"] / ceiling["applied_per_second"]
        if "kenwell_us" in result:
            result["cpu_ratio"] = result["kenwell_us"] / ceiling["redis_us"]
    for half, full in HALVES.items():
        if half in this:
            result = this[half]
            result["cpu_of_full_speed"] = result["kenwell_us"] / this[full]["kenwell_us"]
            result["freshness_beyond_ack_ms"] = result["freshness_p99_ms"] - result["ack_p99_ms"]
            yardstick = this["fdatasync"][disk.YARDSTICK]["p99_ms"]
            result["ack_of_fdatasync"] = result["ack_p99_ms"] / yardstick
            result["usual_ack_of_fdatasync"] = result["ack_usual_p99_ms"] / yardstick
            # How much of redis-benchmark's speed half of the speed is says nothing.
            del result["ratio"]
    for name in MODES:
        if name in this and PLAIN in this:
            this[name]["redis_of_plain"] = this[name]["redis_us"] / this[PLAIN]["redis_us"]
    if "empty-server" in this and EMPTY_SERVER in this:
        this[EMPTY_SERVER]["of_empty_server"] = this[EMPTY_SERVER]["acked_per_second"] / this["empty-server"]["acked_per_second"]


def lines(rounds):
    """`rounds`: results of each round by name. A Markdown table."""
    rows = [["", "median", "from", "to", "target"]]
    for title, name, key, target, digits in TARGETS:
        values = [this[name][key] for this in rounds if key in this.get(name, {})]
        if values:
            numbers = [f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
            rows.append([title, *numbers, wish(target)])
    return table.lines(rows)


def wish(target):
    if target is None:
        return ""
    return f"≥ {target:g}" if target > 0 else f"≤ {-target:g}"
