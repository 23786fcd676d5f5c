//! The keys of `[[sources]]`.

use super::{Key, Kind, Moves};

/// The keys of `[[sources]]`, in the reference's order.
pub const SOURCE: &[Key] = &[
    Key::new("id", Kind::Text, "unique among sources")
        .required()
        .file_only()
        .moves(Moves::NoSecret),
    Key::new("name", Kind::Text, "for people").moves(Moves::NoSecret),
    Key::new(
        "write_key",
        Kind::Secret,
        "what SDKs send as Basic user name; a [secret](#secrets)",
    )
    .required()
    .file_only(),
    Key::new("enabled", Kind::Flag, "a disabled source gets 404")
        .default("true")
        .moves(Moves::NoSecret),
    Key::new(
        "destinations",
        Kind::List,
        "ids of destinations; each gets every event",
    )
    .default("[]")
    .moves(Moves::NoSecret),
];
