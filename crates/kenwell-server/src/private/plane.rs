//! The private plane's state: everything that it shows or changes.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Access, destination_status::DestinationStatus};
use crate::{
    applied::{JournalId, Waits},
    audit::AuditLog,
    dead_letters::{DeadLetters, OutstandingLetters},
    gateway::Gateway,
    history::{BalanceCheck, BalanceEntry, History, Sample},
    listener::Addresses,
    metrics::Metrics,
    runtime::{DestinationView, Runtime},
};

/// How long a page of figures waits for the count of what waited in the journal at the start.
const COUNTING: Duration = Duration::from_secs(5);

/// What the handlers of all requests share.
pub(crate) struct PrivatePlane {
    /// The admin key, and who is signed in with it.
    pub access: Arc<Access>,
    /// Names besides IP addresses and localhost by which browsers may call us.
    pub hosts: Vec<String>,
    /// Where the server listens.
    pub addresses: Addresses,
    /// When it was started.
    pub started_at: Timestamp,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Asked for its figures at every look.
    pub journal: Journal,
    /// The journal that positions are of.
    pub journal_id: JournalId,
    /// Requests that wait until events are applied.
    pub waits: Waits,
    /// What runs, and every change of it.
    pub runtime: Runtime,
    /// For test events, which go the same way as all others.
    pub gateway: Arc<Gateway>,
    /// What Redis refused for good.
    pub dead_letters: DeadLetters,
    /// The last hour, day and week.
    pub history: Arc<History>,
    /// Whether the counters are in order.
    pub balance: Arc<BalanceCheck>,
    /// Who changed what.
    pub audit_log: AuditLog,
    /// Watched by everything that would keep a connection open.
    pub closing: CancellationToken,
}

impl PrivatePlane {
    /// Waits until what waited in the journal at the start is counted, but not for long: it is a matter of
    /// milliseconds unless the journal is large.
    pub(super) async fn counted(&self) {
        // What is not counted by then is not shown yet.
        drop(timeout(COUNTING, self.runtime.counted()).await);
    }

    /// How each destination is doing, those included that are not configured and have events waiting.
    pub(super) fn statuses(&self) -> Vec<DestinationStatus> {
        let all = self.runtime.destinations();
        let configured = all.iter().map(|running| self.status(running));
        configured.chain(self.retired()).collect()
    }

    /// How those destinations are doing that are not configured and have events waiting.
    pub(super) fn retired(&self) -> Vec<DestinationStatus> {
        let known = self.runtime.accepts_retired();
        let retired = self.runtime.retired();
        let statuses = retired
            .iter()
            .map(|retired| DestinationStatus::retired(retired, known));
        statuses.collect()
    }

    /// How this destination is doing.
    pub(super) fn status(&self, running: &DestinationView) -> DestinationStatus {
        let mut status = DestinationStatus::of(running, self.balance.is_broken(running.id()));
        status.dead_letters_outstanding = self.letters(running);
        status
    }

    /// The dead letters of a destination.
    pub(super) fn outstanding(&self, running: &DestinationView) -> Arc<OutstandingLetters> {
        self.dead_letters.outstanding(running.id(), &running.layout)
    }

    /// How many there are; `None` before they were counted for the first time.
    pub(super) fn letters(&self, running: &DestinationView) -> Option<u64> {
        let counts = self.outstanding(running).counts();
        counts.map(|counts| counts.values().sum())
    }

    /// Ends a step of the history: checks the counters, and says what was counted since the start.
    pub(super) fn end_step(&self) -> Sample {
        let stats = self.journal.stats();
        let destinations = self.runtime.destinations();
        self.balance.check(destinations.iter().map(|running| {
            let mut cursors = stats.cursors.iter();
            let cursor = cursors.find(|cursor| cursor.name == running.id());
            BalanceEntry {
                destination: running.id().to_owned(),
                counts: running.counters.event_counts(),
                pending: cursor.map(|cursor| cursor.pending),
            }
        }));
        self.total()
    }

    /// What was counted since the start.
    pub(super) fn total(&self) -> Sample {
        let (accepted, ignored) = self.metrics.gateway_totals();
        let mut totals = Sample {
            at: Timestamp::now(),
            accepted,
            ignored,
            ..Sample::default()
        };
        for counters in self.metrics.destination_counters() {
            let counts = counters.event_counts();
            totals.written += counts.written;
            totals.ignored += counts.ignored;
            totals.dead_lettered += counts.dead_lettered;
            totals.lost += counts.lost;
            totals.queued += counts.queued();
        }
        totals
    }
}
