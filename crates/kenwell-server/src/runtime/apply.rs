//! Carrying a configuration out: from what runs to what is to run, without losing an event.
//!
//! The order is what matters. A destination's Queue is open, and its cursor stands, before the first
//! event is routed to it; and nothing is routed to it any more before its queue is closed and its
//! cursor goes. In between [`SourceTable::replace`] waits for every event that was routed by what held before.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use futures_util::future::join_all;
use kenwell::connection::Connection;
use kenwell_journal::Error;

use super::{
    destination::{DestinationRuntime, Ground, Opened},
    removal::{self, GivenUp},
};
use crate::{
    config::{Config, Destination, Place, Problem, Problems},
    delivery::{self, DestinationQueue},
    gateway::{SourceTable, Sources},
};

/// The destinations at run time, by id.
pub(super) type DestinationRuntimes = BTreeMap<String, DestinationRuntime>;

/// A configuration with connections, which is all of it that can still be refused.
pub(super) struct Prepared {
    pub(super) config: Config,
    connections: BTreeMap<String, Connection>,
    /// What was opened for it, to be closed again if it comes to nothing.
    opened: Vec<(String, Opened)>,
    /// Destinations that were added for it.
    added: Vec<String>,
}

/// A destination whose queue or cursor could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the destination \"{id}\" cannot be opened")]
pub(super) struct NotOpened {
    pub(super) id: String,
    #[source]
    pub(super) error: Error,
}

/// Starts everything, for the first time.
pub(super) fn start(config: &Config, ground: &Ground<'_>) -> anyhow::Result<DestinationRuntimes> {
    let mut lines = DestinationRuntimes::new();
    let mut opened = Vec::new();
    for settings in &config.destinations {
        let connection = Connection::new(settings.connection.clone())?;
        let mut line =
            DestinationRuntime::new(settings, connection, config.layout(settings), ground);
        line.open_as(settings, ground)?;
        opened.extend(line.queue.clone());
        lines.insert(settings.id.clone(), line);
    }
    opened.extend(removal::retire_unknown(&lines, ground)?);
    enter_backlogs(opened, config, ground);
    for line in lines.values_mut() {
        line.flow(config, ground)?;
    }
    Ok(lines)
}

/// Makes the connections that a configuration needs and that are not there yet.
pub(super) fn prepare(
    config: Config,
    lines: &DestinationRuntimes,
    path: &Path,
) -> Result<Prepared, Problems> {
    let mut connections = BTreeMap::new();
    let mut errors = Vec::new();
    for settings in &config.destinations {
        let line = lines.get(&settings.id);
        if line.is_some_and(|line| line.settings.connection == settings.connection) {
            continue;
        }
        match Connection::new(settings.connection.clone()) {
            Ok(connection) => {
                connections.insert(settings.id.clone(), connection);
            }
            Err(error) => errors.push(refused(settings, &error, path)),
        }
    }
    if errors.is_empty() {
        return Ok(Prepared {
            config,
            connections,
            opened: Vec::new(),
            added: Vec::new(),
        });
    }
    Err(Problems {
        errors,
        warnings: Vec::new(),
    })
}

/// Opens the queues of destinations that are new, or enabled again: nothing is routed to what cannot be
/// opened. An error leaves everything as it was.
pub(super) fn open_new(
    lines: &mut DestinationRuntimes,
    prepared: &mut Prepared,
    ground: &Ground<'_>,
) -> Result<(), NotOpened> {
    let config = prepared.config.clone();
    for settings in &config.destinations {
        let id = &settings.id;
        if !lines.contains_key(id)
            && let Some(connection) = prepared.connections.remove(id)
        {
            let line =
                DestinationRuntime::new(settings, connection, config.layout(settings), ground);
            lines.insert(id.clone(), line);
            prepared.added.push(id.clone());
        }
        let Some(line) = lines.get_mut(id) else {
            continue;
        };
        match line.open_as(settings, ground) {
            Ok(opened) => prepared.opened.push((id.clone(), opened)),
            Err(error) => {
                let id = id.clone();
                close_new(lines, prepared, ground);
                return Err(NotOpened { id, error });
            }
        }
    }
    let opened = prepared.opened.iter();
    let new = opened.filter(|(_, opened)| *opened == Opened::Now);
    let queue = new.filter_map(|(id, _)| lines.get(id)?.queue.clone());
    enter_backlogs(queue.collect(), &config, ground);
    Ok(())
}

