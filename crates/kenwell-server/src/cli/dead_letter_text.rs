//! Dead letters as text: on one line, or whole.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::dead_letter_options::LettersPlace;
use super::exit::Failure;
use super::output::{self, printable};

/// A letter as the API and `--json` have it.
#[derive(Deserialize)]
struct LetterText {
    id: String,
    destination: String,
    at: String,
    reason: String,
    error: String,
    source: String,
    key: String,
    received_at: String,
    user_id: Option<String>,
    event: Box<RawValue>,
}

/// Prints a letter, which is JSON, on one line.
pub(super) fn print(letter: &str, place: &LettersPlace) -> Result<(), Failure> {
    if place.json {
        return output::data(letter);
    }
    let letter: LetterText = serde_json::from_str(letter).map_err(anyhow::Error::from)?;
    output::line(format!(
        "{}  {}  {}  from {}  {}",
        letter.at,
        letter.id,
        printable(letter.key.as_bytes()),
        letter.source,
        printable(letter.error.as_bytes())
    ))
}

/// Prints how many letters of a destination were listed.
pub(super) fn print_count(destination: &str, count: u64) -> Result<(), Failure> {
    let letters = if count == 1 { "letter" } else { "letters" };
    output::line(format!("{destination}: {count} dead {letters}"))
}

/// Prints a letter, which is JSON, with a line for each thing that is known of it.
pub(super) fn print_whole(letter: &str) -> Result<(), Failure> {
    let letter: LetterText = serde_json::from_str(letter).map_err(anyhow::Error::from)?;
    let user = letter.user_id.as_deref().unwrap_or("-");
    for (name, value) in [
        ("id", letter.id.as_str()),
        ("destination", &letter.destination),
        ("at", &letter.at),
        ("reason", &letter.reason),
        ("error", &letter.error),
        ("source", &letter.source),
        ("key", &letter.key),
        ("received_at", &letter.received_at),
        ("user_id", user),
        ("event", letter.event.get()),
    ] {
        output::line(format!("{name:<12} {}", printable(value.as_bytes())))?;
    }
    Ok(())
}

/// Prints how many letters of a destination were dropped.
pub(super) fn print_discarded(
    id: &str,
    discarded: u64,
    place: &LettersPlace,
) -> Result<(), Failure> {
    if place.json {
        return output::json(&json!({ "destination": id, "discarded": discarded }));
    }
    output::line(format!("{id}: {discarded} discarded"))
}
