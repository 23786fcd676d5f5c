//! The keys of `[delivery]`.

use super::key::{Key, Kind, keys};

keys! {
    /// The keys of `[delivery]`.
    DELIVERY:
    BATCH_RECORDS = Key::new(
        "batch_records",
        Kind::Number(1, 100_000),
        "most events a destination takes from the journal at once (1 to 100,000)",
    )
    .default("4000");
    LANES = Key::new(
        "lanes",
        Kind::Number(1, 64),
        "pipelines in flight to each Redis (1 to 64); what a user has in a batch is in one of them, and small batches take one only",
    )
    .default("4");
}
