//! Carrying a configuration out: from what runs to what is to run, without losing an event.
//!
//! The order is what matters. A destination's books are open, and its cursor stands, before the first
//! event is routed to it; and nothing is routed to it any more before its books are closed and its
//! cursor goes. In between [`Roster::replace`] waits for every event that was routed by what held before.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use futures_util::future::join_all;
use kenwell::connection::Connection;
use kenwell_journal::Error;

use super::line::{Ground, Line, tell_removed};
use crate::{
    config::{Config, Destination, Place, Problem, Problems},
    delivery::{self, Books},
    gateway::{Roster, Sources},
};

/// The destinations at run time, by id.
pub(super) type Lines = BTreeMap<String, Line>;

/// A configuration with connections, which is all of it that can still be refused.
pub(super) struct Prepared {
    pub(super) config: Config,
    connections: BTreeMap<String, Connection>,
}

/// Starts everything, for the first time.
pub(super) fn start(config: &Config, ground: &Ground<'_>) -> anyhow::Result<Lines> {
    let mut lines = Lines::new();
    let mut opened = Vec::new();
    for settings in &config.destinations {
        let connection = Connection::new(settings.connection.clone())?;
        let mut line = Line::new(settings, connection, config.layout(settings), ground);
        opened.extend(line.open(ground)?);
        lines.insert(settings.id.clone(), line);
    }
    // Cursors of destinations that were removed meanwhile: added again they are to begin anew.
    for cursor in ground.journal.stats().cursors {
        if !lines.contains_key(&cursor.name) {
            tell_removed(&cursor.name, cursor.pending);
            ground.journal.forget(&cursor.name)?;
        }
    }
    enter_backlogs(opened, config, ground);
    for line in lines.values_mut() {
        line.flow(config, ground)?;
    }
    ground.journal.retire_unopened();
    Ok(lines)
}

/// Makes the connections that a configuration needs and that are not there yet.
pub(super) fn prepare(config: Config, lines: &Lines, path: &Path) -> Result<Prepared, Problems> {
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
        });
    }
    Err(Problems {
        errors,
        warnings: Vec::new(),
    })
}

/// From `before` to `prepared`. An error leaves what it is about stopped, and everything else done.
pub(super) async fn carry_out(
    lines: &mut Lines,
    before: &Config,
    prepared: Prepared,
    roster: &Roster,
    ground: &Ground<'_>,
) -> Result<(), Error> {
    let Prepared {
        config,
        mut connections,
    } = prepared;
    let mut outcome = open_new(lines, &config, &mut connections, ground);
    let sources = Sources::new(&config, ground.metrics, Some(&roster.now()));
    roster.replace(sources).await;
    stop_changed(lines, before, &config).await;
    for id in gone(lines.keys(), config.destinations.iter().map(|it| &it.id)) {
        if let Some(line) = lines.remove(&id) {
            outcome = outcome.and(line.remove(ground));
        }
    }
    for settings in &config.destinations {
        let Some(line) = lines.get_mut(&settings.id) else {
            continue;
        };
        let connection = connections.remove(&settings.id);
        line.adopt(settings, connection, config.layout(settings));
        outcome = outcome.and(line.close_if_disabled(ground));
        outcome = outcome.and(line.flow(&config, ground));
    }
    let now = config.sources.iter().map(|it| &it.id);
    for id in gone(before.sources.iter().map(|it| &it.id), now) {
        ground.metrics.forget_source(&id);
    }
    outcome
}

/// Enters what waits for destinations whose books were opened just now. Events are accepted meanwhile.
fn enter_backlogs(opened: Vec<Books>, config: &Config, ground: &Ground<'_>) {
    let (journal, stop) = (ground.journal.clone(), ground.stop.child_token());
    let entering = delivery::enter_backlogs(opened, journal, Arc::new(config.clone()), stop);
    ground.tasks.spawn(entering);
}

/// Opens the books of destinations that are new, or enabled again.
fn open_new(
    lines: &mut Lines,
    config: &Config,
    connections: &mut BTreeMap<String, Connection>,
    ground: &Ground<'_>,
) -> Result<(), Error> {
    let mut outcome = Ok(());
    let mut opened = Vec::new();
    for settings in &config.destinations {
        if !lines.contains_key(&settings.id)
            && let Some(connection) = connections.remove(&settings.id)
        {
            let line = Line::new(settings, connection, config.layout(settings), ground);
            lines.insert(settings.id.clone(), line);
        }
        if let Some(line) = lines.get_mut(&settings.id).filter(|_| settings.enabled) {
            match line.open(ground) {
                Ok(books) => opened.extend(books),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
    }
    enter_backlogs(opened, config, ground);
    outcome
}

/// Stops the deliveries that are to end, or to go on in another way, each at the edge of a batch.
async fn stop_changed(lines: &mut Lines, before: &Config, config: &Config) {
    let same_pace = before.delivery == config.delivery;
    let stopping = lines.values_mut().filter_map(|line| {
        let next = config.destination(&line.settings.id);
        let goes_on = next.is_some_and(|next| line.flows_like(next) && same_pace);
        (!goes_on).then(|| line.stop())
    });
    join_all(stopping).await;
}

fn gone<'a>(
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
