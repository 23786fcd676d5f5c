//! What an error asks of the caller: to wait, to put one record aside, or to call an operator.

/// What an [`Error`](crate::Error) asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The server cannot do it now. Hold everything, try again later, lose nothing.
    Transient,
    /// This record can never be written as it is; the others can. Put it aside with the reason.
    Record,
    /// The server refuses in words that are not known, or that may be about this record or about all.
    /// Hold everything and tell an operator. Whether it is this record shows when others are taken
    /// meanwhile: see [`Writer`](crate::profile::Writer).
    Unknown,
    /// An operator must change the configuration, here or in Redis. Hold everything, tell them, and
    /// try again: it works as soon as they did.
    Configuration,
}
