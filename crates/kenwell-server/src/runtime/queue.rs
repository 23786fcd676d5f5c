//! Queues that are opened for a change: before the first event is routed to them, and closed again if the change
//! comes to nothing.

use std::sync::Arc;

use kenwell_journal::{Error, ErrorChain};

use super::{dependencies::Dependencies, destination::DestinationRuntimes, removal};
use crate::{
    config::{Config, Destination},
    delivery::{self, DestinationQueue},
};

/// A queue that was opened just now.
pub(super) struct OpenedQueue {
    pub(super) id: String,
    pub(super) queue: DestinationQueue,
    /// Whether it is that of a retired destination, and goes on. Otherwise it begins where its cursor stands; a new
    /// cursor stands at the end of the journal.
    was_retired: bool,
}

/// A destination whose queue or cursor could not be opened.
pub(super) struct NotOpened {
    pub(super) id: String,
    pub(super) error: Error,
}

/// Opens the queue of a destination as its settings want it: that of a disabled one only if something may wait for
/// it. From now on the journal keeps what comes for it.
pub(super) fn open_queue(
    settings: &Destination,
    dependencies: &Dependencies,
) -> Result<Option<OpenedQueue>, Error> {
    let Dependencies {
        journal, metrics, ..
    } = dependencies;
    let id = settings.id.clone();
    if !settings.enabled && dependencies.position(&id).is_none() {
        return Ok(None);
    }
    let (queue, was_retired) = match dependencies.retired.take(&id) {
        Some(queue) => {
            tracing::info!(
                destination.id = id,
                waiting = queue.counters.queued(),
                "a destination is configured again, and goes on where it stood"
            );
            metrics.clear_retired(&id);
            (queue, true)
        }
        None => (DestinationQueue::open(&id, journal, metrics)?, false),
    };
    Ok(Some(OpenedQueue {
        id,
        queue,
        was_retired,
    }))
}

/// Opens the queues that `config` needs and that are not open yet. All of them or none.
pub(super) fn open_queues(
    config: &Config,
    destinations: &DestinationRuntimes,
    dependencies: &Dependencies,
) -> Result<Vec<OpenedQueue>, NotOpened> {
    let mut opened = Vec::new();
    for settings in &config.destinations {
        let running = destinations.get(&settings.id);
        if running.is_some_and(|destination| destination.queue.is_some()) {
            continue;
        }
        match open_queue(settings, dependencies) {
            Ok(queue) => opened.extend(queue),
            Err(error) => {
                close_queues(opened, destinations, dependencies);
                let id = settings.id.clone();
                return Err(NotOpened { id, error });
            }
        }
    }
    let new = opened.iter().filter(|it| !it.was_retired);
    let new = new.map(|it| it.queue.clone()).collect();
    initialize_queues(new, config, dependencies);
    Ok(opened)
}

/// Undoes [`open_queues`], for a change that comes to nothing.
pub(super) fn close_queues(
    opened: Vec<OpenedQueue>,
    destinations: &DestinationRuntimes,
    dependencies: &Dependencies,
) {
    for OpenedQueue {
        id,
        queue,
        was_retired,
    } in opened
    {
        if was_retired {
            removal::retire(&id, queue, dependencies);
        } else if let Err(error) = dependencies.journal.forget(&id) {
            // Nothing waits for it, so it goes as soon as it can.
            tracing::warn!(destination.id = id, error = %ErrorChain(&error), "a cursor that is not needed could not be removed");
            removal::retire(&id, queue, dependencies);
        } else if !destinations.contains_key(&id) {
            dependencies.metrics.forget_destination(&id);
        }
    }
}

/// Counts what waits for destinations whose queue was opened just now. Events are accepted meanwhile.
pub(super) fn initialize_queues(
    opened: Vec<DestinationQueue>,
    config: &Config,
    dependencies: &Dependencies,
) {
    let (journal, stop) = (
        dependencies.journal.clone(),
        dependencies.stop.child_token(),
    );
    let entering = delivery::initialize_queues(opened, journal, Arc::new(config.clone()), stop);
    dependencies.tasks.spawn(entering);
}
