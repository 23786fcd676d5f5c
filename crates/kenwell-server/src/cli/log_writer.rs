//! Log lines: each event is one, whatever the texts in it try.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ValueEnum;
use kenwell::is_printable;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// The standard error stream, on which every event becomes one line without anything that steers a terminal or
/// hides. It knows nothing of where a text came from, so none can be forgotten.
#[derive(Clone, Copy)]
pub(super) struct LogWriter {
    pub(super) format: LogFormat,
    /// Whether the lines have colours. They are the formatter's own then: it escapes those of a text.
    pub(super) has_colours: bool,
}

impl MakeWriter<'_> for LogWriter {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

impl Write for LogWriter {
    /// Takes a whole event, as the formatter gives it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = self.escaped(text.strip_suffix('\n').unwrap_or(&text));
        io::stderr().lock().write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

impl LogWriter {
    fn escaped(self, event: &str) -> String {
        let mut line = String::with_capacity(event.len() + 1);
        for c in event.chars() {
            if is_printable(c) || (c == '\x1b' && self.has_colours) {
                line.push(c);
                continue;
            }
            match self.format {
                LogFormat::Text => line.extend(c.escape_default()),
                LogFormat::Json => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // A string takes everything.
                        let _written = write!(line, "\\u{unit:04x}");
                    }
                }
            }
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\nb\r\u{1b}[2J\u{9b}\u{202e}\u{e0041}é";

    #[test]
    fn a_text_line_shows_what_it_escapes() {
        let writer = |has_colours| LogWriter {
            format: LogFormat::Text,
            has_colours,
        };
        assert_eq!(
            writer(false).escaped(TEXT),
            "a\\nb\\r\\u{1b}[2J\\u{9b}\\u{202e}\\u{e0041}é\n"
        );
        let coloured = writer(true).escaped("\u{1b}[2mx\n\u{1b}[0m");
        assert_eq!(coloured, "\u{1b}[2mx\\n\u{1b}[0m\n");
    }

    #[test]
    fn a_json_line_stays_json_with_the_same_text() {
        let writer = LogWriter {
            format: LogFormat::Json,
            has_colours: false,
        };
        let line = writer.escaped(&serde_json::to_string(TEXT).unwrap());
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), TEXT);
        assert!(line.trim_end().chars().all(is_printable), "{line}");
    }
}
