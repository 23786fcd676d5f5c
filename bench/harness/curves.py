"""How the cost of an event grows with users, queue, sources and destinations: it must not, but for what is written more often."""

from . import catch_up
from .workload import WORKLOADS

WIDTH = 30
SOURCES = 10  # of the first point


def measure(bench, factors, queued):
    """For each name, one result for each factor: {"at", "kenwell_us", "applied_per_second", "peak_mib"}."""
    events = bench.options.events // 4
    events = max(events - events % bench.options.batch, bench.options.batch)
    largest = max(factors)

    def sent(**more):
        return bench.run(WORKLOADS["batch"], **{"events": events} | more)

    def drained(count):
        return catch_up.measure(bench, max(count - count % bench.options.batch, bench.options.batch))

    runs = {
        "users": [(users, sent(users=users)) for users in (events * factor // largest for factor in factors)],
        "queued events": [(count, drained(count)) for count in (queued * factor // largest for factor in factors)],
        "sources": [(count, sent(sources=count)) for count in (SOURCES * factor for factor in factors)],
        "destinations": [(count, sent(destinations=count)) for count in factors],
    }
    return {name: [point(at, result, writes=at if name == "destinations" else 1) for at, result in results] for name, results in runs.items()}


def point(at, result, writes):
    """What is drawn. With several destinations an event is written several times: cost and speed are of a write."""
    us = result["kenwell_us"] if "kenwell_us" in result else result["kenwell_cpu"] / result["events"] * 1e6
    return {"at": at, "kenwell_us": us / writes, "applied_per_second": result["applied_per_second"] * writes, "peak_mib": result["peak_mib"]}


def growth(points):
    """How many times the cost of the first point the last one has."""
    return points[-1]["kenwell_us"] / points[0]["kenwell_us"]


def chart(curves):
    """The curves as lines of text: a bar is Kenwell's processor time for one event written."""
    longest = max(point["kenwell_us"] for points in curves.values() for point in points)
    for name, points in curves.items():
        yield f"{name}: the last point costs {growth(points):.2f} times the first"
        for at in points:
            bar = "█" * max(round(at["kenwell_us"] / longest * WIDTH), 1)
            yield f"  {at['at']:>12,}  {bar:{WIDTH}}  {at['kenwell_us']:6.2f} µs  {at['applied_per_second']:>9,.0f} events/s  {at['peak_mib']:6.0f} MiB"
        yield ""
