//! The keys of `[[sources]]`.

use super::key::{Key, Kind, Moves, keys};

keys! {
    /// The keys of `[[sources]]`, in the reference's order.
    SOURCE:
    ID = Key::new("id", Kind::Id, "unique among sources")
        .required()
        .example("\"web\"")
        .no_variable()
        .file_only()
        .moves(Moves::NoSecret);
    NAME = Key::new("name", Kind::Text, "for people")
        .otherwise("the id")
        .moves(Moves::NoSecret);
    WRITE_KEY = Key::new(
        "write_key",
        Kind::Name,
        "what SDKs send; unique, without `:` and white space; a [secret](#secrets)",
    )
    .required()
    .file_only();
    ENABLED = Key::new("enabled", Kind::Flag, "a disabled source is known but refused")
        .default("true")
        .moves(Moves::NoSecret);
    DESTINATIONS = Key::new("destinations", Kind::List, "ids of destinations; each gets every event")
        .default("[]")
        .moves(Moves::NoSecret);
}
