//! The number of a record in the log.

use std::fmt;

/// The sequence number of a record. Offsets count records, from 0, over the whole life of a journal.
///
/// Offsets only grow. A number is missing where records were lost to damage of the disk, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset `records` further on (saturating).
    #[must_use]
    pub fn plus(self, records: u64) -> Self {
        Self(self.0.saturating_add(records))
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}
