//! Reading `[[sources]]`.

use std::cell::Cell;

use super::secret::{self, Origin, Resolved};
use super::section::{Found, Section};
use super::settings::Source;
use super::value::{self, Input, Wrong};

/// Longest id of a source or destination, in characters; it becomes part of file names.
pub(crate) const MAX_ID: usize = 64;

/// A source as read, with the places that later complaints need.
pub(super) struct ReadSource {
    pub(super) id: Found<String>,
    pub(super) write_key: Found<String>,
    pub(super) destinations: Found<Vec<String>>,
    pub(super) source: Source,
}

/// Reads one source; `None` when something it cannot do without is wrong.
pub(super) fn read(mut section: Section<'_>) -> Option<ReadSource> {
    let reading = section.reading;
    let id = section.read_here("id", id);
    let name = section.read("name", value::text);
    let write_key_from = Cell::new(Origin::File);
    let write_key = section.read("write_key", |input| {
        let resolved = secret::secret(reading, input)?;
        write_key_from.set(resolved.origin);
        write_key(&resolved)
    });
    let enabled = section.read_or("enabled", true, value::flag);
    let destinations = section
        .read("destinations", value::text_list)
        .unwrap_or_else(|| Found {
            value: Vec::new(),
            place: section.place().clone(),
            key: section.key("destinations"),
        });
    section.require("id", "add a line like id = \"web\"");
    section.require(
        "write_key",
        "add a line like write_key = \"…\" or write_key = \"env:NAME\"",
    );
    section.finish();
    let (id, write_key) = (id?, write_key?);
    let source = Source {
        id: id.value.clone(),
        name: name
            .map(|name| name.value)
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.value.clone()),
        write_key: kenwell::connection::Secret::new(write_key.value.clone()),
        write_key_from: write_key_from.get(),
        enabled,
        destinations: destinations.value.clone(),
    };
    Some(ReadSource {
        id,
        write_key,
        destinations,
        source,
    })
}

/// An id of a source or destination.
pub(super) fn id(input: &Input<'_>) -> Result<String, Wrong> {
    let text = value::text(input)?;
    if !is_id(&text) {
        return Err(Wrong::new(
            format!("\"{text}\" is not a valid id"),
            format!("use 1 to {MAX_ID} of the characters a-z, 0-9 and -"),
        ));
    }
    Ok(text)
}

/// Whether a text can be an id.
pub(crate) fn is_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=MAX_ID).contains(&text.len()) && text.chars().all(allowed)
}

/// A write key travels as the user name of HTTP Basic authentication.
fn write_key(secret: &Resolved) -> Result<String, Wrong> {
    if secret.text().is_empty() {
        return Err(Wrong::new(
            "the write key is empty",
            "choose a long random text",
        ));
    }
    let unfit = |c: char| c == ':' || c.is_whitespace() || c.is_control();
    if secret.text().chars().any(unfit) {
        return Err(Wrong::new(
            "the write key has a colon, white space or a control character in it",
            "use letters, digits and punctuation other than the colon",
        ));
    }
    Ok(secret.text().to_owned())
}
