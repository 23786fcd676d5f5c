//! Bounds of a key ring.

/// The most keys in a ring: more than anybody rotates through while old values live.
pub const MAX_KEYS: usize = 64;

/// The longest id of a key.
pub const MAX_ID_BYTES: usize = 32;
