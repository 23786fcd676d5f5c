//! A question before a deed that cannot be undone.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::exit::Failure;
use super::output;

/// Asks `question` on a terminal, and goes on after a yes only. Without a
/// terminal nobody can answer, and `refusal` says what to give instead.
pub(super) fn confirm(question: &str, refusal: String) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(refusal));
    }
    output::line(format!("{question} [y/N]"))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(anyhow::Error::from)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::failed("nothing was changed"))
}
