//! How a destination is doing, for the readiness page and the log.

use std::collections::BTreeMap;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use kenwell::Class;

use crate::{clock, mutex::lock};

/// How a destination is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthState {
    /// Nothing was tried yet that has succeeded or failed.
    Connecting,
    /// No attempt has failed since the last one that succeeded.
    Up,
    /// Redis does not take what we have; nothing is lost, everything waits.
    Waiting {
        /// Since when.
        since: Timestamp,
        /// The latest error, in words.
        error: String,
        /// Whether somebody has to change a setting, here or in Redis.
        needs_operator: bool,
    },
}

/// Why data may be missing in a Redis that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingData {
    /// It came back with less than it had, and gets again what the journal has of that.
    Restoring {
        /// Since when.
        since: Timestamp,
        /// How many events that are.
        events: u64,
    },
    /// It lacks something, and a person has to say whether it is to get that again.
    Incomplete {
        /// Since when.
        since: Timestamp,
        /// What happened, and what to do.
        says: String,
    },
}

/// A destination's state, shared between its delivery and whoever asks.
#[derive(Debug, Clone)]
pub struct Health {
    destination: Arc<str>,
    state: Arc<Mutex<HealthState>>,
    missing_data: Arc<Mutex<Option<MissingData>>>,
    /// Goes up with each attempt that fails, and whenever what is deferred changes.
    failures: Arc<AtomicU64>,
    deferred: Arc<Mutex<DeferredEvents>>,
}

/// Events that are deferred: they wait by themselves while the others are delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeferredEvents {
    /// How many wait for which reason.
    pub reasons: BTreeMap<String, u64>,
    /// Whether somebody has to look.
    pub needs_operator: bool,
    /// Since when something waits.
    pub since: Option<Timestamp>,
}

impl DeferredEvents {
    /// In words; `None` when nothing waits.
    pub fn text(&self) -> Option<String> {
        let parts = self.reasons.iter();
        let parts: Vec<_> = parts
            .map(|(reason, events)| match events {
                1 => format!("1 event waits by itself: {reason}"),
                _ => format!("{events} events wait by themselves: {reason}"),
            })
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

impl Health {
    /// A destination that nothing is known of yet.
    pub fn new(destination: &str) -> Self {
        Self {
            destination: destination.into(),
            state: Arc::new(Mutex::new(HealthState::Connecting)),
            missing_data: Arc::default(),
            failures: Arc::default(),
            deferred: Arc::default(),
        }
    }

    /// The destination's id.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// As of now.
    pub fn state(&self) -> HealthState {
        lock(&self.state).clone()
    }

    /// Whether data may be missing in its Redis, and why.
    pub fn missing_data(&self) -> Option<MissingData> {
        lock(&self.missing_data).clone()
    }

    /// From now on this is missing.
    pub(super) fn set_missing_data(&self, missing: Option<MissingData>) {
        *lock(&self.missing_data) = missing;
    }

    /// A number that differs when an attempt has failed meanwhile, for all events or for some.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// What is deferred as of now.
    pub fn deferred(&self) -> DeferredEvents {
        lock(&self.deferred).clone()
    }

    /// Notes what each lane has deferred, by reason, and whether an operator is needed. Logged when a reason
    /// is new, and when nothing is deferred any more.
    pub(super) fn set_deferred(
        &self,
        lanes: impl IntoIterator<Item = (BTreeMap<String, u64>, bool)>,
    ) {
        let mut now = DeferredEvents::default();
        for (reasons, needs_operator) in lanes {
            now.needs_operator |= needs_operator;
            for (reason, events) in reasons {
                *now.reasons.entry(reason).or_default() += events;
            }
        }
        let mut before = lock(&self.deferred);
        if !now.reasons.is_empty() {
            now.since = before.since.or_else(|| Some(Timestamp::now()));
        }
        let destination = self.destination();
        for (reason, events) in &now.reasons {
            if !before.reasons.contains_key(reason) {
                tracing::warn!(destination.id = destination, events, %reason, "some events wait by themselves, and nobody else waits for them; nothing is lost");
            }
        }
        if now.reasons.is_empty() && !before.reasons.is_empty() {
            tracing::info!(
                destination.id = destination,
                "no event waits by itself any more"
            );
        }
        if *before != now {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        *before = now;
    }

    /// Whether the latest attempt failed.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(*lock(&self.state), HealthState::Waiting { .. })
    }

    /// Whether the latest attempt succeeded.
    pub(super) fn is_up(&self) -> bool {
        *lock(&self.state) == HealthState::Up
    }

    /// An attempt failed. Logged when it is the first one, and whenever the error's words change.
    pub(super) fn failed(&self, error: &impl std::fmt::Display, class: Class) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let text = error.to_string();
        let needs_operator = matches!(class, Class::Configuration | Class::Unknown);
        let mut state = lock(&self.state);
        let since = match &*state {
            HealthState::Waiting { error, .. } if *error == text => return,
            HealthState::Waiting { since, .. } => *since,
            HealthState::Connecting | HealthState::Up => Timestamp::now(),
        };
        let destination = self.destination();
        if needs_operator {
            tracing::error!(destination.id = destination, error = %text, "delivery waits until a setting is mended; events are kept and nothing is lost");
        } else {
            tracing::warn!(destination.id = destination, error = %text, "delivery waits and retries; events are kept and nothing is lost");
        }
        *state = HealthState::Waiting {
            since,
            error: text,
            needs_operator,
        };
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&self) {
        let mut state = lock(&self.state);
        if let HealthState::Waiting { since, .. } = &*state {
            let since = u64::try_from(since.as_millisecond()).unwrap_or(0);
            let seconds = clock::age(since).as_secs();
            tracing::info!(
                destination.id = self.destination(),
                seconds,
                "delivery goes on"
            );
        }
        *state = HealthState::Up;
    }
}
