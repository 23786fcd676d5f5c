"""Medians and ratios as a table."""

import statistics

ROWS = [
    # title, key, digits after the point
    ("events applied a second", "applied_per_second", 0),
    ("  of redis-benchmark's HSETs", "ratio", 3),
    ("events acknowledged a second", "acked_per_second", 0),
    ("ack p50, ms", "ack_p50_ms", 2),
    ("ack p99, ms", "ack_p99_ms", 2),
    ("ack max, ms", "ack_max_ms", 1),
    ("freshness p50, ms, at most", "freshness_p50_ms", 1),
    ("freshness p99, ms, at most", "freshness_p99_ms", 1),
    ("CPU s, kenwell", "kenwell_cpu", 2),
    ("  of that in the kernel", "kenwell_system_cpu", 2),
    ("CPU s, redis-server", "redis_cpu", 2),
    ("CPU s, generator", "load_cpu", 2),
    ("CPU s, everything else", "others_cpu", 2),
    ("CPU µs an event, kenwell", "kenwell_us", 2),
    ("CPU µs an event, redis-server", "redis_us", 2),
    ("CPU µs an event, generator", "load_us", 2),
    ("journal bytes an event", "journal_bytes_an_event", 0),
    ("bytes to disk an event", "disk_bytes_an_event", 0),
]


def derive(result, ceiling=None):
    """Adds what follows from the measured: the ratio to the same round's ceiling, and the cost of an event."""
    if ceiling:
        result["ratio"] = result["applied_per_second"] / ceiling
    for who in ("kenwell", "redis", "load"):
        if f"{who}_cpu" in result:
            result[f"{who}_us"] = result[f"{who}_cpu"] / result["events"] * 1e6
    return result


def medians(results):
    """Median of every number that all results have."""
    numbers = {key for key, value in results[0].items() if isinstance(value, (int, float))}
    numbers = {key for key in numbers if all(isinstance(result.get(key), (int, float)) for result in results)}
    return {key: statistics.median(result[key] for result in results) for key in numbers}


def lines(columns):
    """`columns`: pairs of a title and its medians. A Markdown table."""
    titles = [title for title, _ in columns]
    rows = [["", *titles]]
    rows += [[title, *(cell(values.get(key), digits) for _, values in columns)] for title, key, digits in ROWS]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:]))]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield f"| {'-' * widths[0]} | {' | '.join('-' * (width - 1) + ':' for width in widths[1:])} |"


def cell(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"
