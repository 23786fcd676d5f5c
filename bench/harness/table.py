"""Medians and spreads as Markdown tables."""

import statistics

SPEED = "applied_per_second"
ROWS = [
    # title, key, digits after the point
    ("events applied a second", "applied_per_second", 0),
    ("  slowest round", "applied_per_second_least", 0),
    ("  fastest round", "applied_per_second_most", 0),
    ("  of redis-benchmark's HSETs", "ratio", 3),
    ("events acknowledged a second", "acked_per_second", 0),
    ("  of the empty server's answers", "of_empty_server", 3),
    ("ack p50, ms", "ack_p50_ms", 2),
    ("ack p99, ms", "ack_p99_ms", 2),
    ("ack p99.9, ms", "ack_p999_ms", 2),
    ("ack max, ms", "ack_max_ms", 1),
    ("ack p99 of the usual 20 ms, ms", "ack_usual_p99_ms", 2),
    ("ack p99, of fdatasync's p99", "ack_of_fdatasync", 2),
    ("200 to visible p50, ms", "freshness_p50_ms", 2),
    ("200 to visible p99, ms", "freshness_p99_ms", 2),
    ("200 to visible p99.9, ms", "freshness_p999_ms", 2),
    ("due to visible p50, ms", "due_to_visible_p50_ms", 2),
    ("due to visible p99, ms", "due_to_visible_p99_ms", 2),
    ("due to visible p99.9, ms", "due_to_visible_p999_ms", 2),
    ("CPU s, kenwell", "kenwell_cpu", 2),
    ("  of that in the kernel", "kenwell_system_cpu", 2),
    ("CPU s, redis-server", "redis_cpu", 2),
    ("CPU s, generator", "load_cpu", 2),
    ("CPU s, everything else", "others_cpu", 2),
    ("CPU µs an event, kenwell", "kenwell_us", 2),
    ("  of redis-server's under redis-benchmark", "cpu_ratio", 2),
    ("  of its own at full speed", "cpu_of_full_speed", 2),
    ("CPU µs an event, redis-server", "redis_us", 2),
    ("CPU µs an event, generator", "load_us", 2),
    ("CPU µs a request, empty server", "server_us", 2),
    ("  of plain HSET's", "redis_of_plain", 2),
    ("Redis's memory a user, bytes", "redis_bytes_a_user", 0),
    ("resident at most, MiB", "peak_mib", 0),
    ("journal bytes an event", "journal_bytes_an_event", 0),
    ("  of the event's bytes", "journal_ratio", 3),
    ("bytes to disk an event", "disk_bytes_an_event", 0),
    ("  of the event's bytes", "disk_ratio", 3),
]


def derive(result):
    """Adds the cost of an event to what was measured."""
    events = result["events"]
    for who in ("kenwell", "redis", "load", "server"):
        if f"{who}_cpu" in result:
            result[f"{who}_us"] = result[f"{who}_cpu"] / events * 1e6
    for what in ("journal", "disk"):
        if f"{what}_bytes" in result:
            result[f"{what}_bytes_an_event"] = result.pop(f"{what}_bytes") / events
            result[f"{what}_ratio"] = result[f"{what}_bytes_an_event"] / result["event_bytes"]
    return result


def medians(results):
    """Median of every number that all results have; of several speeds the least and the most, too."""
    numbers = {key for key, value in results[0].items() if isinstance(value, (int, float))}
    numbers = {key for key in numbers if all(isinstance(result.get(key), (int, float)) for result in results)}
    found = {key: statistics.median(result[key] for result in results) for key in numbers}
    if SPEED in numbers and len(results) > 1:
        speeds = [result[SPEED] for result in results]
        found |= {f"{SPEED}_least": min(speeds), f"{SPEED}_most": max(speeds)}
    return found


def results(columns):
    """`columns`: pairs of a title and its medians. What none of them has is left out."""
    rows = [["", *(title for title, _ in columns)]]
    for title, key, digits in ROWS:
        values = [values.get(key) for _, values in columns]
        if any(value is not None for value in values):
            rows.append([title, *("" if value is None else f"{value:,.{digits}f}" for value in values)])
    return lines(rows)


def lines(rows):
    """Rows of texts, the first of which are the titles, as Markdown."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"| {'-' * widths[0]} | {' | '.join('-' * (width - 1) + ':' for width in widths[1:])} |"
