//! The one place that writes to stdout, and to stderr what is no log line.

use std::io::{ErrorKind, Write};

use super::exit::Failure;

/// Writes text for people to stdout, usually one line, without what would steer a terminal or hide.
pub(super) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let lines: Vec<_> = text.as_ref().split('\n').map(kenwell::printable).collect();
    data(lines.join("\n"))
}

/// Writes text for programs to stdout, as it is. A reader who has gone away ends the command quietly.
pub(super) fn data(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{}", text.as_ref()).and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Failed(anyhow::Error::new(error).context("cannot write to stdout")),
    })
}

/// Writes JSON to stdout, on one line.
pub(super) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    data(value.to_string())
}

/// Writes to stderr, a complaint and perhaps its fix in lines of their own. When even that fails there is
/// nobody left to tell.
pub(super) fn complain(text: &str) {
    let mut stderr = std::io::stderr().lock();
    for line in text.lines() {
        drop(writeln!(stderr, "{}", kenwell::printable(line)));
    }
}

/// Text from outside, safe to show on a terminal: what would steer it or hide is escaped.
pub(super) fn printable(text: &[u8]) -> String {
    kenwell::printable(&String::from_utf8_lossy(text)).into_owned()
}

/// Bytes in the largest unit that divides them.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    units
        .into_iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes} bytes"),
            |(unit, name)| format!("{} {name}", bytes / unit),
        )
}

/// Milliseconds since 1970 as ISO 8601 in UTC; what is no time as the number.
pub(super) fn time(milliseconds: u64) -> String {
    i64::try_from(milliseconds)
        .ok()
        .and_then(|milliseconds| jiff::Timestamp::from_millisecond(milliseconds).ok())
        .map_or_else(|| milliseconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_terminal_sees_no_control_characters() {
        assert_eq!(printable(b"a\x1b[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(printable("Jürgen".as_bytes()), "Jürgen");
    }
}
