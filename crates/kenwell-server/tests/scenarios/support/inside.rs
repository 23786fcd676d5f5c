//! The gateway, the journal and the deliveries inside the test's own process, with the door for changes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use kenwell_journal::{Journal, Options};
use kenwell_server::{
    config::Environment,
    dead_letters::DeadLetters,
    gateway::{Gateway, Limits, Reach},
    listener::Listener,
    live::{Applied, ConfigFile, Edit, EditError, Live, Parts, RunningDestination},
    metrics::{Ledger, Metrics},
};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::Notify, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::eventually;

pub(crate) struct Inside {
    pub(crate) gateway: String,
    pub(crate) live: Live,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) journal: Journal,
    pub(crate) runtime: Runtime,
    shutdown: CancellationToken,
    stop: CancellationToken,
    tasks: TaskTracker,
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
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        let file = ConfigFile::open(&directory.path().join("kenwell.toml"), environment).unwrap();
        let config = file.loaded().config.clone();
        let (journal, _) =
            kenwell_journal::open(&directory.path().join("journal"), options.clone()).unwrap();
        let metrics = Arc::new(Metrics::new());
        let dead_letters =
            DeadLetters::open(&directory.path().join("dead-letters"), 1 << 30).unwrap();
        let (shutdown, stop) = (CancellationToken::new(), CancellationToken::new());
        let tasks = TaskTracker::new();
        let live = Live::start(Parts {
            file,
            config: config.clone(),
            journal: journal.clone(),
            metrics: Arc::clone(&metrics),
            dead_letters,
            stop: stop.clone(),
            tasks: tasks.clone(),
        })
        .unwrap();
        let gateway = Gateway::new(
            live.roster(),
            journal.clone(),
            Arc::clone(&metrics),
            config.workspace_id,
            Limits {
                max_connections: 100,
                body_timeout: Duration::from_secs(30),
            },
            Reach {
                public_url: None,
                tls: false,
            },
        );
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None);
        let listener = runtime.block_on(listener).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let grace = Duration::from_secs(10);
        let serving = Arc::new(gateway).serve(listener, shutdown.clone(), grace);
        let serving = runtime.spawn(serving);
        let reload = Arc::new(Notify::new());
        runtime.spawn(live.clone().watch(reload, shutdown.clone()));
        drop(entered);
        Self {
            gateway: address,
            live,
            metrics,
            journal,
            runtime,
            shutdown,
            stop,
            tasks,
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
            runtime,
            shutdown,
            stop,
            tasks,
            serving,
            directory,
            journal,
            live,
            options,
            ..
        } = self;
        shutdown.cancel();
        runtime.block_on(serving).unwrap();
        stop.cancel();
        tasks.close();
        runtime.block_on(tasks.wait());
        drop(live);
        runtime.block_on(journal.close()).unwrap();
        drop((journal, runtime));
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
        self.runtime.block_on(self.live.edit(None, edits))
    }

    pub(crate) fn edit(&self, edit: Edit) -> Applied {
        self.try_edit(vec![edit]).unwrap()
    }

    pub(crate) fn destination(&self, id: &str) -> RunningDestination {
        let all = self.live.destinations();
        all.iter().find(|it| it.id() == id).unwrap().clone()
    }

    pub(crate) fn ledger(&self, id: &str) -> Ledger {
        self.destination(id).ledger
    }

    /// Waits until every accepted event of the destination has its outcome.
    pub(crate) fn settle(&self, id: &str) {
        eventually("the queue to be empty", || {
            let destination = self.destination(id);
            let counted = destination
                .books
                .is_none_or(|books| books.backlog().is_some());
            (counted && destination.ledger.queued() == 0).then_some(())
        });
    }

    /// A count from the metrics' page.
    pub(crate) fn count(&self, name: &str, destination: &str) -> u64 {
        let page = self.metrics.page(&self.journal.stats()).unwrap();
        let labels = format!("destination=\"{destination}\"");
        super::metric(&page, &format!("kenwell_destination_{name}"), &labels)
    }
}

fn written(tables: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("kenwell.toml"), tables).unwrap();
    directory
}
