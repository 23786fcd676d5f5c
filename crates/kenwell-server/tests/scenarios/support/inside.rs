//! The gateway, the journal and the deliveries inside the test's own process, where they can be changed.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kenwell_journal::{Journal, Options};
use kenwell_server::{
    applied::JournalId,
    config::Environment,
    dead_letters::DeadLetters,
    gateway::Gateway,
    listener::Listener,
    metrics::{DestinationCounters, Metrics},
    runtime::{
        Applied, ConfigFile, DestinationChange, DestinationView, Edit, EditError, Runtime,
        SourceChange,
    },
};
use tempfile::TempDir;
use tokio::{runtime::Runtime as Executor, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::eventually;

pub(crate) struct Inside {
    pub(crate) gateway: String,
    pub(crate) runtime: Runtime,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) journal: Journal,
    pub(crate) executor: Executor,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
    directory: TempDir,
    options: Options,
}

impl Inside {
    /// Starts with these tables and no environment.
    pub(crate) fn start(tables: &str) -> Self {
        Self::with(tables, Environment::default())
    }

    pub(crate) fn with(tables: &str, environment: Environment) -> Self {
        let options = Options {
            durability: kenwell_journal::Durability::Os,
            ..Options::default()
        };
        Self::on(written(tables), environment, options)
    }

    /// Starts with a journal of small segments, of which nothing is kept in memory.
    pub(crate) fn with_small_segments(tables: &str) -> Self {
        let options = Options {
            durability: kenwell_journal::Durability::Os,
            segment_bytes: 4096,
            memory_bytes: 0,
            ..Options::default()
        };
        Self::on(written(tables), Environment::default(), options)
    }

    fn on(directory: TempDir, environment: Environment, options: Options) -> Self {
        let executor = Executor::new().unwrap();
        let entered = executor.enter();
        let file = ConfigFile::open(&directory.path().join("kenwell.toml"), environment).unwrap();
        let config = file.loaded().config.clone();
        let (journal, _) =
            kenwell_journal::open(&directory.path().join("journal"), options.clone()).unwrap();
        let metrics = Arc::new(Metrics::new());
        let dead_letters =
            DeadLetters::open(&directory.path().join("dead-letters"), 1 << 30).unwrap();
        let shutdown = CancellationToken::new();
        let runtime = Runtime::start(
            file,
            config.clone(),
            journal.clone(),
            Arc::clone(&metrics),
            dead_letters,
        )
        .unwrap();
        let journal_id = JournalId::open(directory.path(), journal.stats().next_offset).unwrap();
        let gateway = Gateway::new(
            &config,
            runtime.source_table(),
            journal.clone(),
            journal_id,
            Arc::clone(&metrics),
        );
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None);
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let grace = Duration::from_secs(10);
        let serving = Arc::new(gateway).serve(listener, 100, shutdown.clone(), grace);
        let serving = executor.spawn(serving);
        let reload = Arc::new(Notify::new());
        executor.spawn(runtime.clone().watch(reload, shutdown.clone()));
        drop(entered);
        Self {
            gateway: address,
            runtime,
            metrics,
            journal,
            executor,
            shutdown,
            serving,
            directory,
            options,
        }
    }

    /// Stops in order and starts again from the same directory.
    pub(crate) fn restart(self) -> Self {
        self.restart_after(|_| {})
    }

    /// Likewise, with something done to the journal's directory in between.
    pub(crate) fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self {
            executor,
            shutdown,
            serving,
            directory,
            journal,
            runtime,
            options,
            ..
        } = self;
        shutdown.cancel();
        executor.block_on(serving).unwrap();
        executor.block_on(runtime.stop());
        drop(runtime);
        executor.block_on(journal.close()).unwrap();
        drop((journal, executor));
        meanwhile(&directory.path().join("journal"));
        Self::on(directory, Environment::default(), options)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("kenwell.toml")
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    pub(crate) fn try_edit(&self, edits: Vec<Edit>) -> Result<Applied, EditError> {
        self.executor.block_on(self.runtime.edit(None, edits))
    }

    pub(crate) fn edit(&self, edit: Edit) -> Applied {
        self.try_edit(vec![edit]).unwrap()
    }

    pub(crate) fn destination(&self, id: &str) -> DestinationView {
        let all = self.runtime.destinations();
        all.iter().find(|it| it.id() == id).unwrap().clone()
    }

    pub(crate) fn counters(&self, id: &str) -> DestinationCounters {
        self.destination(id).counters
    }

    /// Waits until every accepted event of the destination has its outcome.
    pub(crate) fn settle(&self, id: &str) {
        eventually("the queue to be empty", || {
            let destination = self.destination(id);
            let counted = destination
                .queue
                .is_none_or(|queue| queue.backlog().is_some());
            (counted && destination.counters.queued() == 0).then_some(())
        });
    }

    /// A count from the metrics' page.
    pub(crate) fn count(&self, name: &str, destination: &str) -> u64 {
        let page = self.metrics.page(&self.journal.stats().into()).unwrap();
        let labels = format!("destination=\"{destination}\"");
        super::metric(&page, &format!("kenwell_destination_{name}"), &labels)
    }
}

fn written(tables: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("kenwell.toml"), tables).unwrap();
    directory
}

/// What the API makes of a change of a source.
pub(crate) fn source_change(change: serde_json::Value) -> SourceChange {
    SourceChange::read(serde_json::from_value(change).unwrap()).unwrap()
}

/// What the API makes of a change of a destination.
pub(crate) fn destination_change(change: serde_json::Value) -> DestinationChange {
    DestinationChange::read(serde_json::from_value(change).unwrap()).unwrap()
}
