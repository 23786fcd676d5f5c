//! What runs now, and the one door for changes.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    apply::{self, Lines},
    file::ConfigFile,
    line::{Ground, RunningDestination},
    restore::Healing,
    state::ConfigurationState,
    write,
};
use crate::{
    config::Config,
    dead_letters::DeadLetters,
    gateway::{Roster, Sources},
    metrics::Metrics,
};

/// What runs now, and the one door for changes. Clones are the same.
#[derive(Clone)]
pub struct Live {
    pub(super) inner: Arc<Inner>,
}

/// What it is made of.
pub struct Parts {
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
    healing: Healing,
    pub(super) roster: Arc<Roster>,
    pub(super) running: RwLock<Running>,
    /// Whoever changes something holds this from beginning to end.
    pub(super) lines: Mutex<Lines>,
}

/// What is shown to those who look.
pub(super) struct Running {
    pub(super) config: Arc<Config>,
    pub(super) state: ConfigurationState,
    pub(super) destinations: Arc<[RunningDestination]>,
}

impl Live {
    /// Opens every destination's books and starts its delivery.
    ///
    /// # Errors
    /// A connection that cannot be used, or a journal or cursor that cannot be opened.
    pub fn start(parts: Parts) -> anyhow::Result<Self> {
        let Parts {
            file,
            config,
            journal,
            metrics,
            dead_letters,
            stop,
            tasks,
        } = parts;
        let (healing, losses) = Healing::new(&config)?;
        let ground = Ground {
            journal: &journal,
            metrics: &metrics,
            dead_letters: &dead_letters,
            healing: &healing,
            tasks: &tasks,
            stop: &stop,
        };
        let lines = apply::start(&config, &ground)?;
        let roster = Arc::new(Roster::new(Sources::new(&config, &metrics, None)));
        let running = Running {
            config: Arc::new(config),
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
            healing,
            roster,
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
    pub fn destinations(&self) -> Arc<[RunningDestination]> {
        self.read(|running| Arc::clone(&running.destinations))
    }

    /// The sources as they are now.
    pub fn sources(&self) -> Arc<Sources> {
        self.inner.roster.now()
    }

    /// The gateway's view of the sources, which changes with them.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.inner.roster)
    }

    fn read<T>(&self, take: impl FnOnce(&Running) -> T) -> T {
        let running = self.inner.running.read();
        take(&running.unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            journal: &self.journal,
            metrics: &self.metrics,
            dead_letters: &self.dead_letters,
            healing: &self.healing,
            tasks: &self.tasks,
            stop: &self.stop,
        }
    }
}

pub(super) fn views(lines: &Lines) -> Arc<[RunningDestination]> {
    lines.values().map(super::line::Line::view).collect()
}
