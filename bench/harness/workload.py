"""What is sent, in which form, by whom: the named workloads."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Workload:
    mode: str = "batch"  # or single
    shape: str = "server"  # or browser
    distribution: str = "uniform"  # or zipf
    connections: int = 0  # 0: as many as --connections says
    tls: bool = False
    waits: bool = False  # each answer waits until its events are in Redis
    each: int = 1  # events of each user
    settings: str = ""  # further lines of the destinations in kenwell.toml


WORKLOADS = {
    "batch": Workload(),
    "browser": Workload(shape="browser"),
    "zipf": Workload(distribution="zipf"),
    "batch-256": Workload(connections=256),
    "single": Workload("single"),
    "single-256": Workload("single", connections=256),
    "single-tls": Workload("single", tls=True),
    "wait": Workload("single", connections=256, waits=True),
}
# Batches by the rules that a destination can have, several events a user.
PLAIN = "again"
MODES = {
    PLAIN: Workload(each=4),
    "by-time": Workload(each=4, settings='order = "event_time"'),
    "by-time-ttl": Workload(each=4, settings='order = "event_time"\nttl = "90d"'),
    "ttl": Workload(each=4, settings='ttl = "90d"'),
    "replace": Workload(each=4, settings='nested = "replace"'),
}
# Workloads that are sent again at half of the speed that they had in the same round.
HALVES = {"half-batch": "batch", "half-single": "single", "half-wait": "wait"}
# An HTTP server that does nothing gets the same requests as this one.
EMPTY_SERVER = "single-256"

ABOUT = {
    "batch": "485-byte events in batches (/v1/batch)",
    "browser": "the same with browser events of 1.2 KB",
    "zipf": "batch, but some users have far more events than others",
    "batch-256": "batch on 256 connections",
    "single": "events one by one (/v1/identify)",
    "single-256": "single on 256 connections",
    "single-tls": "single over TLS",
    "wait": "single-256 with ?wait=applied: its answers say when events are visible",
    "again": "batch, four events a user, as those that follow",
    "by-time": 'the same with order = "event_time"',
    "by-time-ttl": "the same with a time to live, too",
    "ttl": "again with a time to live",
    "replace": 'again with nested = "replace"',
    "half-batch": "batch at half speed, open loop: latency and freshness without a queue",
    "half-single": "single at half speed, open loop",
    "half-wait": "wait at half speed, open loop",
    "empty-server": "the requests of single-256 to an HTTP server that only answers",
    "idle": "memory and processor time of a Kenwell with nothing to do",
    "catch-up": "events queued while Redis is down, then written",
    "curves": "what an event costs with 3 and 10 times the users, queue, sources and destinations (only with --curves or --quick, or when named)",
    "profile": "batch and single once more under perf, for where the CPU went",
}
