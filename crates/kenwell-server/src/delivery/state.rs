//! How a destination is doing, for the readiness page and the log.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use kenwell::Class;

/// How a destination is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
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

/// What there is to say of the data in a Redis that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It came back with less, and gets again what the journal has of that.
    Restoring {
        /// Since when.
        since: Timestamp,
        /// How many events that are.
        events: u64,
    },
    /// It lacks something, and somebody has to say whether it is to get it again.
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
    state: Arc<Mutex<State>>,
    notice: Arc<Mutex<Option<Notice>>>,
    /// Attempts that have failed.
    failures: Arc<AtomicU64>,
}

impl Health {
    /// A destination that nothing is known of yet.
    pub fn new(destination: &str) -> Self {
        Self {
            destination: destination.into(),
            state: Arc::new(Mutex::new(State::Connecting)),
            notice: Arc::default(),
            failures: Arc::default(),
        }
    }

    /// The destination's id.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// As of now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// What there is to say of the data in its Redis, if anything.
    pub fn notice(&self) -> Option<Notice> {
        self.lock_notice().clone()
    }

    /// From now on this is to be said of it.
    pub(super) fn note(&self, notice: Option<Notice>) {
        *self.lock_notice() = notice;
    }

    /// How many attempts have failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whether the latest attempt failed.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.lock(), State::Waiting { .. })
    }

    /// Whether the latest attempt succeeded.
    pub(super) fn is_up(&self) -> bool {
        *self.lock() == State::Up
    }

    /// An attempt failed. Logged when it is news: the first failure, and any change of its words.
    pub(super) fn failed(&self, error: &impl std::fmt::Display, class: Class) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let text = error.to_string();
        let needs_operator = class == Class::Configuration;
        let mut state = self.lock();
        let since = match &*state {
            State::Waiting { error, .. } if *error == text => return,
            State::Waiting { since, .. } => *since,
            State::Connecting | State::Up => Timestamp::now(),
        };
        let destination = self.destination();
        if needs_operator {
            tracing::error!(destination.id = destination, error = %text, "delivery waits until a setting is mended; events are kept and nothing is lost");
        } else {
            tracing::warn!(destination.id = destination, error = %text, "delivery waits and retries; events are kept and nothing is lost");
        }
        *state = State::Waiting {
            since,
            error: text,
            needs_operator,
        };
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&self) {
        let mut state = self.lock();
        if let State::Waiting { since, .. } = &*state {
            let seconds = Timestamp::now().duration_since(*since).as_secs();
            tracing::info!(
                destination.id = self.destination(),
                seconds,
                "delivery goes on"
            );
        }
        *state = State::Up;
    }

    fn lock_notice(&self) -> std::sync::MutexGuard<'_, Option<Notice>> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