/// Undoes [`open_new`], for a configuration that comes to nothing.
pub(super) fn close_new(
    lines: &mut DestinationRuntimes,
    prepared: &mut Prepared,
    ground: &Ground<'_>,
) {
    for (id, opened) in prepared.opened.drain(..) {
        if let Some(line) = lines.get_mut(&id) {
            line.close_again(opened, ground);
        }
    }
    for id in prepared.added.drain(..) {
        lines.remove(&id);
        if !ground.retired.has(&id) {
            ground.metrics.forget_destination(&id);
        }
    }
}

/// From `before` to `prepared`, whose destinations are open. An error leaves what it is about stopped, and
/// everything else done.
pub(super) async fn carry_out(
    lines: &mut DestinationRuntimes,
    before: &Config,
    prepared: Prepared,
    given_up: &GivenUp,
    source_table: &SourceTable,
    ground: &Ground<'_>,
) -> Result<(), Error> {
    let Prepared {
        config,
        mut connections,
        ..
    } = prepared;
    let sources = Sources::new(&config, ground.metrics, Some(&source_table.now()));
    source_table.replace(sources).await;
    let mut outcome = Ok(());
    let leaving = gone(lines.keys(), config.destinations.iter().map(|it| &it.id));
    removal::drain(lines, &leaving, given_up, ground.journal).await;
    stop_changed(lines, before, &config).await;
    for id in leaving {
        if let Some(line) = lines.remove(&id) {
            let given_up = given_up.get(&id).copied().unwrap_or(0);
            outcome = outcome.and(line.leave(given_up, ground));
        }
    }
    for settings in &config.destinations {
        let Some(line) = lines.get_mut(&settings.id) else {
            continue;
        };
        let connection = connections.remove(&settings.id);
        line.adopt(settings, connection, config.layout(settings));
        outcome = outcome.and(line.rest_if_disabled(ground).map(|_| ()));
        outcome = outcome.and(line.flow(&config, ground));
    }
    let now = config.sources.iter().map(|it| &it.id);
    for id in gone(before.sources.iter().map(|it| &it.id), now) {
        ground.metrics.forget_source(&id);
    }
    outcome
}

/// Enters what waits for destinations whose queue was opened just now. Events are accepted meanwhile.
fn enter_backlogs(opened: Vec<DestinationQueue>, config: &Config, ground: &Ground<'_>) {
    let (journal, stop) = (ground.journal.clone(), ground.stop.child_token());
    let entering = delivery::initialize_queues(opened, journal, Arc::new(config.clone()), stop);
    ground.tasks.spawn(entering);
}

/// Stops the deliveries that are to end, or to go on in another way, each at the edge of a batch.
async fn stop_changed(lines: &mut DestinationRuntimes, before: &Config, config: &Config) {
    let same_pace = before.delivery == config.delivery;
    let stopping = lines.values_mut().filter_map(|line| {
        let next = config.destination(&line.settings.id);
        let goes_on = next.is_some_and(|next| line.flows_like(next) && same_pace);
        (!goes_on).then(|| line.stop())
    });
    join_all(stopping).await;
}

/// The ids that are there no more.
pub(super) fn gone<'a>(
    before: impl Iterator<Item = &'a String>,
    now: impl Iterator<Item = &'a String>,
) -> Vec<String> {
    let now: BTreeSet<&String> = now.collect();
    before.filter(|id| !now.contains(id)).cloned().collect()
}

fn refused(settings: &Destination, error: &kenwell::Error, path: &Path) -> Problem {
    Problem {
        place: Place::File(path.to_path_buf()),
        key: format!("destinations.{}", settings.id),
        what: format!("the connection cannot be used: {error}"),
        fix: "see docs/redis.md for what each key takes".to_owned(),
    }
}
