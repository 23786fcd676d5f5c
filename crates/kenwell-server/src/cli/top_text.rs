//! The screen of `kenwell top` as text: the server, its sources, its destinations.

use std::fmt::Write;

use serde_json::Value;

/// What stands for what is not known.
const NONE: &str = "-";

/// The lines; `shown` is what `--json` prints.
pub(super) fn text(shown: &Value, url: &str) -> String {
    let mut text = head(shown, url);
    text.push_str("\n\n");
    text.push_str(&sources(shown));
    text.push('\n');
    text.push_str(&destinations(shown));
    text.trim_end().to_owned()
}

fn head(shown: &Value, url: &str) -> String {
    let accepting = match shown.get("accepting").and_then(Value::as_bool) {
        Some(false) => "TAKES NO EVENTS",
        _ => "takes events",
    };
    let journal = |name: &str| {
        let bytes = shown.pointer(&format!("/journal/{name}"));
        bytes
            .and_then(Value::as_u64)
            .map_or(NONE.to_owned(), bytes_text)
    };
    let latency = |name: &str| {
        let at = |quantile: &str| {
            let value = shown.pointer(&format!("/latency/{name}_{quantile}_ms"));
            value
                .and_then(Value::as_f64)
                .map_or(NONE.to_owned(), |ms| format!("{ms:.1}"))
        };
        format!("{}/{} ms", at("p50"), at("p99"))
    };
    let reason = shown.pointer("/journal/reason").and_then(Value::as_str);
    let reason = reason.map_or_else(String::new, |why| format!("\n{why}"));
    format!(
        "kenwell {}  {url}  {}\n{accepting}  journal {} of {}\ndurable p50/p99 {}  in Redis p50/p99 {}{reason}",
        word(shown, "version"),
        word(shown, "now"),
        journal("bytes"),
        journal("max_bytes"),
        latency("ack"),
        latency("freshness"),
    )
}

fn sources(shown: &Value) -> String {
    let head = ["SOURCE", "ACCEPTED/S", "ACCEPTED", "LAST SEEN"].map(str::to_owned);
    let rows = list(shown, "sources").map(|one| {
        let seen = match one.get("enabled").and_then(Value::as_bool) {
            Some(false) => "disabled".to_owned(),
            _ => word(one, "last_seen_at"),
        };
        [
            word(one, "id"),
            number(one, "accepted_per_second"),
            number(one, "accepted"),
            seen,
        ]
    });
    table(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
}

fn destinations(shown: &Value) -> String {
    let head = [
        "DESTINATION",
        "STATE",
        "WRITTEN/S",
        "WRITTEN",
        "QUEUED",
        "LAG S",
        "DEAD LETTERS",
    ]
    .map(str::to_owned);
    let rows = list(shown, "destinations").map(|one| {
        [
            word(one, "id"),
            word(one, "state"),
            number(one, "written_per_second"),
            number(one, "written"),
            number(one, "queued"),
            number(one, "lag_seconds"),
            number(one, "dead_letters_outstanding"),
        ]
    });
    let mut text = table(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    for one in list(shown, "destinations") {
        if let Some(error) = one.get("error").and_then(Value::as_str) {
            let since = one.get("since").and_then(Value::as_str).unwrap_or(NONE);
            // A string takes everything.
            let _written = writeln!(text, "{}: since {since}: {error}", word(one, "id"));
        }
    }
    text
}

fn list<'a>(shown: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    shown
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn word(one: &Value, name: &str) -> String {
    let text = one.get(name).and_then(Value::as_str);
    text.unwrap_or(NONE).to_owned()
}

/// A whole number as it is, another one with one digit.
fn number(one: &Value, name: &str) -> String {
    match one.get(name) {
        Some(Value::Number(number)) if number.is_u64() => number.to_string(),
        Some(Value::Number(number)) => {
            let number = number.as_f64().unwrap_or_default();
            format!("{number:.1}")
        }
        _ => NONE.to_owned(),
    }
}

/// Bytes with one digit of the largest unit.
fn bytes_text(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (unit, name) in units {
        if bytes >= unit {
            let tenths = u128::from(bytes) * 10 / u128::from(unit);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} bytes")
}

/// Rows below each other: the first column and what is words to the left, numbers to the right.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let is_words = rows.iter().skip(1).any(|row| {
                let cell = row.get(column).map_or("", String::as_str);
                cell != NONE && cell.parse::<f64>().is_err()
            });
            let gap = if column == 0 { "" } else { "  " };
            // A string takes everything.
            let _written = if is_words || column == 0 {
                write!(line, "{gap}{cell:<width$}")
            } else {
                write!(line, "{gap}{cell:>width$}")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::text;

    #[test]
    fn the_screen_of_a_server() {
        let shown = json!({
            "version": "1.2.3", "now": "2026-01-31T12:00:00Z", "accepting": true,
            "journal": { "bytes": 12_900_000, "max_bytes": 1_u64 << 30 },
            "latency": { "ack_p50_ms": 0.84, "ack_p99_ms": 2.1, "freshness_p50_ms": null, "freshness_p99_ms": null },
            "sources": [
                { "id": "web", "enabled": true, "accepted": 12_034, "accepted_per_second": 120.5,
                  "last_seen_at": "2026-01-31T11:59:59Z" },
                { "id": "old", "enabled": false, "accepted": 0, "accepted_per_second": null, "last_seen_at": null },
            ],
            "destinations": [
                { "id": "profiles", "state": "up", "written_per_second": 118.0, "written": 11_990, "queued": 44,
                  "lag_seconds": 0.012, "dead_letters_outstanding": 0 },
                { "id": "copy", "state": "waiting", "written_per_second": 0.0, "written": 7, "queued": 12_000,
                  "lag_seconds": 900.0, "dead_letters_outstanding": null, "since": "2026-01-31T11:45:00Z",
                  "error": "cannot connect to 10.0.0.7:6379" },
            ],
        });
        insta::assert_snapshot!(text(&shown, "http://127.0.0.1:8081"));
    }
}
