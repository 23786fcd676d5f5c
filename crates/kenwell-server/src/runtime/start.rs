//! Starting what a configuration says, and stopping it.

use std::sync::{Arc, RwLock};

use anyhow::Context;
use jiff::Timestamp;
use kenwell::connection::Connection;
use kenwell_journal::Journal;
use tokio::sync::{Mutex, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config_file::{self, ConfigFile},
    configuration_state::ConfigurationState,
    dependencies::Dependencies,
    destination::{DestinationRuntime, DestinationRuntimes, views},
    handle::{Inner, Runtime, Snapshot},
    queue::{initialize_queues, open_queue},
    removal,
    retired::Retired,
};
use crate::{
    config::Config,
    dead_letters::DeadLetters,
    gateway::{SourceTable, Sources},
    installation,
    metrics::Metrics,
};

/// How many destinations may wait for their turn to go back in the journal; each says again that it does.
const MAX_LOSSES: usize = 64;

impl Runtime {
    /// Opens the queue of every destination of `config` and starts its delivery. `config` is what `file` said, with
    /// what the command line says on top.
    ///
    /// # Errors
    /// A connection that cannot be used, a journal or cursor that cannot be opened, or an id of the installation that
    /// can be neither read nor made.
    pub fn start(
        file: ConfigFile,
        config: Config,
        journal: Journal,
        metrics: Arc<Metrics>,
        dead_letters: DeadLetters,
    ) -> anyhow::Result<Self> {
        let data_dir = config.data_dir.clone();
        let installation = installation::id(&data_dir)
            .with_context(|| format!("data_dir: {} cannot be used", data_dir.display()))?;
        let (losses, lost) = mpsc::channel(MAX_LOSSES);
        let dependencies = Dependencies {
            journal,
            metrics,
            dead_letters,
            retired: Retired::default(),
            data_dir,
            installation,
            losses,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        let destinations = start_destinations(&config, &dependencies)?;
        let sources = Sources::new(&config, &dependencies.metrics, None);
        let snapshot = Snapshot {
            text: Arc::clone(&file.text),
            retry_at: None,
            state: ConfigurationState {
                path: file.path().to_path_buf(),
                revision: file.revision.clone(),
                read_only: config_file::read_only(file.path()),
                problems: Vec::new(),
                needs_restart: Vec::new(),
                loaded_at: Timestamp::now(),
            },
            destinations: views(&destinations),
            config: Arc::new(config),
        };
        let this = Self {
            inner: Arc::new(Inner {
                accept_retired: snapshot.config.accept_retired,
                file,
                dependencies,
                source_table: Arc::new(SourceTable::new(sources)),
                snapshot: RwLock::new(snapshot),
                audit_log: std::sync::OnceLock::new(),
                certificates: std::sync::Mutex::default(),
                destinations: Mutex::new(destinations),
            }),
        };
        let tasks = &this.inner.dependencies.tasks;
        tasks.spawn(this.clone().heal(lost));
        Ok(this)
    }

    /// Stops every delivery at the edge of its batch. Returns once all have stopped.
    pub async fn stop(&self) {
        let Dependencies { stop, tasks, .. } = &self.inner.dependencies;
        stop.cancel();
        tasks.close();
        tasks.wait().await;
    }
}

fn start_destinations(
    config: &Config,
    dependencies: &Dependencies,
) -> anyhow::Result<DestinationRuntimes> {
    let mut destinations = DestinationRuntimes::new();
    let mut opened = Vec::new();
    for settings in &config.destinations {
        let connection = Connection::new(settings.connection.clone())?;
        let layout = config.layout(settings);
        let mut destination = DestinationRuntime::new(settings, connection, layout, dependencies);
        destination.queue = open_queue(settings, dependencies)?.map(|it| it.queue);
        opened.extend(destination.queue.clone());
        destinations.insert(settings.id.clone(), destination);
    }
    opened.extend(removal::retire_unknown(&destinations, dependencies)?);
    initialize_queues(opened, config, dependencies);
    for destination in destinations.values_mut() {
        destination.start_delivery(config, dependencies)?;
    }
    Ok(destinations)
}
