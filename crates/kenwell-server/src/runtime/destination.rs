//! One destination at run time: its queue, its connection, and the delivery from one to the other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use kenwell::{
    connection::Connection,
    profile::{Layout, Marker},
};
use kenwell_journal::Error;
use tokio::{sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{dependencies::Dependencies, oldest_waiting::OldestWaiting};
use crate::{
    applied::Stopped,
    clock,
    config::{Config, Destination},
    delivery::{
        Delivery, DeliveryDependencies, DestinationQueue, Health, HealthState, KnownRedisFile, Lag,
        LossDetector, LossDetectorDependencies,
    },
    metrics::DestinationCounters,
};

/// The destinations at run time, by id.
pub(super) type DestinationRuntimes = BTreeMap<String, DestinationRuntime>;

/// A configured destination, to be looked at.
#[derive(Clone)]
pub struct DestinationView {
    /// Its settings.
    pub settings: Destination,
    /// How its Redis is doing; `None` while it is disabled.
    pub health: Option<Health>,
    /// What is counted.
    pub counters: DestinationCounters,
    /// Its queue; `None` while it is disabled and nothing waits.
    pub queue: Option<DestinationQueue>,
    oldest: Option<OldestWaiting>,
    /// How far behind it is.
    pub lag: Lag,
    /// To read profiles with. Opened when it is first used, and not shared with the delivery.
    pub connection: Connection,
    /// How its keys are named.
    pub layout: Layout,
}

/// A destination at run time.
pub(super) struct DestinationRuntime {
    pub(super) settings: Destination,
    pub(super) connection: Connection,
    pub(super) layout: Layout,
    counters: DestinationCounters,
    pub(super) health: Health,
    /// What is known of its Redis.
    pub(super) memory: KnownRedisFile,
    lag: Lag,
    /// Open while it is enabled, or has events waiting.
    pub(super) queue: Option<DestinationQueue>,
    /// Since when events wait, while some do and nothing of them is under way: it is disabled or paused, or its Redis
    /// was not reached since the start.
    oldest: Option<OldestWaiting>,
    /// Running while it is enabled and not paused.
    delivery: Option<RunningDelivery>,
}

/// A running delivery, with what watches over its Redis.
struct RunningDelivery {
    stop: CancellationToken,
    task: JoinHandle<()>,
    guard: JoinHandle<()>,
}

impl DestinationView {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.settings.id
    }

    /// When the oldest of the events was received that wait for it while nothing is under way to it, if that is known.
    pub fn waiting_since(&self) -> Option<Timestamp> {
        self.oldest.as_ref().and_then(OldestWaiting::time)
    }

    /// The age of the oldest event that is not applied: under way, deferred, or waiting. `None` when there is none, as
    /// far as anybody has looked.
    pub fn oldest_age(&self) -> Option<Duration> {
        let deferred = self.health.as_ref().and_then(|it| it.deferred().since);
        let waits = self.waiting_since().filter(|_| self.counters.queued() > 0);
        let since = [waits, deferred].into_iter().flatten().min();
        let since =
            since.map(|since| clock::age(u64::try_from(since.as_millisecond()).unwrap_or(0)));
        self.lag.now().max(since)
    }
}

impl DestinationRuntime {
    /// A destination that does nothing yet, and has no queue.
    pub(super) fn new(
        settings: &Destination,
        connection: Connection,
        layout: Layout,
        dependencies: &Dependencies,
    ) -> Self {
        Self {
            connection,
            layout,
            counters: dependencies.metrics.destination(&settings.id),
            health: Health::new(&settings.id),
            memory: KnownRedisFile::open(&dependencies.data_dir, settings),
            lag: Lag::default(),
            settings: settings.clone(),
            queue: None,
            oldest: None,
            delivery: None,
        }
    }

    /// Begins to deliver, unless it does already or is not to.
    pub(super) fn start_delivery(
        &mut self,
        config: &Config,
        dependencies: &Dependencies,
    ) -> Result<(), Error> {
        let stopped = self.stopped();
        self.counters.applied().set_stopped(stopped);
        let Some(queue) = self.queue.as_ref().filter(|_| stopped.is_none()) else {
            return Ok(());
        };
        if self.delivery.is_some() {
            return Ok(());
        }
        let plan = DeliveryDependencies {
            config,
            destination: &self.settings,
            connection: &self.connection,
            queue,
            health: &self.health,
            lag: &self.lag,
            dead_letters: &dependencies.dead_letters,
        };
        let delivery = Delivery::new(&plan, &dependencies.journal)?;
        let stop = dependencies.stop.child_token();
        let ended = CancellationToken::new();
        let (known, begin) = oneshot::channel();
        let guard = self.guard(dependencies).run(ended.clone(), known);
        let guard = dependencies.tasks.spawn(guard);
        let delivered = delivery.run(stop.clone());
        let stopped = stop.clone();
        let task = dependencies.tasks.spawn(async move {
            let _ended = ended.drop_guard();
            tokio::select! {
                () = stopped.cancelled() => {}
                // The guard drops its end when the delivery may begin.
                _ = begin => delivered.await,
            }
        });
        self.delivery = Some(RunningDelivery { stop, task, guard });
        Ok(())
    }

