//! From journal records to updates: decoded, kept or ignored, folded by user, split over lanes.

use std::{collections::HashSet, hash::BuildHasher, sync::Arc};

use foldhash::fast::RandomState;
use kenwell::profile::{Flattener, Fold, FoldedUpdate, Layout};
use kenwell_journal::Offset;

use super::{batch::Batch, batch_reader::RemainingRecords};
use crate::{
    config::{Config, Destination, Source},
    envelope::Envelope,
    metrics::NOT_AN_ENVELOPE,
    tail::{Observation, Outcome, Tail},
};

/// Bytes of keys, names and values after which a batch ends. An event can flatten to many times its
/// own size, so the size of the records alone bounds nothing.
const MAX_UPDATE_BYTES: usize = 32 * 1024 * 1024;

/// Builds batches for one destination.
pub(super) struct BatchBuilder {
    /// Ids of the sources that feed the destination, for records that do not say where they go.
    sources: HashSet<String>,
    /// How the destination's keys are named.
    pub(super) layout: Layout,
    lanes: usize,
    /// Decides about lanes, so that one user is always in the same.
    hasher: RandomState,
    flattener: Flattener,
    /// Where ignored events are shown.
    tail: Tail,
}

impl BatchBuilder {
    /// A builder for this destination, as the configuration has it.
    pub(super) fn new(config: &Config, destination: &Destination, tail: &Tail) -> Self {
        let feeds = |source: &&Source| source.destinations.contains(&destination.id);
        let sources = config.sources.iter().filter(feeds);
        Self {
            sources: sources.map(|source| source.id.clone()).collect(),
            layout: config.layout(destination),
            lanes: config.delivery.lanes.max(1),
            hasher: RandomState::default(),
            flattener: Flattener::default(),
            tail: tail.clone(),
        }
    }

    /// Whether this source feeds the destination.
    pub(super) fn is_fed_by(&self, source: &str) -> bool {
        self.sources.contains(source)
    }

    /// Builds a batch, and gives back what of the records is left for the next one.
    pub(super) fn build(&mut self, from: RemainingRecords) -> (Batch, Option<RemainingRecords>) {
        let RemainingRecords { records, taken } = from;
        // Nearly always each record is of another user.
        let mut fold = Fold::with_capacity(records.len().saturating_sub(taken));
        let mut batch = Batch::of(&records, taken);
        let mut remaining = None;
        for (index, (offset, record)) in records.iter().enumerate().skip(taken) {
            if fold.bytes() >= MAX_UPDATE_BYTES {
                batch.end = offset;
                remaining = Some(RemainingRecords {
                    records: Arc::clone(&records),
                    taken: index,
                });
                break;
            }
            batch.offsets.push(offset);
            self.add(index, offset, record, &mut fold, &mut batch);
        }
        batch.updates = self.split_over_lanes(fold);
        (batch, remaining)
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
        if !envelope.is_for(&self.layout.destination_id, |source| self.is_fed_by(source)) {
            return;
        }
        let receipt = envelope.receipt(offset.0);
        match self
            .flattener
            .received(envelope.event, &self.layout, &receipt)
        {
            Ok(update) => {
                batch.note_received(envelope.received_at_ms);
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

    fn split_over_lanes(&self, fold: Fold) -> Vec<Vec<FoldedUpdate>> {
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
