//! The keys of `[dead_letters]`.

use super::key::{Key, Kind, keys};

keys! {
    /// The keys of `[dead_letters]`.
    DEAD_LETTERS:
    MAX_BYTES = Key::new(
        "max_bytes",
        // A whole batch of refused events must fit, written as JSON text.
        Kind::Size(64 << 20),
        "most disk space for each destination's letters (at least 64 MiB); when it is full, delivery to it waits. As much again may be taken by lines about fields that newer events have set",
    )
    .default("\"1 GiB\"")
    .restart();
}
