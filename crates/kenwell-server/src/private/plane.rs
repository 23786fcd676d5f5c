//! The private plane's state, and its life.

use std::sync::Arc;

use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio_util::sync::CancellationToken;

use super::{Access, api::Status, routes, server};
use crate::{
    dead_letters::DeadLetters,
    gateway::Gateway,
    history::{self, History, Totals},
    listener::Listener,
    live::Live,
    metrics::Metrics,
    serve::Addresses,
};

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
    /// Watched by everything that would keep a connection open.
    pub closing: CancellationToken,
}

impl Private {
    /// Serves `listener` until the plane is closing.
    pub async fn serve(self, listener: Listener) {
        let closing = self.closing.clone();
        let sampler = tokio::spawn(history::sample(
            Arc::clone(&self.history),
            totals(Arc::clone(&self.metrics)),
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

    /// How each destination is doing.
    pub(super) fn statuses(&self) -> Vec<Status> {
        self.live.destinations().iter().map(Status::of).collect()
    }

    /// What was counted since the start.
    pub(super) fn totals(&self) -> Totals {
        sum(&self.metrics)
    }
}

fn totals(metrics: Arc<Metrics>) -> impl Fn() -> Totals {
    move || sum(&metrics)
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
        totals.queued += terms.queued();
    }
    totals
}
