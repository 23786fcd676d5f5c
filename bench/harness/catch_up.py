"""After an outage: events queue while Redis is down, and are written when it comes.

The first half is the gateway's and the journal's work alone, the second the delivery's, so this also tells them apart.
"""

import contextlib
import shutil

from ports import free_port

from .processes import Kenwell, Redis, running
from .workload import WORKLOADS

JOURNAL_THREADS = "kenwell-journal"  # as the kernel cuts their names


def measure(bench, queued):
    """Queues so many events in batches, then has them written."""
    workload = WORKLOADS["batch"]
    directory = bench.directory / "outage-redis"
    # Redis is down from the start. One that comes back empty, after Kenwell has known it, gets more than what waits.
    port = free_port()
    with contextlib.ExitStack() as stack:
        kenwell = stack.enter_context(bench.fresh_kenwell(f"127.0.0.1:{port}", Kenwell.accepts))
        start = times(kenwell)
        filled = bench.generator.run(kenwell.url, workload, kenwell, part="send", events=queued)
        full, queued_mib = times(kenwell), kenwell.memory()[0]
        redis = stack.enter_context(running(Redis(directory, port), Redis.answers))
        drained = bench.generator.run(kenwell.url, workload, kenwell, redis, part="wait", events=queued)
        end, redis_cpu, peak_mib = times(kenwell), redis.cpu_seconds(), kenwell.memory()[1]
    shutil.rmtree(directory, ignore_errors=True)
    seconds = drained["applied_seconds"] - drained["first_visible_seconds"]
    gateway, delivery = (us(start, full, queued), us(full, end, queued))
    return {
        "events": queued,
        "acked_per_second": filled["acked_per_second"],
        "waited_seconds": drained["first_visible_seconds"],
        # Between two looks at Redis all may have been written.
        "applied_per_second": queued / max(seconds, 0.005),
        "queued_mib": queued_mib,
        "peak_mib": peak_mib,
        "gateway_us": gateway["others"],
        "journal_us": gateway["journal"],
        "delivery_us": delivery["others"],
        "journal_read_us": delivery["journal"],
        "redis_us": redis_cpu / queued * 1e6,
        "kenwell_us": sum(delivery.values()),
    }


def times(kenwell):
    """Processor seconds so far, those of the journal's threads apart."""
    journal = kenwell.thread_seconds(JOURNAL_THREADS)
    return {"journal": journal, "others": kenwell.cpu_seconds() - journal}


def us(before, after, events):
    """Microseconds an event of what was used in between."""
    return {name: (after[name] - before[name]) / events * 1e6 for name in after}
