//! Every change of what runs: prepared first, which is when it can still be refused, then applied.
//!
//! The order is what matters. A destination's queue is open, and its cursor stands, before the first event is routed
//! to it; and nothing is routed to it any more before its queue is closed and its cursor goes. In between
//! [`SourceTable::replace`] waits for every event that was routed by what held before.
//!
//! [`SourceTable::replace`]: crate::gateway::SourceTable::replace

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use jiff::Timestamp;
use kenwell::connection::Connection;
use kenwell_journal::{Error, ErrorChain};

use super::{
    Runtime,
    change_cause::ChangeCause,
    configuration_state::Revision,
    destination::{DestinationRuntime, DestinationRuntimes, views},
    error::EditError,
    queue::{NotOpened, OpenedQueue, close_queues, open_queues},
    removal::{self, GivenUp, Waiting, missing},
    restart,
};
use crate::{
    config::{Config, Loaded, Problem, Problems},
    gateway::Sources,
};

/// How long after a failure that may pass by itself the file is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(2);

/// A change that nothing can refuse any more.
pub(super) struct PreparedChange {
    /// The text of the file, and what it says.
    pub(super) text: String,
    pub(super) loaded: Loaded,
    /// Who wants it.
    pub(super) cause: ChangeCause,
    /// What of it takes effect without a restart.
    config: Config,
    /// Of destinations that are new or get another one.
    connections: BTreeMap<String, Connection>,
    queues: Vec<OpenedQueue>,
    given_up: GivenUp,
}

/// Why a change cannot be made. Nothing was changed.
pub(super) enum PrepareError {
    Invalid(Problems),
    /// For destinations that would go; never empty.
    EventsWait(Vec<Waiting>),
    NotOpened(NotOpened),
}

impl Runtime {
    /// Makes the connections and opens the queues that are needed for what a file says.
    pub(super) async fn prepare(
        &self,
        destinations: &DestinationRuntimes,
        text: String,
        loaded: Loaded,
        given_up: GivenUp,
        cause: ChangeCause,
    ) -> Result<PreparedChange, PrepareError> {
        let dependencies = &self.inner.dependencies;
        let config = restart::without_restart(loaded.config.clone(), &self.config());
        let connections = connect(&config, destinations, self.inner.file.path())
            .map_err(PrepareError::Invalid)?;
        let waiting = removal::left_behind(destinations, &config, &given_up, dependencies).await;
        if !waiting.is_empty() {
            return Err(PrepareError::EventsWait(waiting));
        }
        let queues =
            open_queues(&config, destinations, dependencies).map_err(PrepareError::NotOpened)?;
        Ok(PreparedChange {
            text,
            loaded,
            cause,
            config,
            connections,
            queues,
            given_up,
        })
    }

    /// Undoes [`Runtime::prepare`].
    pub(super) fn abandon(&self, destinations: &DestinationRuntimes, change: PreparedChange) {
        close_queues(change.queues, destinations, &self.inner.dependencies);
    }

    /// Makes what runs be as the change says. What fails is logged, shown, and tried again; everything else is done.
    pub(super) async fn apply(
        &self,
        destinations: &mut DestinationRuntimes,
        change: PreparedChange,
    ) -> Result<(), EditError> {
        let (config, given_up) = (change.config, change.given_up);
        let changed = config.differences(&self.config());
        let (connections, queues) = (change.connections, change.queues);
        let outcome = self
            .carry_out(destinations, &config, connections, queues, &given_up)
            .await;
        let inner = &self.inner;
        let started = &inner.file.loaded().config;
        let needs_restart = restart::needs_restart(&change.loaded.config, started);
        if !needs_restart.is_empty() && needs_restart != self.state().needs_restart {
            let settings = needs_restart.join(", ");
            tracing::warn!(settings, "these settings take effect at the next start");
        }
        let cause = change.cause;
        tracing::info!(
            cause = cause.as_str(),
            changed = changed.join(", "),
            sources = config.sources.len(),
            destinations = config.destinations.len(),
            "configuration taken over"
        );
        if let Some(log) = inner.audit_log.get() {
            cause.note(log, changed, outcome.is_ok());
        }
        let problem = outcome.as_ref().err().map(|error| self.incomplete(error));
        self.write(|snapshot| {
            snapshot.config = Arc::new(config);
            // Not before: whoever sees it without a problem may rely on what it says.
            snapshot.state.revision = Revision::of(change.text.as_bytes());
            snapshot.text = change.text.into();
            snapshot.destinations = views(destinations);
            snapshot.retry_at = problem.as_ref().map(|_| Instant::now() + RETRY);
            snapshot.state.problems = problem.into_iter().collect();
            snapshot.state.needs_restart = needs_restart;
            snapshot.state.loaded_at = Timestamp::now();
        });
        outcome.map_err(EditError::NotApplied)?;
        let retired = &inner.dependencies.retired;
        // More may have come while a destination was removed than somebody gives up: that is kept.
        let kept = given_up.into_keys().find_map(|id| {
            let events = retired.waiting(&id).filter(|events| *events > 0)?;
            Some(EditError::EventsWait { id, events })
        });
        kept.map_or(Ok(()), Err)
    }

