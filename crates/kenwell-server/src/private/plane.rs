//! The private plane's state, and its life.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Access, api::Status, routes, server};
use crate::{
    addresses::Addresses,
    dead_letters::{self, DeadLetters, Outstanding},
    gateway::Gateway,
    history::{self, Audit, Entry, History, Sample},
    listener::Listener,
    metrics::Metrics,
    runtime::{DestinationView, Runtime},
};

/// How long a page of figures waits for the count of what waited in the journal at the start.
const COUNTING: Duration = Duration::from_secs(5);

/// Everything that the private plane shows or changes.
pub struct Private {
    /// Who may come in.
    pub access: Access,
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
    /// What runs, and every change of it.
    pub runtime: Runtime,
    /// For test events, which go the same way as all others.
    pub gateway: Arc<Gateway>,
    /// What Redis refused for good.
    pub dead_letters: DeadLetters,
    /// The last hour.
    pub history: Arc<History>,
    /// Whether the counters are in order.
    pub audit: Arc<Audit>,
    /// Watched by everything that would keep a connection open.
    pub closing: CancellationToken,
}

impl Private {
    /// Serves `listener` until the plane is closing, so many connections at once.
    pub async fn serve(self, listener: Listener, max_connections: usize) {
        let closing = self.closing.clone();
        let sampler = tokio::spawn(history::sample(
            Arc::clone(&self.history),
            self.step(),
            closing.clone(),
        ));
        let (logs, runtime) = (self.dead_letters.clone(), self.runtime.clone());
        let all = move || {
            runtime
                .destinations()
                .iter()
                .map(|it| outstanding(&logs, it))
                .collect()
        };
        let watch = tokio::spawn(dead_letters::watch(all, closing.clone()));
        let plane = Arc::new(self);
        let key = {
            let (plane, closing) = (Arc::clone(&plane), closing.clone());
            tokio::spawn(async move { plane.access.watch_key(closing).await })
        };
        server::serve(routes::router(plane), listener, max_connections, closing).await;
        if let Err(error) = key.await {
            tracing::error!(%error, "the task that looks after the admin key failed");
        }
        if let Err(error) = watch.await {
            tracing::error!(%error, "the task that looks after the dead letters failed");
        }
        if let Err(error) = sampler.await {
            tracing::error!(%error, "the task that keeps the last hour failed");
        }
    }

    /// Waits until what waited in the journal at the start is counted, but not for long: it is a matter of
    /// milliseconds unless the journal is large.
    pub(super) async fn counted(&self) {
        // What is not counted by then is not shown yet.
        drop(timeout(COUNTING, self.runtime.counted()).await);
    }

    /// How each destination is doing, those included that are not configured and have events waiting.
    pub(super) fn statuses(&self) -> Vec<Status> {
        let all = self.runtime.destinations();
        let configured = all.iter().map(|running| self.status(running));
        configured.chain(self.retired()).collect()
    }

    /// How those destinations are doing that are not configured and have events waiting.
    pub(super) fn retired(&self) -> Vec<Status> {
        let known = self.runtime.accepts_retired();
        let retired = self.runtime.retired();
        let statuses = retired
            .iter()
            .map(|retired| Status::retired(retired, known));
        statuses.collect()
    }

    /// How this destination is doing.
    pub(super) fn status(&self, running: &DestinationView) -> Status {
        let mut status = Status::of(running, self.audit.is_broken(running.id()));
        status.dead_letters_outstanding = self.letters(running);
        status
    }

    /// The dead letters of a destination.
    pub(super) fn outstanding(&self, running: &DestinationView) -> Arc<Outstanding> {
        outstanding(&self.dead_letters, running)
    }

    /// How many there are; `None` before they were counted for the first time.
    pub(super) fn letters(&self, running: &DestinationView) -> Option<u64> {
        let counts = self.outstanding(running).counts();
        counts.map(|counts| counts.values().sum())
    }

    /// What is done at the end of each step of the history.
    fn step(&self) -> impl Fn() -> Sample + use<> {
        let (metrics, journal) = (Arc::clone(&self.metrics), self.journal.clone());
        let (runtime, audit) = (self.runtime.clone(), Arc::clone(&self.audit));
        move || {
            let stats = journal.stats();
            let destinations = runtime.destinations();
            audit.check(destinations.iter().map(|running| {
                let mut cursors = stats.cursors.iter();
                let cursor = cursors.find(|cursor| cursor.name == running.id());
                Entry {
                    destination: running.id().to_owned(),
                    terms: running.counters.terms(),
                    pending: cursor.map(|cursor| cursor.pending),
                }
            }));
            sum(&metrics)
        }
    }

    /// What was counted since the start.
    pub(super) fn total(&self) -> Sample {
        sum(&self.metrics)
    }
}

fn outstanding(logs: &DeadLetters, running: &DestinationView) -> Arc<Outstanding> {
    logs.outstanding(running.id(), &running.layout)
}

fn sum(metrics: &Metrics) -> Sample {
    let (accepted, ignored) = metrics.gateway_totals();
    let mut total = Sample {
        at: Timestamp::now(),
        accepted,
        ignored,
        ..Sample::default()
    };
    for counters in metrics.all_counters() {
        let terms = counters.terms();
        total.written += terms.written;
        total.ignored += terms.ignored;
        total.dead_lettered += terms.dead_lettered;
        total.lost += terms.lost;
        total.queued += terms.queued();
    }
    total
}
