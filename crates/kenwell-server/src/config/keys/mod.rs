//! Every key that `kenwell.toml` may have, each described once. Whatever lists keys is made from these tables:
//! reading, environment variables, what needs a restart, redaction, the JSON Schema, the API, the console's
//! form, and the reference in docs/configuration.md.

pub(super) mod dead_letters;
pub(super) mod delivery;
pub(crate) mod destination;
pub(super) mod gateway;
pub(super) mod journal;
mod key;
pub(super) mod private;
pub(super) mod source;
pub(super) mod top;

pub(crate) use destination::DESTINATION;
pub(crate) use key::without_links;
pub use key::{Group, Key, Kind, Moves, Needs};
pub(crate) use source::SOURCE;
pub(crate) use top::TOP;

/// The tables `[…]`, of which the file may have one each, by their names.
pub(crate) const SECTIONS: &[(&str, &[Key])] = &[
    ("gateway", gateway::GATEWAY),
    ("private", private::PRIVATE),
    ("journal", journal::JOURNAL),
    ("delivery", delivery::DELIVERY),
    ("dead_letters", dead_letters::DEAD_LETTERS),
];

/// The tables `[[…]]`, of which the file may have several each, by their names.
pub(crate) const LISTS: &[(&str, &[Key])] = &[("sources", SOURCE), ("destinations", DESTINATION)];
