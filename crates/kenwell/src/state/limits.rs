//! Bounds of the state store.

/// The most keys in one call. Redis serves no other client while it executes a transaction.
pub const MAX_KEYS: usize = 10_000;

/// The longest time to live, in seconds: Redis counts milliseconds since 1970 in 63 bits.
pub const MAX_TTL_SECONDS: u64 = 9_000_000_000_000_000;
