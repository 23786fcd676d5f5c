//! The sources that may send, found by write key.

use std::num::NonZeroU32;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock};
use subtle::ConstantTimeEq;

use super::refusal::Refusal;
use crate::{
    config,
    metrics::{Ledger, Metrics, SourceCounters},
};

/// A source at run time.
pub struct Source {
    /// Its id in the configuration.
    pub id: String,
    pub(super) name: String,
    pub(super) enabled: bool,
    write_key: kenwell::connection::Secret,
    pub(super) counters: SourceCounters,
    pub(super) ledgers: Vec<Ledger>,
    limiter: Option<DefaultDirectRateLimiter>,
}

/// All sources.
pub struct Sources {
    sources: Vec<Source>,
}

impl Sources {
    /// The configured sources; each of `destinations` keeps its own books in `metrics`.
    pub fn new(sources: &[config::Source], events_per_second: u32, metrics: &Metrics) -> Self {
        let sources = sources
            .iter()
            .map(|source| Source {
                id: source.id.clone(),
                name: source.name.clone(),
                enabled: source.enabled,
                write_key: source.write_key.clone(),
                counters: metrics.source(&source.id),
                ledgers: source
                    .destinations
                    .iter()
                    .map(|id| metrics.ledger(id))
                    .collect(),
                limiter: NonZeroU32::new(events_per_second)
                    .map(|rate| RateLimiter::direct(Quota::per_second(rate))),
            })
            .collect();
        Self { sources }
    }

    /// The source with this write key. Every key is compared in full, so that the time taken says
    /// nothing about how much of a guess was right.
    pub(super) fn find(&self, write_key: &str) -> Result<&Source, Refusal> {
        let mut found = None;
        for source in &self.sources {
            if bool::from(
                source
                    .write_key
                    .expose()
                    .as_bytes()
                    .ct_eq(write_key.as_bytes()),
            ) {
                found = Some(source);
            }
        }
        found.ok_or(Refusal::UnknownKey)
    }
}

impl Source {
    /// The source's write key, which its own SDKs know anyway.
    pub(super) fn write_key(&self) -> &str {
        self.write_key.expose()
    }

    /// Takes room for `events` under the rate limit.
    pub(super) fn admit(&self, events: usize) -> Result<(), Refusal> {
        let (Some(limiter), Some(events)) = (
            &self.limiter,
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
