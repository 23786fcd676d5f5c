//! From journal records to updates: decoded, kept or ignored, folded by user, split into lanes.

use std::{
    collections::{HashMap, HashSet},
    hash::BuildHasher,
    sync::Arc,
};

use foldhash::fast::RandomState;
use kenwell::profile::{Flattener, Fold, FoldedUpdate, Layout};
use kenwell_journal::{Offset, Records};

use crate::{
    envelope::Envelope,
    metrics::{DestinationCounters, NOT_AN_ENVELOPE},
    tail::{Observation, Outcome, Tail},
};

/// Bytes of keys, names and values after which a batch ends. An event can flatten to many times its
/// own size, so the size of the records alone bounds nothing.
const MAX_UPDATE_BYTES: usize = 32 * 1024 * 1024;

/// What turns records into updates for one destination.
pub(super) struct Recipe {
    /// Ids of the sources that feed the destination, for records that do not say where they go.
    pub(super) sources: HashSet<String>,
    pub(super) layout: Layout,
    pub(super) lanes: usize,
    /// Decides about lanes, so that one user is always in the same.
    pub(super) hasher: RandomState,
    pub(super) flattener: Flattener,
    /// Where ignored events are shown.
    pub(super) tail: Tail,
}

/// Records, and how many of them are in a batch already.
pub(super) struct Supply {
    records: Arc<Records>,
    taken: usize,
}

/// A batch on its way to Redis.
pub(super) struct Batch {
    /// None in the [part](Self::part) of a batch.
    records: Option<Arc<Records>>,
    /// The first record that is in this batch, and the offsets from it on.
    first: usize,
    offsets: Vec<Offset>,
    /// What a part has instead.
    copies: Vec<(usize, Offset, Box<[u8]>)>,
    /// Updates of this batch, each user's in one lane and folded into one.
    pub(super) lanes: Vec<Vec<FoldedUpdate>>,
    /// Milliseconds since 1970 of the oldest event that is written.
    pub(super) oldest_ms: Option<u64>,
    /// The offset behind the batch: what is acknowledged when all of it has its outcome.
    pub(super) end: Offset,
    /// Damage has cost records among those that the batch was made of.
    pub(super) damaged: bool,
    ignored: Vec<&'static str>,
}

impl Supply {
    pub(super) fn new(records: Records) -> Self {
        Self {
            records: Arc::new(records),
            taken: 0,
        }
    }
}

impl Recipe {
    /// Prepares a batch, and says what of the supply is left for the next one.
    pub(super) fn prepare(&mut self, supply: Supply) -> (Batch, Option<Supply>) {
        let Supply { records, taken } = supply;
        let mut fold = Fold::default();
        let mut batch = Batch {
            records: Some(Arc::clone(&records)),
            first: taken,
            offsets: Vec::new(),
            copies: Vec::new(),
            lanes: Vec::new(),
            oldest_ms: None,
            end: records.next_offset(),
            damaged: !records.lost().is_empty(),
            ignored: Vec::new(),
        };
        let mut rest = None;
        for (index, (offset, record)) in records.iter().enumerate().skip(taken) {
            if fold.bytes() >= MAX_UPDATE_BYTES {
                batch.end = offset;
                rest = Some(Supply {
                    records: Arc::clone(&records),
                    taken: index,
                });
                break;
            }
            batch.offsets.push(offset);
            self.add(index, offset, record, &mut fold, &mut batch);
        }
        batch.lanes = self.lanes(fold);
        (batch, rest)
    }

    fn add(
        &mut self,
        index: usize,
        offset: Offset,
        record: &[u8],
        fold: &mut Fold,
        batch: &mut Batch,
    ) {
        let Ok(envelope) = Envelope::decode(record) else {
            tracing::error!(%offset, "a journal record is no event envelope and was skipped; was this journal written by another version?");
            batch.ignored.push(NOT_AN_ENVELOPE);
            return;
        };
        let feeds = |source: &str| self.sources.contains(source);
        if !envelope.is_for(&self.layout.destination_id, feeds) {
            return;
        }
        match self.flattener.update(envelope.event, &self.layout) {
            Ok(update) => {
                let received = envelope.received_at_ms;
                batch.oldest_ms = Some(
                    batch
                        .oldest_ms
                        .map_or(received, |oldest| oldest.min(received)),
                );
                fold.push(index, update);
            }
            Err(reason) => {
                batch.ignored.push(reason.as_str());
                if self.tail.has_subscribers() {
                    self.tail.publish(&Observation {
                        source: envelope.source,
                        outcome: Outcome::Ignored,
                        event: envelope.event,
                        reason: Some(&reason.to_string()),
                        destination: Some(&self.layout.destination_id),
                        update: None,
                    });
                }
            }
        }
    }

    fn lanes(&self, fold: Fold) -> Vec<Vec<FoldedUpdate>> {
        let mut lanes: Vec<Vec<FoldedUpdate>> = (0..self.lanes).map(|_| Vec::new()).collect();
        for folded in fold.finish() {
            let hash = self.hasher.hash_one(folded.update().key()) >> 32;
            let lane = usize::try_from(hash)
                .unwrap_or_default()
                .checked_rem(self.lanes);
            if let Some(lane) = lane.and_then(|lane| lanes.get_mut(lane)) {
                lane.push(folded);
            }
        }
        lanes
    }
}

impl Batch {
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
            records: None,
            first: 0,
            offsets: Vec::new(),
            lanes: Vec::new(),
            oldest_ms: None,
            end: self.end,
            damaged: false,
            ignored: Vec::new(),
        }
    }

    /// The oldest record of a part.
    pub(super) fn oldest(&self) -> Option<Offset> {
        self.copies.first().map(|(_, offset, _)| *offset)
    }

    /// How many of its events are for the destination.
    pub(super) fn events(&self) -> u64 {
        let items = self.lanes.iter().flatten();
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

    /// Tells those who look of the events of these updates: that they are in Redis, or the reason why
    /// they never will be.
    pub(super) fn tell<'a>(
        &self,
        tail: &Tail,
        destination: &str,
        updates: impl IntoIterator<Item = (&'a FoldedUpdate, Option<&'a str>)>,
    ) {
        let items = updates.into_iter().flat_map(|(folded, reason)| {
            let items = folded.items().iter();
            items.map(move |item| (*item, (folded.update(), reason)))
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

    /// Enters what needs no Redis into the counters.
    pub(super) fn settle(&self, counters: &DestinationCounters) {
        for reason in &self.ignored {
            counters.ignored(reason);
        }
    }
}
