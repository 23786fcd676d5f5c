//! What an error asks of whoever called: to wait, to put one record aside, or to call somebody.

/// What an [`Error`] asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The server cannot do it now. Hold everything, try again later, lose nothing.
    Transient,
    /// This record can never be written as it is; the others can. Put it aside with the reason.
    Record,
    /// The server refuses in words that nobody knows, or that may be about this record or about all.
    /// Hold everything and tell somebody. Whether it is this record shows when others are taken
    /// meanwhile: see [`Writer`](crate::profile::Writer).
    Unknown,
    /// Somebody must change the configuration, here or in Redis. Hold everything, tell them, and
    /// try again: it works as soon as they did.
    Configuration,
}
