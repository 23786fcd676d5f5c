//! What runs now, and the one door for changes.

use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::join_all;
use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    apply::{self, DestinationRuntimes},
    destination::{DestinationView, Ground},
    file::ConfigFile,
    restore::Healing,
    retired::{Known, Retired, RetiredDestination},
    state::{ConfigurationState, Retry},
    write,
};
use crate::{
    config::Config,
    dead_letters::DeadLetters,
    delivery::DestinationQueue,
    gateway::{SourceTable, Sources},
    metrics::Metrics,
};

/// What runs now, and the one door for changes. Clones are the same.
#[derive(Clone)]
pub struct Runtime {
    pub(super) inner: Arc<Inner>,
}

/// What it is made of.
pub struct Dependencies {
    /// The file that was loaded.
    pub file: ConfigFile,
    /// What it said, with what the command line says on top.
    pub config: Config,
    /// Where accepted events are.
    pub journal: Journal,
    /// Where everything is counted.
    pub metrics: Arc<Metrics>,
    /// Where events go that Redis refuses for good.
    pub dead_letters: DeadLetters,
    /// Cancelled when deliveries are to end.
    pub stop: CancellationToken,
    /// Where deliveries run.
    pub tasks: TaskTracker,
}

pub(super) struct Inner {
    pub(super) file: ConfigFile,
    pub(super) journal: Journal,
    metrics: Arc<Metrics>,
    dead_letters: DeadLetters,
    stop: CancellationToken,
    tasks: TaskTracker,
    pub(super) retired: Retired,
    /// Whether whoever started it knows of retired destinations, whatever the file says now.
    accept_retired: bool,
    healing: Healing,
    pub(super) source_table: Arc<SourceTable>,
    pub(super) running: RwLock<Running>,
    /// Whoever changes something holds this from beginning to end.
    pub(super) lines: Mutex<DestinationRuntimes>,
}

/// What is shown to those who look.
pub(super) struct Running {
    pub(super) config: Arc<Config>,
    /// The file's text that says so.
    pub(super) text: Arc<str>,
    pub(super) state: ConfigurationState,
    pub(super) retry: Retry,
    pub(super) destinations: Arc<[DestinationView]>,
}

impl Runtime {
    /// Opens every destination's queue and starts its delivery.
    ///
    /// # Errors
    /// A connection that cannot be used, or a journal or cursor that cannot be opened.
    pub fn start(dependencies: Dependencies) -> anyhow::Result<Self> {
        let Dependencies {
            file,
            config,
            journal,
            metrics,
            dead_letters,
            stop,
            tasks,
        } = dependencies;
        let retired = Retired::default();
        let (healing, losses) = Healing::new(&config)?;
        let ground = Ground {
            journal: &journal,
            metrics: &metrics,
            dead_letters: &dead_letters,
            retired: &retired,
            healing: &healing,
            tasks: &tasks,
            stop: &stop,
        };
        let lines = apply::start(&config, &ground)?;
        let accept_retired = config.accept_retired;
        let source_table = Arc::new(SourceTable::new(Sources::new(&config, &metrics, None)));
        let running = Running {
            config: Arc::new(config),
            text: file.text(),
            retry: Retry::Never,
            state: ConfigurationState {
                path: file.path().to_path_buf(),
                revision: file.revision().clone(),
                read_only: write::read_only(file.path()),
                problems: Vec::new(),
                needs_restart: Vec::new(),
                loaded_at: Timestamp::now(),
            },
            destinations: views(&lines),
        };
        let inner = Inner {
            file,
            journal,
            metrics,
            dead_letters,
            stop,
            tasks,
            retired,
            accept_retired,
            healing,
            source_table,
            running: RwLock::new(running),
            lines: Mutex::new(lines),
        };
        let inner = Arc::new(inner);
        let restoring = Self::restore_losses(Arc::downgrade(&inner), losses, inner.stop.clone());
        inner.tasks.spawn(restoring);
        Ok(Self { inner })
    }

    /// The running configuration.
    pub fn config(&self) -> Arc<Config> {
        self.read(|running| Arc::clone(&running.config))
    }

    /// What is known about its file.
    pub fn state(&self) -> ConfigurationState {
        let mut state = self.read(|running| running.state.clone());
        state.read_only = write::read_only(&state.path);
        state
    }

    /// The configured destinations, also those that are disabled or paused.
    pub fn destinations(&self) -> Arc<[DestinationView]> {
        self.read(|running| Arc::clone(&running.destinations))
    }

    /// The sources as they are now.
    pub fn sources(&self) -> Arc<Sources> {
        self.inner.source_table.now()
    }

    /// The gateway's view of the sources, which changes with them.
    pub fn source_table(&self) -> Arc<SourceTable> {
        Arc::clone(&self.inner.source_table)
    }

    /// Destinations that are not configured and have events waiting.
    pub fn retired(&self) -> Vec<RetiredDestination> {
        self.inner.retired.list()
    }

    /// Whether somebody has said that they know of retired destinations.
    pub fn knows_of_retired(&self) -> Known {
        if self.inner.accept_retired || self.config().accept_retired {
            Known::Yes
        } else {
            Known::No
        }
    }

    /// Returns once it is known what waited in the journal when it was opened.
    pub async fn counted(&self) {
        let destinations = self.destinations();
        let queue = destinations.iter().filter_map(|it| it.queue.clone());
        let all: Vec<DestinationQueue> = queue.chain(self.inner.retired.queue()).collect();
        join_all(all.iter().map(DestinationQueue::backlog_counted)).await;
    }

    /// Lets disabled and retired destinations go for which nothing waits, and tells of the others.
    pub(super) async fn settle_idle(&self) {
        let mut lines = self.inner.lines.lock().await;
        let ground = self.inner.ground();
        let known = self.knows_of_retired();
        let mut outcome = self.inner.retired.settle(known, &ground);
        let mut news = false;
        for line in lines.values_mut() {
            match line.rest_if_disabled(&ground) {
                Ok(changed) => news |= changed,
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if news {
            let views = views(&lines);
            self.write(|running| running.destinations = views);
        }
        if let Err(error) = outcome {
            tracing::debug!(%error, "a cursor that is not needed could not be removed yet");
        }
    }

    pub(super) fn read<T>(&self, take: impl FnOnce(&Running) -> T) -> T {
        let running = self.inner.running.read();
        take(&running.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write(&self, change: impl FnOnce(&mut Running)) {
        let running = self.inner.running.write();
        change(&mut running.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut ConfigurationState)) {
        self.write(|running| change(&mut running.state));
    }
}

impl Inner {
    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            journal: &self.journal,
            metrics: &self.metrics,
            dead_letters: &self.dead_letters,
            retired: &self.retired,
            healing: &self.healing,
            tasks: &self.tasks,
            stop: &self.stop,
        }
    }
}

pub(super) fn views(lines: &DestinationRuntimes) -> Arc<[DestinationView]> {
    lines
        .values()
        .map(super::destination::DestinationRuntime::view)
        .collect()
}