    /// Why nothing is delivered to it, as its settings say it.
    fn stopped(&self) -> Option<Stopped> {
        match (self.settings.enabled, self.settings.paused) {
            (false, _) => Some(Stopped::Disabled),
            (true, paused) => paused.then_some(Stopped::Paused),
        }
    }

    /// What watches over its Redis beside the delivery.
    fn guard(&self, dependencies: &Dependencies) -> LossDetector {
        let installation = dependencies.installation.clone();
        // Under a name of its own, so that no marker of an earlier run arrives late.
        let name = format!("{installation}:{}:marker", self.settings.id);
        let (connection, layout) = (self.connection.named(&name), self.layout.clone());
        LossDetector::new(LossDetectorDependencies {
            marker: Marker::new(connection, layout, installation),
            journal: dependencies.journal.clone(),
            known_redis: self.memory.clone(),
            health: self.health.clone(),
            heals: self.settings.heal,
            losses: dependencies.losses.clone(),
        })
    }

    /// Whether its delivery can go on as it is when these are its settings.
    pub(super) fn delivers_like(&self, next: &Destination) -> bool {
        self.settings.delivers_like(next) && next.enabled && !next.paused
    }

    /// Stops at the edge of the batch under way; what waits stays in the journal.
    pub(super) async fn stop_delivery(&mut self) {
        let Some(RunningDelivery { stop, task, guard }) = self.delivery.take() else {
            return;
        };
        stop.cancel();
        if let Err(error) = task.await.and(guard.await) {
            tracing::error!(destination.id = self.settings.id, %error, "a delivery ended badly; its batch will be delivered again");
        }
    }

    /// Takes over settings. The delivery is stopped, or runs by settings that say the same.
    pub(super) fn adopt(
        &mut self,
        settings: &Destination,
        connection: Option<Connection>,
        layout: Layout,
    ) {
        if let Some(connection) = connection {
            self.connection = connection;
            // What was wrong with the old connection says nothing about the new one.
            self.health = Health::new(&settings.id);
        }
        self.memory.move_to(settings);
        self.layout = layout;
        self.settings = settings.clone();
    }

    /// Closes the queue of a stopped destination that is disabled, unless something waits for it: that is
    /// kept, and holds the journal. Finds out since when something waits, also for others to which nothing is under way.
    /// Tells whether its view changed by that.
    pub(super) fn close_if_idle(&mut self, dependencies: &Dependencies) -> Result<bool, Error> {
        if self.settings.enabled && !self.stands_still() {
            return Ok(self.oldest.take().is_some());
        }
        if self.queue.is_none() || !self.is_counted() {
            return Ok(false);
        }
        if self.waiting() > 0 {
            let news = self.oldest.is_none();
            if news {
                let Dependencies {
                    journal,
                    tasks,
                    stop,
                    ..
                } = dependencies;
                let oldest = OldestWaiting::find(&self.settings.id, journal, tasks, stop);
                self.oldest = Some(oldest);
            }
            return Ok(news);
        }
        if self.settings.enabled {
            return Ok(self.oldest.take().is_some());
        }
        // Opened again it begins at the end, which is the same to a destination that has everything.
        dependencies.journal.forget(&self.settings.id)?;
        self.queue = None;
        Ok(true)
    }

    /// Whether nothing is under way to it while it is enabled: it is paused, or its Redis was not reached yet.
    fn stands_still(&self) -> bool {
        let is_up = self.health.state() == HealthState::Up;
        self.settings.paused || (!is_up && self.lag.now().is_none())
    }

    /// Whether it is known how many events wait for it.
    pub(super) fn is_counted(&self) -> bool {
        let queue = self.queue.as_ref();
        queue.is_none_or(|queue| queue.backlog().is_some())
    }

    /// Events that wait for it, as far as they are counted.
    pub(super) fn waiting(&self) -> u64 {
        self.counters.queued()
    }

    /// Whether it delivers, and nothing is known to be in its way.
    pub(super) fn delivers(&self) -> bool {
        self.delivery.is_some() && !matches!(self.health.state(), HealthState::Waiting { .. })
    }

    /// This destination, to be looked at.
    pub(super) fn view(&self) -> DestinationView {
        DestinationView {
            settings: self.settings.clone(),
            health: self.settings.enabled.then(|| self.health.clone()),
            counters: self.counters.clone(),
            queue: self.queue.clone(),
            oldest: self.oldest.clone(),
            lag: self.lag.clone(),
            connection: self.connection.clone(),
            layout: self.layout.clone(),
        }
    }
}

/// The destinations, to be looked at.
pub(super) fn views(destinations: &DestinationRuntimes) -> Arc<[DestinationView]> {
    let views = destinations.values().map(DestinationRuntime::view);
    views.collect()
}
