//! A batch of events on its way to Redis, with the records that it was built from.

use std::{collections::HashMap, ops::Range, sync::Arc};

use kenwell::profile::FoldedUpdate;
use kenwell_journal::{Offset, Records};

use crate::{
    envelope::Envelope,
    metrics::DestinationCounters,
    tail::{ItemUpdate, Observation, Outcome, Tail},
};

/// A batch on its way to Redis. An item of its [`FoldedUpdate`]s is the place of a record among those that
/// were read together.
#[derive(Default)]
pub(super) struct Batch {
    /// None in the [part](Self::part) of a batch.
    records: Option<Arc<Records>>,
    /// The first record that is in this batch, and the offsets from it on.
    first: usize,
    pub(super) offsets: Vec<Offset>,
    /// What a part has instead: items, offsets and records.
    copies: Vec<(usize, Offset, Box<[u8]>)>,
    /// Updates of this batch by lane: each user's in one lane, folded into one.
    pub(super) updates: Vec<Vec<FoldedUpdate>>,
    /// Milliseconds since 1970 of the oldest event that is written.
    pub(super) oldest_ms: Option<u64>,
    /// The offset behind the batch: what is acknowledged when all of it has its outcome.
    pub(super) end: Offset,
    /// Damage has cost records among those that the batch was built from.
    pub(super) damaged: bool,
    /// Why events have nothing for the destination, one reason for each.
    pub(super) ignored: Vec<&'static str>,
}

impl Batch {
    /// An empty batch of the records from place `first` on.
    pub(super) fn of(records: &Arc<Records>, first: usize) -> Self {
        Self {
            records: Some(Arc::clone(records)),
            first,
            end: records.next_offset(),
            damaged: !records.lost().is_empty(),
            ..Self::default()
        }
    }

    /// An event that is written was received at this time.
    pub(super) fn note_received(&mut self, at_ms: u64) {
        self.oldest_ms = self.oldest_ms.into_iter().chain([at_ms]).min();
    }

    /// The records that some items of [`FoldedUpdate`]s stand for, in journal order, each with what
    /// `wanted` has for it.
    pub(super) fn records<'a, T: Copy>(
        &'a self,
        wanted: &HashMap<usize, T>,
    ) -> impl Iterator<Item = (Offset, &'a [u8], T)> {
        let records = self.records.iter().flat_map(|records| records.iter());
        let records = records
            .enumerate()
            .map(|(item, (offset, record))| (item, offset, record));
        let copies = self.copies.iter();
        let copies = copies.map(|(item, offset, record)| (*item, *offset, &**record));
        let all = records.chain(copies);
        all.filter_map(|(item, offset, record)| Some((offset, record, *wanted.get(&item)?)))
    }

    /// The records of some items alone, so that what waits long does not keep all the others in memory.
    pub(super) fn part(&self, items: &[usize]) -> Self {
        let wanted: HashMap<usize, usize> = items.iter().map(|item| (*item, *item)).collect();
        let copies = self.records(&wanted);
        Self {
            copies: copies
                .map(|(offset, record, item)| (item, offset, record.into()))
                .collect(),
            end: self.end,
            ..Self::default()
        }
    }

    /// The oldest record of a part.
    pub(super) fn oldest(&self) -> Option<Offset> {
        self.copies.first().map(|(_, offset, _)| *offset)
    }

    /// The records of a part.
    pub(super) fn copied_offsets(&self) -> impl Iterator<Item = Offset> {
        self.copies.iter().map(|(_, offset, _)| *offset)
    }

    /// Where damage has cost records among those that the batch was built from.
    pub(super) fn lost(&self) -> impl Iterator<Item = Range<Offset>> {
        let lost = self.records.iter().flat_map(|records| records.lost());
        lost.cloned()
    }

    /// How many of its events are for the destination.
    pub(super) fn events(&self) -> u64 {
        let items = self.updates.iter().flatten();
        let written: usize = items.map(|folded| folded.items().len()).sum();
        u64::try_from(written)
            .unwrap_or(u64::MAX)
            .saturating_add(self.ignored())
    }

    /// The offset of the newest event that an update carries.
    pub(super) fn newest(&self, folded: &FoldedUpdate) -> u64 {
        let item = folded.items().last().copied().unwrap_or_default();
        let place = item.checked_sub(self.first);
        let offset = place.and_then(|place| self.offsets.get(place)).copied();
        let copied = || {
            let mut copies = self.copies.iter();
            copies.find_map(|(copy, offset, _)| (*copy == item).then_some(*offset))
        };
        offset.or_else(copied).map_or(u64::MAX, |offset| offset.0)
    }

    /// Shows in the tail what became of the events of these updates: that they are in Redis, or the reason
    /// why they never will be.
    pub(super) fn publish<'a>(
        &self,
        tail: &Tail,
        destination: &str,
        updates: impl IntoIterator<Item = (&'a FoldedUpdate, Option<&'a str>)>,
    ) {
        let items = updates.into_iter().flat_map(|(folded, reason)| {
            let items = folded.items().iter();
            items.map(move |&item| (item, (ItemUpdate { folded, item }, reason)))
        });
        let wanted: HashMap<usize, _> = items.collect();
        for (_, record, (update, reason)) in self.records(&wanted) {
            let Ok(envelope) = Envelope::decode(record) else {
                continue;
            };
            tail.publish(&Observation {
                source: envelope.source,
                outcome: reason.map_or(Outcome::Written, |_| Outcome::DeadLettered),
                event: envelope.event,
                reason,
                destination: Some(destination),
                update: Some(update),
            });
        }
    }

    /// How many of its events had nothing for the destination.
    pub(super) fn ignored(&self) -> u64 {
        u64::try_from(self.ignored.len()).unwrap_or(u64::MAX)
    }

    /// Counts those events.
    pub(super) fn count_ignored(&self, counters: &DestinationCounters) {
        for reason in &self.ignored {
            counters.ignored(reason);
        }
    }
}
