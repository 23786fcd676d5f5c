//! A line on a terminal that says how far long work has come. Where stderr is no terminal there is none.

use std::io::{IsTerminal, Write, stderr};

/// Width of the bar.
const WIDTH: usize = 30;

/// The line; it goes when this is dropped.
pub(super) struct Progress {
    what: &'static str,
    /// How much there is to do, where that is known.
    total: Option<u64>,
    is_shown: bool,
}

impl Progress {
    /// Nothing is shown before the first [`Progress::show`].
    pub(super) fn new(what: &'static str, total: u64) -> Self {
        let is_shown = total > 0 && stderr().is_terminal();
        Self {
            what,
            total: Some(total),
            is_shown,
        }
    }

    /// The same where nobody knows how much there is: it counts.
    pub(super) fn counting(what: &'static str) -> Self {
        Self {
            what,
            total: None,
            is_shown: stderr().is_terminal(),
        }
    }

    /// Shows how much is done. That the terminal has gone is no reason to stop.
    pub(super) fn show(&self, done: u64) {
        if self.is_shown {
            let line = match self.total {
                Some(total) => line(self.what, done, total),
                None => format!("{done} {}", self.what),
            };
            drop(write!(stderr(), "\r\x1b[K{line}"));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            drop(write!(stderr(), "\r\x1b[K"));
        }
    }
}

fn line(what: &str, done: u64, total: u64) -> String {
    let done = done.min(total);
    let share = u128::from(done) * 100 / u128::from(total.max(1));
    let full = usize::try_from(share).unwrap_or(0) * WIDTH / 100;
    format!(
        "{what} [{}{}] {share} %, {done} of {total}",
        "#".repeat(full),
        ".".repeat(WIDTH - full)
    )
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn it_ends_at_the_end() {
        assert_eq!(
            line("retrying", 0, 3),
            "retrying [..............................] 0 %, 0 of 3"
        );
        assert_eq!(
            line("retrying", 2, 3),
            "retrying [###################...........] 66 %, 2 of 3"
        );
        assert_eq!(
            line("retrying", 9, 3),
            "retrying [##############################] 100 %, 3 of 3"
        );
    }
}
