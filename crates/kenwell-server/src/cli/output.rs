//! The one place that writes to stdout, and to stderr what is no log line.

use std::io::{ErrorKind, Write};

use super::exit::Failure;

/// Writes a line to stdout. A reader who has gone away ends the command quietly.
pub(super) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{}", text.as_ref()).and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Failed(anyhow::Error::new(error).context("cannot write to stdout")),
    })
}

/// Writes JSON to stdout, on one line.
pub(super) fn json(value: &serde_json::Value) -> Result<(), Failure> {
    line(value.to_string())
}

/// Writes a line to stderr. When even that fails there is nobody left to tell.
pub(super) fn complain(text: &str) {
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(stderr, "{text}"));
}

/// Text from outside, safe to show on a terminal: control characters are escaped.
pub(super) fn printable(text: &[u8]) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in String::from_utf8_lossy(text).chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
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
