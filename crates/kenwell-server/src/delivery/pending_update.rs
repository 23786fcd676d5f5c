//! A user's update on its way to Redis.

use std::{collections::VecDeque, sync::Arc};

use kenwell::profile::{FoldedUpdate, ProfileUpdate};
use kenwell_journal::Offset;

use super::batch::Batch;

/// A user's update that has no outcome yet.
pub(super) struct PendingUpdate {
    batch: Arc<Batch>,
    /// What is written next: the whole update, or an event of one that was refused as a whole.
    part: FoldedUpdate,
    /// The events behind it, of one that was refused as a whole.
    later: VecDeque<FoldedUpdate>,
    /// Whether another lane than its own writes it.
    pub(super) is_in_other_lane: bool,
}

/// An update, or a part of one, that has its outcome.
pub(super) struct SettledUpdate {
    pub(super) batch: Arc<Batch>,
    pub(super) update: FoldedUpdate,
}

impl AsRef<ProfileUpdate> for PendingUpdate {
    fn as_ref(&self) -> &ProfileUpdate {
        self.part.update()
    }
}

impl PendingUpdate {
    /// An update of a batch that nobody has tried to write yet.
    pub(super) fn new(batch: &Arc<Batch>, update: FoldedUpdate) -> Self {
        Self {
            batch: Arc::clone(batch),
            part: update,
            later: VecDeque::new(),
            is_in_other_lane: false,
        }
    }

    /// The Redis key.
    pub(super) fn key(&self) -> &[u8] {
        self.part.update().key()
    }

    /// Has the next write tell what it changes.
    pub(super) fn watch(&mut self) {
        self.part.watch();
    }

    /// How many events it has.
    pub(super) fn events(&self) -> usize {
        self.parts().map(|part| part.items().len()).sum()
    }

    /// Bytes of its key, names and values.
    pub(super) fn bytes(&self) -> usize {
        self.parts().map(|part| part.update().bytes()).sum()
    }

    /// The offset of the newest event in what is written next.
    pub(super) fn newest(&self) -> u64 {
        self.batch.newest(&self.part)
    }

    /// The oldest event, of one that was detached.
    pub(super) fn oldest(&self) -> Option<Offset> {
        self.batch.oldest()
    }

    /// All events, of one that was detached; those of it that have their outcome by now included.
    pub(super) fn offsets(&self) -> impl Iterator<Item = Offset> {
        self.batch.copied_offsets()
    }

    /// The same with only those records of its batch that it needs.
    pub(super) fn detach(self) -> Self {
        let items: Vec<_> = self
            .parts()
            .flat_map(FoldedUpdate::items)
            .copied()
            .collect();
        Self {
            batch: Arc::new(self.batch.part(&items)),
            ..self
        }
    }

    /// The part that has its outcome, and what is left.
    pub(super) fn settle(mut self) -> (SettledUpdate, Option<Self>) {
        let next = self.later.pop_front();
        let settled = SettledUpdate {
            batch: Arc::clone(&self.batch),
            update: self.part,
        };
        let left = next.map(|part| Self {
            part,
            batch: self.batch,
            later: self.later,
            is_in_other_lane: self.is_in_other_lane,
        });
        (settled, left)
    }

    /// Splits what is written next into its events, each to be written by itself. False when it is a single
    /// one.
    pub(super) fn split(&mut self) -> bool {
        let mut events = VecDeque::from(self.part.unfold());
        let Some(first) = events.pop_front() else {
            return false;
        };
        self.part = first;
        self.later = events;
        true
    }

    fn parts(&self) -> impl Iterator<Item = &FoldedUpdate> {
        std::iter::once(&self.part).chain(&self.later)
    }
}

impl SettledUpdate {
    /// How many events it has.
    pub(super) fn events(&self) -> u64 {
        u64::try_from(self.update.items().len()).unwrap_or(u64::MAX)
    }
}
