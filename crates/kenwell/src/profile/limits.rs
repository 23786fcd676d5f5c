//! How deep and how large an event may be, and one write of it.

/// The deepest nesting of objects and arrays that is read, the event itself counted as one.
pub const MAX_DEPTH: usize = 2_048;

/// The most bytes that the names and values of one event may take, 32 MiB. A name is repeated for
/// every value below it, so a small event can ask for gigabytes.
pub const MAX_FLATTENED_BYTES: usize = 32 << 20;

/// About the most bytes in one pipeline, 8 MiB; only a single larger update exceeds it.
pub const MAX_PIPELINE_BYTES: usize = 8 << 20;

/// The deepest nesting of objects and arrays in a JSON document: RedisJSON refuses deeper texts.
pub const MAX_DOCUMENT_DEPTH: usize = 127;

/// The most fields in one `HSET`. Redis serves no other client while it executes a command, so larger
/// updates are split.
pub const MAX_FIELDS: usize = 5_000;
