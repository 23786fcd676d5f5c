//! The private plane's state, and its life.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Access, api::Status, routes, server};
use crate::{
    dead_letters::DeadLetters,
    delivery::Books,
    gateway::Gateway,
    history::{self, Audit, Entry, History, Totals},
    listener::Listener,
    live::{Live, RunningDestination},
    metrics::Metrics,
    serve::Addresses,
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
    /// What runs, and the door for changes.
    pub live: Live,
    /// For test events, which go the same way as all others.
    pub gateway: Arc<Gateway>,
    /// What Redis refused for good.
    pub dead_letters: DeadLetters,
    /// The last hour.
    pub history: Arc<History>,
    /// Whether the books are in order.
    pub audit: Arc<Audit>,
    /// Watched by everything that would keep a connection open.
    pub closing: CancellationToken,
}

impl Private {
    /// Serves `listener` until the plane is closing.
    pub async fn serve(self, listener: Listener) {
        let closing = self.closing.clone();
        let sampler = tokio::spawn(history::sample(
            Arc::clone(&self.history),
            self.step(),
            closing.clone(),
        ));
        server::serve(routes::router(Arc::new(self)), listener, closing).await;
        if let Err(error) = sampler.await {
            tracing::error!(%error, "the task that keeps the last hour failed");
        }
    }

    /// Whether the gateway takes events.
    pub(super) fn is_accepting(&self) -> bool {
        let stats = self.journal.stats();
        !stats.full && !stats.no_space
    }

    /// Waits until what waited in the journal at the start is counted, but not for long: it is a matter of
    /// milliseconds unless the journal is large.
    pub(super) async fn counted(&self) {
        let destinations = self.live.destinations();
        let all = destinations.iter().filter_map(|it| it.books.as_ref());
        let counted = join_all(all.map(Books::entered));
        // What is not counted by then is not shown yet.
        drop(timeout(COUNTING, counted).await);
    }

    /// How each destination is doing.
    pub(super) fn statuses(&self) -> Vec<Status> {
        let all = self.live.destinations();
        all.iter().map(|running| self.status(running)).collect()
    }

    /// How this destination is doing.
    pub(super) fn status(&self, running: &RunningDestination) -> Status {
        Status::of(running, self.audit.is_broken(running.id()))
    }

    /// What is done at the end of each step of the history.
    fn step(&self) -> impl Fn() -> Totals + use<> {
        let (metrics, journal) = (Arc::clone(&self.metrics), self.journal.clone());
        let (live, audit) = (self.live.clone(), Arc::clone(&self.audit));
        move || {
            let stats = journal.stats();
            let destinations = live.destinations();
            audit.check(destinations.iter().map(|running| {
                let mut cursors = stats.cursors.iter();
                let cursor = cursors.find(|cursor| cursor.name == running.id());
                Entry {
                    destination: running.id().to_owned(),
                    terms: running.ledger.terms(),
                    pending: cursor.map(|cursor| cursor.pending),
                }
            }));
            sum(&metrics)
        }
    }

    /// What was counted since the start.
    pub(super) fn totals(&self) -> Totals {
        sum(&self.metrics)
    }
}

fn sum(metrics: &Metrics) -> Totals {
    let (accepted, ignored) = metrics.gateway_totals();
    let mut totals = Totals {
        accepted,
        ignored,
        ..Totals::default()
    };
    for ledger in metrics.ledgers() {
        let terms = ledger.terms();
        totals.written += terms.written;
        totals.ignored += terms.ignored;
        totals.dead_lettered += terms.dead_lettered;
        totals.lost += terms.lost;
        totals.queued += terms.queued();
    }
    totals
}
