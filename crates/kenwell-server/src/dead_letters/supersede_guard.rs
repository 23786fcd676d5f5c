//! Fields that letters have lost to writes under way.

use std::fs::File;

use super::log_line::{FieldsLine, SupersededFields};

/// Fields that letters have lost to writes under way. While it is there, no letter is retried.
#[derive(Debug, Default)]
pub struct SupersedeGuard {
    _lock: Option<File>,
    superseded: Vec<SupersededFields>,
    /// The newest events of those writes of which nothing was written.
    refused: Vec<u64>,
}

impl SupersedeGuard {
    /// Fields that letters have lost, and the lock that keeps others from writing them.
    pub(super) fn new(superseded: Vec<SupersededFields>, lock: Option<File>) -> Self {
        Self {
            _lock: lock,
            superseded,
            refused: Vec::new(),
        }
    }

    /// Nothing was written of the write whose newest event has this offset.
    pub fn refused(&mut self, newest: u64) {
        self.refused.push(newest);
    }

    /// Whether nothing was written of one of the writes.
    pub fn has_refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// The lines that give back what the refused writes had taken.
    pub(super) fn restored(&self) -> impl Iterator<Item = FieldsLine> {
        let superseded = self.superseded.iter();
        let refused = superseded.filter(|fields| self.refused.contains(&fields.by));
        refused.cloned().map(FieldsLine::Restored)
    }
}
