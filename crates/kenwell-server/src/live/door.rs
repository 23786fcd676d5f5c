//! What runs now, and the one door for changes.

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use kenwell_journal::Journal;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    apply::{self, Lines},
    edit::{Applied, Edit},
    error::{EditError, ReplayError},
    file::ConfigFile,
    line::{Ground, RunningDestination},
    state::{ConfigurationState, Revision},
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
    inner: Arc<Inner>,
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

struct Inner {
    file: ConfigFile,
    journal: Journal,
    metrics: Arc<Metrics>,
    dead_letters: DeadLetters,
    stop: CancellationToken,
    tasks: TaskTracker,
    roster: Arc<Roster>,
    running: RwLock<Running>,
    /// Whoever changes something holds this from beginning to end.
    lines: Mutex<Lines>,
}

/// What is shown to those who look.
struct Running {
    config: Arc<Config>,
    state: ConfigurationState,
    destinations: Arc<[RunningDestination]>,
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
        let ground = Ground {
            journal: &journal,
            metrics: &metrics,
            dead_letters: &dead_letters,
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
                read_only: None,
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
            roster,
            running: RwLock::new(running),
            lines: Mutex::new(lines),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The running configuration.
    pub fn config(&self) -> Arc<Config> {
        self.read(|running| Arc::clone(&running.config))
    }

    /// What is known about its file.
    pub fn state(&self) -> ConfigurationState {
        self.read(|running| running.state.clone())
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

    /// Makes all of `edits` or none: in the file first, then in what runs. With `expected`, only if the
    /// file still is that version.
    ///
    /// # Errors
    /// [`EditError`]; nothing was changed then, except with [`EditError::NotApplied`].
    pub async fn edit(
        &self,
        expected: Option<&Revision>,
        edits: Vec<Edit>,
    ) -> Result<Applied, EditError> {
        let _lines = self.inner.lines.lock().await;
        drop((expected, edits));
        Err(EditError::ReadOnly {
            reason: "not yet".to_owned(),
        })
    }

    /// Delivers to `destination` again what was received for it at or after `from` and is still in the
    /// journal. Tells how many events that is.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn replay(&self, destination: &str, from: Timestamp) -> Result<u64, ReplayError> {
        let lines = self.inner.lines.lock().await;
        drop(from);
        if lines.contains_key(destination) {
            return Err(ReplayError::Disabled(destination.to_owned()));
        }
        Err(ReplayError::NotFound(destination.to_owned()))
    }

    /// Reads the file again and carries out what it says.
    pub async fn reload(&self) {
        let _lines = self.inner.lines.lock().await;
    }

    fn read<T>(&self, take: impl FnOnce(&Running) -> T) -> T {
        let running = self.inner.running.read();
        take(&running.unwrap_or_else(PoisonError::into_inner))
    }
}

fn views(lines: &Lines) -> Arc<[RunningDestination]> {
    lines.values().map(super::line::Line::view).collect()
}
