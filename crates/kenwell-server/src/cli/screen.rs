//! A terminal's second screen, which is drawn over and goes when the command ends.

use std::io::{ErrorKind, Write, stdout};

use super::exit::Failure;

/// To the second screen, and no cursor.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
/// The cursor, and back to the first screen.
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// What is drawn on when the terminal does not tell its size.
const USUAL_SIZE: (usize, usize) = (24, 80);

/// The second screen, until it is dropped.
pub(super) struct Screen;

impl Screen {
    pub(super) fn open() -> Result<Self, Failure> {
        write(OPEN)?;
        Ok(Self)
    }

    /// Draws lines over what is there, as far as they fit.
    #[expect(
        clippy::unused_self,
        reason = "there is nothing to draw on without an open screen"
    )]
    pub(super) fn draw(&self, text: &str) -> Result<(), Failure> {
        write(&frame(text, size()))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that has gone needs nothing any more.
        drop(write(CLOSE));
    }
}

fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = stdout().lock();
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::Failed(anyhow::Error::new(error).context("cannot write to the terminal")),
    })
}

/// Rows and columns.
fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(stdout()).ok();
    let size = size.map(|size| (usize::from(size.ws_row), usize::from(size.ws_col)));
    size.filter(|(rows, columns)| *rows > 1 && *columns > 1)
        .unwrap_or(USUAL_SIZE)
}

/// The text from the first row on, each row cut to the width, and nothing below it.
fn frame(text: &str, (rows, columns): (usize, usize)) -> String {
    let lines: Vec<_> = text.split('\n').collect();
    let room = rows.saturating_sub(1);
    let fitting = if lines.len() > room {
        room.saturating_sub(1)
    } else {
        lines.len()
    };
    let mut frame = "\x1b[H".to_owned();
    for line in lines.iter().take(fitting) {
        let line = kenwell::printable(line);
        frame.extend(line.chars().take(columns));
        frame.push_str("\x1b[K\n");
    }
    if fitting < lines.len() {
        let more = lines.len() - fitting;
        frame.extend(["and ", &more.to_string(), " more lines\x1b[K"]);
    }
    frame.push_str("\x1b[J");
    frame
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn what_does_not_fit_is_cut_and_counted() {
        assert_eq!(
            frame("abcdef\nx\u{1b}", (5, 4)),
            "\x1b[Habcd\x1b[K\nx\\u{\x1b[K\n\x1b[J"
        );
        assert_eq!(
            frame("1\n2\n3\n4", (4, 9)),
            "\x1b[H1\x1b[K\n2\x1b[K\nand 2 more lines\x1b[K\x1b[J"
        );
    }
}
