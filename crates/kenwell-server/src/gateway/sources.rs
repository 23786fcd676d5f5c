//! The sources that may send, found by write key.

use std::{num::NonZeroU32, sync::Arc};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};
use subtle::ConstantTimeEq;

use super::{body::BodyMemory, refusal::Refusal};
use crate::{
    applied::WaitPlaces,
    config, envelope,
    metrics::{DestinationCounters, Metrics, SourceCounters},
};

/// A source at run time.
pub struct Source {
    /// Its id in the configuration.
    pub id: String,
    /// Its counters, which outlive a change of its settings.
    pub counters: SourceCounters,
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) write_key: kenwell::connection::Secret,
    /// The counters of the destinations that it feeds.
    pub(super) destinations: Vec<DestinationCounters>,
    /// What the envelopes of its events begin with: its id and those destinations.
    pub(super) envelope_prefix: Vec<u8>,
    rate_limit: Option<RateLimit>,
    /// What its large bodies may take of the memory for all.
    pub(super) body_share: BodyMemory,
    /// How many of its requests may wait until their events are applied.
    pub(super) wait_share: WaitPlaces,
}

/// An allowance of events a second, shared by all that go on counting with it.
#[derive(Clone)]
struct RateLimit {
    rate: NonZeroU32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

/// All sources, as they are at one moment.
pub struct Sources {
    sources: Vec<Arc<Source>>,
}

impl Sources {
    /// The sources of a configuration and where their events go: to its enabled destinations, each of
    /// which keeps its own counters in `metrics`. What `before` has used of its rate limits stays used.
    pub fn new(config: &config::Config, metrics: &Metrics, before: Option<&Self>) -> Self {
        let sources = config.sources.iter().map(|source| {
            let before = before.and_then(|sources| sources.get(&source.id));
            let before = before.map(Arc::as_ref);
            Arc::new(Source::new(source, config, metrics, before))
        });
        Self {
            sources: sources.collect(),
        }
    }

    /// The source with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Source>> {
        self.sources.iter().find(|source| source.id == id)
    }

    /// The source with this write key. Every key is compared in full, so that the time taken says
    /// nothing about how much of a guess was right.
    pub(super) fn find(&self, write_key: &str) -> Result<&Arc<Source>, Refusal> {
        let mut found = None;
        for source in &self.sources {
            let key = source.write_key.expose().as_bytes();
            if bool::from(key.ct_eq(write_key.as_bytes())) {
                found = Some(source);
            }
        }
        found.ok_or(Refusal::UnknownKey)
    }

    /// The source with this write key, if it may send.
    pub(super) fn find_enabled(&self, write_key: &str) -> Result<&Arc<Source>, Refusal> {
        let source = self.find(write_key)?;
        if source.enabled {
            Ok(source)
        } else {
            Err(Refusal::SourceDisabled)
        }
    }
}

impl Source {
    fn new(
        source: &config::Source,
        config: &config::Config,
        metrics: &Metrics,
        before: Option<&Self>,
    ) -> Self {
        let mut destinations = source.destinations.clone();
        destinations.retain(|id| {
            let mut all = config.destinations.iter();
            all.any(|destination| destination.id == *id && destination.enabled)
        });
        let rate_limit = NonZeroU32::new(config.gateway.rate_limit).map(|rate| {
            let before = before.and_then(|before| before.rate_limit.as_ref());
            let kept = before.filter(|limit| limit.rate == rate);
            kept.cloned().unwrap_or_else(|| RateLimit::new(rate))
        });
        Self {
            id: source.id.clone(),
            counters: metrics.source(&source.id),
            name: source.name.clone(),
            enabled: source.enabled,
            write_key: source.write_key.clone(),
            destinations: destinations
                .iter()
                .map(|id| metrics.destination(id))
                .collect(),
            envelope_prefix: envelope::prefix(&source.id, &destinations),
            rate_limit,
            body_share: before
                .map_or_else(BodyMemory::source_share, |before| before.body_share.clone()),
            wait_share: before.map_or_else(
                || WaitPlaces::of_source(config.gateway.max_connections),
                |before| before.wait_share.clone(),
            ),
        }
    }

    /// Counts `events` against the rate limit.
    pub(super) fn admit(&self, events: usize) -> Result<(), Refusal> {
        let (Some(RateLimit { limiter, .. }), Some(events)) = (
            &self.rate_limit,
            u32::try_from(events).ok().and_then(NonZeroU32::new),
        ) else {
            return Ok(());
        };
        match limiter.check_n(events) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(governor::clock::DefaultClock::default().now());
                Err(Refusal::RateLimited(wait.as_secs() + 1))
            }
            // A batch larger than a whole second's allowance passes when the allowance is untouched.
            Err(beyond) => match NonZeroU32::new(beyond.0).map(|most| limiter.check_n(most)) {
                Some(Ok(Ok(()))) => Ok(()),
                _ => Err(Refusal::RateLimited(1)),
            },
        }
    }
}

impl RateLimit {
    fn new(rate: NonZeroU32) -> Self {
        Self {
            rate,
            limiter: Arc::new(RateLimiter::direct(Quota::per_second(rate))),
        }
    }
}
