//! One shard of a Redis, and what is known of its marker.

use kenwell::{
    Error,
    profile::{Marker, MarkerState, Server, Shard},
};

use super::{
    known_redis::KnownShard,
    marker_comparison::{Comparison, ExpectedMarker, Loss, compare},
};

/// The most unanswered positions that are remembered for a shard.
const MAX_UNSURE: usize = 16;

/// One shard, and what is known of it.
pub(super) struct WatchedShard {
    pub(super) shard: Shard,
    /// `None` for one that was never seen.
    pub(super) expected: Option<ExpectedMarker>,
    /// Whether the latest attempt succeeded: only then is the marker written without being read before.
    pub(super) reached: bool,
}

/// What a check of all shards has shown.
#[derive(Default)]
pub(super) struct Findings {
    /// By shard whose server changed: from where on something may be missing, and how likely that is.
    pub(super) changed: Vec<(Option<u64>, Loss)>,
    /// By shard that a command has emptied: from where on something is missing.
    pub(super) emptied: Vec<Option<u64>>,
    /// Whether this is another Redis, which the settings name now.
    pub(super) other_redis: bool,
    /// Whether something is to be remembered.
    pub(super) news: bool,
}

impl WatchedShard {
    /// A shard that was never seen.
    pub(super) fn new(shard: Shard) -> Self {
        Self {
            shard,
            expected: None,
            reached: false,
        }
    }

    /// A shard that was seen before this start.
    pub(super) fn known(marker: &Marker, known: &KnownShard) -> Self {
        let server = known.server.clone();
        Self {
            shard: marker.shard(known.slot),
            expected: Some(ExpectedMarker {
                server: server.map(|(run, history)| Server { run, history }),
                elsewhere: known.elsewhere,
                marked: known.marked,
                ..ExpectedMarker::default()
            }),
            reached: false,
        }
    }

    /// Reads the marker, and writes it when that is due and nothing speaks against it. Whether it was to be
    /// written, and what was read.
    pub(super) async fn check(
        &self,
        marker: &Marker,
        acked: u64,
    ) -> (bool, Result<MarkerState, Error>) {
        let write = self.reached && self.wrote() != Some(acked);
        let seen = if write {
            marker.write(&self.shard, acked).await
        } else {
            marker.read(&self.shard).await
        };
        (write, seen)
    }

    /// What this Kenwell wrote last.
    pub(super) fn wrote(&self) -> Option<u64> {
        self.expected.as_ref().and_then(|expected| expected.wrote)
    }

    /// Compares what was read with what was expected, and expects from now on what was read.
    pub(super) fn seen(
        &mut self,
        seen: &MarkerState,
        wrote: bool,
        acked: u64,
        findings: &mut Findings,
    ) {
        self.reached = true;
        let expected = self.expected.as_ref();
        let comparison = expected.map_or(Comparison::Same, |it| compare(it, seen, acked));
        match comparison {
            Comparison::Same => {}
            Comparison::OtherRedis => findings.other_redis = true,
            Comparison::ServerChanged { from, loss } => findings.changed.push((from, loss)),
            Comparison::Emptied { from } => findings.emptied.push(from),
        }
        let same = comparison == Comparison::Same;
        let mut before = self.expected.take().unwrap_or_default();
        let remembered = |it: &ExpectedMarker| (it.server.clone(), it.elsewhere, it.marked);
        let remembered_before = remembered(&before);
        if !same {
            before = ExpectedMarker::default();
        }
        let next = ExpectedMarker {
            server: seen.server.clone().or(before.server),
            elsewhere: false,
            marked: wrote || seen.position.is_some(),
            wrote: if wrote { Some(acked) } else { before.wrote },
            unsure: before.unsure,
        };
        findings.news |= !same || remembered(&next) != remembered_before;
        self.expected = Some(next);
    }

    /// An attempt failed. What may have been written, or may arrive late, is noted.
    pub(super) fn missed(&mut self, error: &Error, wrote: bool, acked: u64) {
        self.reached = false;
        let unknown = matches!(error, Error::Lost { .. } | Error::Timeout { .. });
        if let Some(expected) = self.expected.as_mut().filter(|_| wrote && unknown) {
            expected.unsure.push(acked);
            let surplus = expected.unsure.len().saturating_sub(MAX_UNSURE);
            expected.unsure.drain(..surplus);
        }
    }

    /// What is to be remembered of it, with its slot.
    pub(super) fn remembered(&self) -> Option<(Option<u16>, ExpectedMarker)> {
        Some((self.shard.slot, self.expected.clone()?))
    }
}
