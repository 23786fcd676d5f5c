//! `Runtime`: what runs now, to be looked at and changed.

use std::{
    sync::{Arc, OnceLock, PoisonError, RwLock},
    time::Instant,
};

use futures_util::future::join_all;
use tokio::sync::Mutex;

use super::{
    config_file::{self, ConfigFile},
    configuration_state::ConfigurationState,
    dependencies::Dependencies,
    destination::{DestinationRuntimes, DestinationView},
    retired::{AcceptRetired, RetiredDestination},
};
use crate::{
    audit::AuditLog, config::Config, delivery::DestinationQueue, gateway::SourceTable,
    metrics::CertificateExpiry,
};

/// What runs now: the configuration, its sources, and the runtime of each destination. Clones are the same.
#[derive(Clone)]
pub struct Runtime {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) file: ConfigFile,
    pub(super) dependencies: Dependencies,
    /// Whether retired destinations were known of at the start: the command line says so, whatever the file says now.
    pub(super) accept_retired: bool,
    pub(super) source_table: Arc<SourceTable>,
    pub(super) snapshot: RwLock<Snapshot>,
    /// Where it is noted that a file was taken over; not set in what only looks.
    pub(super) audit_log: OnceLock<AuditLog>,
    /// When certificates expire, as of the last look.
    pub(super) certificates: std::sync::Mutex<Vec<CertificateExpiry>>,
    /// Locked from the beginning of each change to its end.
    pub(super) destinations: Mutex<DestinationRuntimes>,
}

/// What runs, as it was after the latest change.
pub(super) struct Snapshot {
    pub(super) config: Arc<Config>,
    /// The text of the file that says so.
    pub(super) text: Arc<str>,
    pub(super) state: ConfigurationState,
    /// When the file is read again though nobody changes it: what stands in its way may pass by itself.
    pub(super) retry_at: Option<Instant>,
    pub(super) destinations: Arc<[DestinationView]>,
}

impl Runtime {
    /// The running configuration.
    pub fn config(&self) -> Arc<Config> {
        self.read(|snapshot| Arc::clone(&snapshot.config))
    }

    /// What is known about its file.
    pub fn state(&self) -> ConfigurationState {
        let mut state = self.read(|snapshot| snapshot.state.clone());
        state.read_only = config_file::read_only(&state.path);
        state
    }

    /// The configured destinations, also those that are disabled or paused.
    pub fn destinations(&self) -> Arc<[DestinationView]> {
        self.read(|snapshot| Arc::clone(&snapshot.destinations))
    }

    /// The gateway's view of the sources, which changes with them.
    pub fn source_table(&self) -> Arc<SourceTable> {
        Arc::clone(&self.inner.source_table)
    }

    /// Destinations that are not configured and have events waiting.
    pub fn retired(&self) -> Vec<RetiredDestination> {
        self.inner.dependencies.retired.list()
    }

    /// Files that are taken over are noted there from now on.
    pub(crate) fn keep_audit(&self, log: AuditLog) {
        // The first one stays.
        self.inner.audit_log.get_or_init(|| log);
    }

    /// Whether somebody has said that they know of retired destinations.
    pub fn accepts_retired(&self) -> AcceptRetired {
        if self.inner.accept_retired || self.config().accept_retired {
            AcceptRetired::Yes
        } else {
            AcceptRetired::No
        }
    }

    /// Returns once it is known what waited in the journal when it was opened.
    pub async fn counted(&self) {
        let destinations = self.destinations();
        let configured = destinations.iter().filter_map(|it| it.queue.clone());
        let retired = self.inner.dependencies.retired.queues();
        let queues: Vec<DestinationQueue> = configured.chain(retired).collect();
        join_all(queues.iter().map(DestinationQueue::backlog_counted)).await;
    }

    pub(super) fn read<T>(&self, take: impl FnOnce(&Snapshot) -> T) -> T {
        let snapshot = self.inner.snapshot.read();
        take(&snapshot.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write(&self, change: impl FnOnce(&mut Snapshot)) {
        let snapshot = self.inner.snapshot.write();
        change(&mut snapshot.unwrap_or_else(PoisonError::into_inner));
    }
}
