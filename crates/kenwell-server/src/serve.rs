//! `kenwell serve`: puts gateway, journal, deliveries and the private plane together, and takes them
//! apart again in order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use futures_util::future::join;
use jiff::Timestamp;
use kenwell::connection::Secret;
use kenwell_journal::{Journal, Options};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    applied::{JournalId, Waits},
    audit::AuditLog,
    config::Config,
    data_dir,
    dead_letters::DeadLetters,
    gateway::Gateway,
    history::History,
    listener::{self, Addresses, ConnectionLimits, Listener, ServerIdentity},
    metrics::Metrics,
    newer_records,
    private::{self, Access, AdminKey, PrivatePlane},
    runtime::{ConfigFile, Runtime},
    service_manager::{Notice, stay_in_touch, tell},
};

/// Time for requests under way when the server stops.
const HTTP_GRACE: Duration = Duration::from_secs(10);
/// Time for deliveries to reach the edge of their batch when the server stops.
const DELIVERY_GRACE: Duration = Duration::from_secs(10);

/// What there is to tell once events are accepted.
pub(crate) struct Started {
    /// Where the server listens.
    pub addresses: Addresses,
    /// The admin key, when it was made just now: to be shown this one time.
    pub new_admin_key: Option<Secret>,
    /// The admin key, and who is signed in with it.
    pub access: Arc<Access>,
}

/// What a running server can be told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Cancelled: stop.
    pub shutdown: CancellationToken,
    /// Notified: read the configuration again.
    pub reload: Arc<Notify>,
}

/// Serves until `signals.shutdown` is cancelled, then stops in order: no new requests, requests under way
/// finished, deliveries at the edge of a batch, journal closed. `config` is what `file` said, with what
/// the command line says on top; changes of the file are carried out while it runs. `ready` is called
/// once events are accepted.
pub(crate) async fn run(
    file: ConfigFile,
    config: Config,
    ready: impl FnOnce(Started),
    signals: Signals,
) -> anyhow::Result<()> {
    // Before anything is opened.
    let limits = connections(&config);
    let journal = open_journal(&config)?;
    let result = match newer_records::refuse(&journal).await {
        Ok(()) => serve(file, config, &journal, limits, ready, signals).await,
        refused => refused,
    };
    let closed = journal
        .close()
        .await
        .context("the journal could not be closed cleanly");
    result.and(closed)
}

async fn serve(
    file: ConfigFile,
    config: Config,
    journal: &Journal,
    limits: ConnectionLimits,
    ready: impl FnOnce(Started),
    signals: Signals,
) -> anyhow::Result<()> {
    let Signals { shutdown, reload } = signals;
    let (gateway_listener, private_listener, addresses) = bind(&config)?;
    // Before anything is served: without a key nothing may be.
    let (key, new_admin_key) = AdminKey::open(&config.data_dir, config.private.admin_key.as_ref())?;
    let history = History::open(&config.data_dir);
    let dead_letters = config.data_dir.join("dead-letters");
    let dead_letters = DeadLetters::open(&dead_letters, config.dead_letters.max_bytes)?;
    let journal_id = JournalId::open(&config.data_dir, journal.stats().next_offset)
        .with_context(|| format!("data_dir: {} cannot be used", config.data_dir.display()))?;
    let metrics = Arc::new(Metrics::new());
    let runtime = Runtime::start(
        file,
        config,
        journal.clone(),
        Arc::clone(&metrics),
        dead_letters.clone(),
    )?;
    let gateway = Arc::new(Gateway::new(
        &runtime.config(),
        runtime.source_table(),
        journal.clone(),
        journal_id,
        Arc::clone(&metrics),
    ));
    let audit_log = AuditLog::open(runtime.config().data_dir.clone());
    runtime.keep_audit(audit_log.clone());
    let closing = CancellationToken::new();
    let access = Arc::new(Access::new(
        key,
        private_listener.is_secure(),
        metrics.refused().clone(),
    ));
    let private = PrivatePlane {
        access: Arc::clone(&access),
        hosts: runtime.config().private.hosts.clone(),
        addresses,
        started_at: Timestamp::now(),
        metrics,
        journal: journal.clone(),
        journal_id,
        waits: Waits::new(limits.private, closing.clone()),
        runtime: runtime.clone(),
        gateway: Arc::clone(&gateway),
        dead_letters,
        history: Arc::new(history),
        balance: Arc::default(),
        audit_log,
        closing,
    };
    let stop_private = private.closing.clone();
    let watching = tokio::spawn(join(
        runtime.clone().watch(reload, shutdown.clone()),
        runtime.clone().watch_certificates(shutdown.clone()),
    ));
    let private = tokio::spawn(private.serve(private_listener, limits.private));

    let telling = tokio::spawn(stay_in_touch(shutdown.clone()));
    tell(Notice::Ready {
        status: "accepting events",
    });
    tracing::info!(
        gateway = %addresses.gateway, private = %addresses.private, tls = addresses.tls,
        "accepting events"
    );
    ready(Started {
        addresses,
        new_admin_key,
        access,
    });
    gateway
        .serve(gateway_listener, limits.gateway, shutdown, HTTP_GRACE)
        .await;

    tracing::info!("stopping: no more requests; deliveries finish their batch");
    let watched = watching.await;
    // It ends at the signal.
    telling
        .await
        .context("the task that keeps in touch with systemd failed")?;
    stop_deliveries(&runtime).await;
    stop_private.cancel();
    private.await.context("the private listener failed")?;
    watched.context("the watch over configuration and certificates failed")?;
    Ok(())
}

