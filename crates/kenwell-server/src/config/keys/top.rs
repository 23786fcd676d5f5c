//! The keys at the top of the file.

use super::key::{Key, Kind, keys};

keys! {
    /// The keys at the top of the file.
    TOP:
    DATA_DIR = Key::new(
        "data_dir",
        Kind::Path,
        "directory of the journal and the dead letters; one server at a time may use it",
    )
    .default("\"data\"")
    .restart();
    WORKSPACE_ID = Key::new(
        "workspace_id",
        Kind::Text,
        "part of the keys of \"Profiles\" events, nothing else",
    )
    .default("\"default\"")
    .restart();
    ACCEPT_RETIRED = Key::new(
        "accept_retired",
        Kind::Flag,
        "it is known that events wait for [destinations that are not configured](operations.md#what-waits-for-a-destination): one WARN each, and `/ready` is not degraded; also `kenwell serve --accept-retired`",
    )
    .default("false");
}