    /// The steps of a change, in their order. An error leaves what it is about stopped, and everything else done.
    async fn carry_out(
        &self,
        destinations: &mut DestinationRuntimes,
        config: &Config,
        connections: BTreeMap<String, Connection>,
        queues: Vec<OpenedQueue>,
        given_up: &GivenUp,
    ) -> Result<(), Error> {
        let (before, dependencies) = (self.config(), &self.inner.dependencies);
        let source_table = &self.inner.source_table;
        let sources = Sources::new(config, &dependencies.metrics, Some(&source_table.now()));
        source_table.replace(sources).await;
        let configured = config.destinations.iter().map(|it| &it.id);
        let leaving = missing(destinations.keys(), configured);
        removal::drain(destinations, &leaving, given_up, dependencies).await;
        stop_changed(destinations, &before, config).await;
        let mut outcome = Ok(());
        for id in leaving {
            if let Some(destination) = destinations.remove(&id) {
                let given_up = given_up.get(&id).copied().unwrap_or(0);
                outcome = outcome.and(removal::remove(destination, given_up, dependencies));
            }
        }
        self.adopt(destinations, config, connections, queues);
        for destination in destinations.values_mut() {
            outcome = outcome.and(destination.close_if_idle(dependencies).map(drop));
            outcome = outcome.and(destination.start_delivery(config, dependencies));
        }
        let sources = config.sources.iter().map(|it| &it.id);
        for id in missing(before.sources.iter().map(|it| &it.id), sources) {
            dependencies.metrics.forget_source(&id);
        }
        outcome
    }

    /// Gives each destination its settings, and what was made for it.
    fn adopt(
        &self,
        destinations: &mut DestinationRuntimes,
        config: &Config,
        mut connections: BTreeMap<String, Connection>,
        queues: Vec<OpenedQueue>,
    ) {
        for settings in &config.destinations {
            let (id, layout) = (&settings.id, config.layout(settings));
            let connection = connections.remove(id);
            if let Some(destination) = destinations.get_mut(id) {
                destination.adopt(settings, connection, layout);
            } else if let Some(connection) = connection {
                let dependencies = &self.inner.dependencies;
                let new = DestinationRuntime::new(settings, connection, layout, dependencies);
                destinations.insert(id.clone(), new);
            }
        }
        for OpenedQueue { id, queue, .. } in queues {
            if let Some(destination) = destinations.get_mut(&id) {
                destination.queue = Some(queue);
            }
        }
    }

    fn incomplete(&self, error: &Error) -> Problem {
        let problem = self.problem(
            "",
            format!("it could not be carried out completely: {error}"),
            "mend the disk of the journal; it is tried again by itself",
        );
        if self.state().problems != [problem.clone()] {
            tracing::error!(error = %ErrorChain(error), "the configuration could not be carried out completely; it is tried again");
        }
        problem
    }
}

impl From<PrepareError> for EditError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Invalid(problems) => Self::Invalid(Box::new(problems)),
            PrepareError::EventsWait(waiting) => {
                let Waiting { id, events } = waiting.into_iter().next().unwrap_or_default();
                Self::EventsWait { id, events }
            }
            PrepareError::NotOpened(NotOpened { id, error }) => {
                Self::NotOpened { id, source: error }
            }
        }
    }
}

/// Makes the connections that a configuration needs and that are not there yet.
fn connect(
    config: &Config,
    destinations: &DestinationRuntimes,
    path: &Path,
) -> Result<BTreeMap<String, Connection>, Problems> {
    let mut connections = BTreeMap::new();
    let mut errors = Vec::new();
    for settings in &config.destinations {
        let running = destinations.get(&settings.id);
        if running.is_some_and(|it| it.settings.connection == settings.connection) {
            continue;
        }
        match Connection::new(settings.connection.clone()) {
            Ok(connection) => {
                connections.insert(settings.id.clone(), connection);
            }
            Err(error) => errors.push(Problem::of_file(
                path,
                format!("destinations.{}", settings.id),
                format!("the connection cannot be used: {error}"),
                "see docs/redis.md for what each key takes",
            )),
        }
    }
    if errors.is_empty() {
        Ok(connections)
    } else {
        Err(errors.into())
    }
}

/// Stops the deliveries that are to end, or to go on in another way, each at the edge of a batch.
async fn stop_changed(destinations: &mut DestinationRuntimes, before: &Config, config: &Config) {
    let same_pace = before.delivery == config.delivery;
    let stopping = destinations.values_mut().filter_map(|destination| {
        let next = config.destination(&destination.settings.id);
        let goes_on = next.is_some_and(|next| destination.delivers_like(next) && same_pace);
        (!goes_on).then(|| destination.stop_delivery())
    });
    join_all(stopping).await;
}
