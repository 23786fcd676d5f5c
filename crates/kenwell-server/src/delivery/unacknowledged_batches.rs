//! Batches that were written and are not acknowledged yet, because an event in one of them is deferred.

use std::collections::VecDeque;

use kenwell_journal::Offset;

use super::batch::Batch;

/// The most batches that are told apart; further ones count as part of the last.
const MAX_BATCHES: usize = 4_096;

/// What lies between the cursor and the batch under way.
#[derive(Default)]
pub(super) struct UnacknowledgedBatches {
    /// Where each batch ends, and how many events for the destination it has.
    batches: VecDeque<(Offset, u64)>,
    /// Events of the batches that were acknowledged.
    done: u64,
    /// Events that had nothing for the destination: an outcome that needs no Redis.
    ignored: u64,
}

impl UnacknowledgedBatches {
    /// A batch that is about to be written.
    pub(super) fn push(&mut self, batch: &Batch) {
        self.add(batch.end, batch.events());
    }

    fn add(&mut self, end: Offset, events: u64) {
        let is_full = self.batches.len() >= MAX_BATCHES;
        match self.batches.back_mut().filter(|_| is_full) {
            Some(last) => *last = (end, last.1 + events),
            None => self.batches.push_back((end, events)),
        }
    }

    /// So many events of the last batch had nothing for the destination.
    pub(super) fn add_ignored(&mut self, events: u64) {
        self.ignored += events;
    }

    /// The end of the last batch.
    pub(super) fn end(&self) -> Option<Offset> {
        self.batches.back().map(|(end, _)| *end)
    }

    /// Whether everything is acknowledged.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The end of the last batch of which everything has its outcome, when this is the oldest event that
    /// has none.
    pub(super) fn end_before(&self, oldest: Option<Offset>) -> Option<Offset> {
        let ends = self.batches.iter().map(|(end, _)| *end);
        ends.take_while(|end| oldest.is_none_or(|oldest| *end <= oldest))
            .last()
    }

    /// Everything up to `end` is acknowledged.
    pub(super) fn acknowledged(&mut self, end: Offset) {
        while let Some((_, events)) = self.batches.front().filter(|(other, _)| *other <= end) {
            self.done += events;
            self.batches.pop_front();
        }
    }

    /// How many events that are not acknowledged have an outcome, when so many got one by being written or
    /// dead-lettered.
    pub(super) fn outcomes(&self, written: u64) -> u64 {
        (written + self.ignored).saturating_sub(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_batches_before_the_oldest_event_are_acknowledged() {
        let mut open = UnacknowledgedBatches {
            batches: [(Offset(10), 4), (Offset(20), 5), (Offset(30), 6)].into(),
            ..UnacknowledgedBatches::default()
        };
        assert_eq!(open.end_before(Some(Offset(9))), None);
        assert_eq!(open.end_before(Some(Offset(25))), Some(Offset(20)));
        open.acknowledged(Offset(20));
        // One event of the third batch waits.
        assert_eq!(open.outcomes(14), 5);
        assert_eq!(open.end_before(None), Some(Offset(30)));
        open.acknowledged(Offset(30));
        assert!(open.is_empty());
        assert_eq!(open.outcomes(15), 0);
    }

    #[test]
    fn while_something_waits_for_long_the_last_batches_count_as_one() {
        let mut open = UnacknowledgedBatches::default();
        let batches = u64::try_from(MAX_BATCHES).unwrap() + 2;
        for batch in 1..=batches {
            open.add(Offset(batch * 10), 3);
        }
        assert_eq!(open.batches.len(), MAX_BATCHES);
        assert_eq!(open.end(), Some(Offset(batches * 10)));
        open.acknowledged(Offset(batches * 10));
        assert_eq!(open.outcomes(batches * 3), 0);
    }
}
