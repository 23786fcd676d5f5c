//! `kenwell serve`: puts gateway, journal, deliveries and the private plane together, and takes them
//! apart again in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use kenwell_journal::{Journal, Options};
use tokio::time::timeout;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::{self, Config},
    dead_letters::DeadLetters,
    delivery::{Delivery, Health},
    gateway::{Gateway, Limits, Sources},
    listener::{Identity, Listener},
    metrics::Metrics,
    private::Private,
};

/// Time for requests under way when the server stops.
const HTTP_GRACE: Duration = Duration::from_secs(10);
/// Time for deliveries to reach the edge of their batch when the server stops.
const DELIVERY_GRACE: Duration = Duration::from_secs(10);

/// Where the server listens, with the ports it really got.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The data plane.
    pub gateway: SocketAddr,
    /// Metrics and readiness.
    pub private: SocketAddr,
}

/// Serves until `shutdown` is cancelled, then stops in order: no new requests, requests under way
/// finished, deliveries at the edge of a batch, journal closed. `ready` is called once events are
/// accepted.
pub async fn run(
    config: Config,
    ready: impl FnOnce(Addresses),
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let journal = open_journal(&config)?;
    let result = serve(&config, &journal, ready, shutdown).await;
    let closed = journal
        .close()
        .await
        .context("the journal could not be closed cleanly");
    result.and(closed)
}

async fn serve(
    config: &Config,
    journal: &Journal,
    ready: impl FnOnce(Addresses),
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let gateway_listener = bind(
        config.gateway.listen,
        config.gateway.tls.as_ref(),
        "gateway",
    )
    .await?;
    let private_listener = bind(
        config.private.listen,
        config.private.tls.as_ref(),
        "private",
    )
    .await?;
    let addresses = Addresses {
        gateway: gateway_listener.local_addr()?,
        private: private_listener.local_addr()?,
    };
    let metrics = Arc::new(Metrics::new());
    let stop_deliveries = CancellationToken::new();
    let tasks = TaskTracker::new();
    let destinations = start_deliveries(config, journal, &metrics, &tasks, &stop_deliveries)?;
    let gateway = Arc::new(gateway(config, journal, &metrics));
    let private = Arc::new(Private {
        metrics,
        journal: journal.clone(),
        destinations,
    });
    let stop_private = CancellationToken::new();
    let private = tokio::spawn(private.serve(private_listener, stop_private.clone()));

    let tls = config.gateway.tls.is_some();
    tracing::info!(gateway = %addresses.gateway, private = %addresses.private, tls, "accepting events");
    ready(addresses);
    gateway.serve(gateway_listener, shutdown, HTTP_GRACE).await;

    tracing::info!("stopping: no more requests; deliveries finish their batch");
    stop_deliveries.cancel();
    tasks.close();
    if timeout(DELIVERY_GRACE, tasks.wait()).await.is_err() {
        tracing::warn!(
            "a delivery did not stop in {DELIVERY_GRACE:?}; its batch will be sent again at the next start"
        );
    }
    stop_private.cancel();
    private.await.context("the private listener failed")
}

fn open_journal(config: &Config) -> anyhow::Result<Journal> {
    let directory = config.data_dir.join("journal");
    std::fs::create_dir_all(&directory)
        .with_context(|| format!("data_dir: {} cannot be created", directory.display()))?;
    let options = Options {
        max_bytes: config.journal.max_bytes,
        retain: config.journal.retain,
        retain_bytes: config.journal.retain_bytes,
        durability: match config.journal.durability {
            config::Durability::Fsync => kenwell_journal::Durability::Fsync,
            config::Durability::Os => kenwell_journal::Durability::Os,
        },
        ..Options::default()
    };
    // What recovery found is logged by the journal itself, with the place and the loss.
    let (journal, _recovery) = kenwell_journal::open(&directory, options)?;
    Ok(journal)
}

async fn bind(
    address: SocketAddr,
    tls: Option<&Identity>,
    section: &str,
) -> anyhow::Result<Listener> {
    Listener::bind(address, tls.cloned()).await.with_context(|| {
        format!("[{section}] listen: cannot listen on {address}; stop what uses it or choose another address")
    })
}

fn start_deliveries(
    config: &Config,
    journal: &Journal,
    metrics: &Metrics,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<Health>> {
    let dead_letters = DeadLetters::open(
        &config.data_dir.join("dead-letters"),
        config.dead_letters.max_bytes,
    )?;
    let mut destinations = Vec::new();
    for destination in config
        .destinations
        .iter()
        .filter(|destination| destination.enabled)
    {
        let delivery = Delivery::new(
            config,
            destination,
            journal,
            metrics.ledger(&destination.id),
            dead_letters.clone(),
        )
        .with_context(|| format!("destination `{}`", destination.id))?;
        destinations.push(delivery.health());
        tasks.spawn(delivery.run(stop.clone()));
    }
    journal.retire_unopened();
    Ok(destinations)
}

fn gateway(config: &Config, journal: &Journal, metrics: &Arc<Metrics>) -> Gateway {
    let mut sources = config.sources.clone();
    for source in &mut sources {
        source.destinations.retain(|id| {
            config
                .destinations
                .iter()
                .any(|destination| destination.id == *id && destination.enabled)
        });
    }
    let sources = Sources::new(&sources, config.gateway.rate_limit, metrics);
    let limits = Limits {
        max_connections: config.gateway.max_connections,
        body_timeout: config.gateway.body_timeout,
    };
    Gateway::new(
        sources,
        journal.clone(),
        Arc::clone(metrics),
        config.workspace_id.clone(),
        limits,
    )
}