async fn stop_deliveries(runtime: &Runtime) {
    if timeout(DELIVERY_GRACE, runtime.stop()).await.is_err() {
        tracing::warn!(
            "a delivery did not stop in {DELIVERY_GRACE:?}; its batch will be sent again at the next start"
        );
    }
}

/// The journal of a configuration, which only one process can have open.
pub(crate) fn open_journal(config: &Config) -> anyhow::Result<Journal> {
    let directory = config.data_dir.join("journal");
    data_dir::prepare(&config.data_dir)
        .with_context(|| format!("data_dir: {} cannot be made", config.data_dir.display()))?;
    let options = Options {
        max_bytes: config.journal.max_bytes,
        retain: config.journal.retain,
        retain_bytes: config.journal.retain_bytes,
        durability: config.journal.durability,
        commit_delay: config.journal.commit_delay,
        ..Options::default()
    };
    // What recovery found is logged by the journal itself, with the place and the loss.
    let (journal, _recovery) = kenwell_journal::open(&directory, options)?;
    Ok(journal)
}

/// How many connections there may be, so that our own files can always be opened.
fn connections(config: &Config) -> ConnectionLimits {
    let limit = listener::raise_descriptors();
    let wanted = ConnectionLimits {
        gateway: config.gateway.max_connections,
        private: private::MAX_CONNECTIONS,
    };
    let fitting = listener::fit_connections(limit, config.destinations.len(), wanted);
    if let Some(limit) = limit.filter(|_| fitting != wanted) {
        tracing::warn!(
            "gateway.max_connections is {}, and a process may have {limit} files and connections here: there are {} \
             connections to the gateway and {} to the private plane at most, and the rest is kept for our own files; \
             raise the limit (LimitNOFILE of systemd, `ulimit -n`) or lower gateway.max_connections",
            wanted.gateway,
            fitting.gateway,
            fitting.private,
        );
    }
    fitting
}

/// The gateway's listener, the private one, and where they listen.
fn bind(config: &Config) -> anyhow::Result<(Listener, Listener, Addresses)> {
    let bind = |section: &str, address: SocketAddr, tls: Option<&ServerIdentity>| {
        Listener::bind(address, tls.cloned()).with_context(|| {
            format!("[{section}] listen: cannot listen on {address}; stop what uses it or choose another address")
        })
    };
    let (gateway, private) = (&config.gateway, &config.private);
    let gateway = bind("gateway", gateway.listen, gateway.tls.as_ref())?;
    let private = bind("private", private.listen, private.tls.as_ref())?;
    let addresses = Addresses {
        gateway: gateway.local_addr()?,
        private: private.local_addr()?,
        tls: gateway.is_secure(),
    };
    Ok((gateway, private, addresses))
}
