//! The keys of `[journal]`.

use super::key::{Key, Kind, keys};

keys! {
    /// The keys of `[journal]`.
    JOURNAL:
    MAX_BYTES = Key::new(
        "max_bytes",
        // A request whose events take more than half of the journal is refused.
        Kind::Size(1 << 20),
        "most disk space (at least 1 MiB; a request that needs more than half of it is refused with 413); when it is full the gateway answers 503 and nothing is lost",
    )
    .default("\"8 GiB\"")
    .restart();
    RETAIN = Key::new(
        "retain",
        Kind::Duration(0, u64::MAX),
        "how long delivered events are kept",
    )
    .default("\"24h\"")
    .restart();
    RETAIN_BYTES = Key::new(
        "retain_bytes",
        Kind::Size(0),
        "how many bytes of delivered events are kept; by default at most half of `max_bytes`",
    )
    .default("\"1 GiB\"")
    .restart();
    DURABILITY = Key::new(
        "durability",
        Kind::Choice(&["fsync", "os"]),
        "when an event counts as accepted: `\"fsync\"` survives a power cut, `\"os\"` survives a killed process only",
    )
    .default("\"fsync\"")
    .restart();
    COMMIT_DELAY = Key::new(
        "commit_delay",
        Kind::Duration(0, kenwell_journal::MAX_COMMIT_DELAY_MS),
        "least time from one write of the journal to the next (at most `\"100ms\"`): requests that come close together share a write, which takes [less of the processors and of the disk](capacity.md#disk) and answers them later by as much at most; `0s`: each write begins when the one before is durable",
    )
    .default("\"0s\"")
    .restart();
}
